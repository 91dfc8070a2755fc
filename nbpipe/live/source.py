"""What boards ask of whoever has the pipelines: the session of a notebook carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass
from nbpipe.live.scene import CellFacts
from nbpipe.views.answers import CellText, ParamItem
from nbpipe.workspace import Workspace


@dataclass(frozen=True)
class LastKnown:
    """What the kernel before this one had.

    Attributes:
        pipeline: name of its pipeline.
        cells: how many step cells it had that are not registered yet.
    """

    pipeline: str
    cells: int


class Source(Protocol):
    """The pipelines of one kernel; every method may be called from any thread that holds ``lock``."""

    @property
    def workspace(self) -> Workspace:
        """Where they are planned and run."""

    @property
    def folder(self) -> Path:
        """The notebook's folder."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held by whoever reads or changes what is declared, plans, or starts a run; may be taken twice."""

    @property
    def sample(self) -> str:
        """The smallest step's cell."""

    def names(self) -> Sequence[str]:
        """Names of the pipelines, the one that is meant by default first."""

    def pipeline(self, name: str) -> Pipeline | None:
        """The pipeline of that name as it is meant now; None where nothing is declared.

        Raises:
            InvalidPipeline: with every problem of every step.
        """

    def offers(self, name: str) -> bool:
        """Whether there is a plan of that pipeline that a cell has just made."""

    def plan(self, pipeline: Pipeline) -> Plan:
        """The plan of a pipeline as it is now: the one that a cell has just made, else one made now.

        One that is not whole is to be followed, within seconds, by one that is.
        """

    def cells(self, name: str) -> Mapping[str, CellFacts]:
        """Step name -> its cell, of the steps that cells declare."""

    def values(self, name: str) -> Mapping[str, Any]:
        """The notebook's plain values that the pipeline's steps name: what a plan depends on besides files."""

    def last(self, name: str) -> LastKnown | None:
        """What a restarted kernel remembers of a pipeline; None where this one has steps of its own."""

    def restore(self) -> Sequence[str]:
        """Register the step cells again; one sentence for each thing that is worth telling."""

    def submit(self, pipeline: Pipeline, **options: Any) -> Any:
        """Start a run of a pipeline; see ``Workspace.submit``."""

    def params(self, name: str) -> Sequence[ParamItem]:
        """The parameters of a pipeline, with what may be chosen for each."""

    def set_value(self, name: str, parameter: str, value: Any) -> None:
        """Set a parameter's variable, whose value the next plan and run take.

        Raises:
            UsageError: there is no such parameter, or the value is of another kind.
        """

    def extract(self, cell: str, answers: Mapping[str, Any], name: str) -> CellText:
        """A step cell made of an ordinary one.

        Args:
            cell: the ordinary cell's text, or its id.
            answers: to the questions of an earlier call.
            name: of the step; empty for one that suggests itself.
        """
