"""The graph that a restarted kernel remembers: shown greyed until the step cells are registered again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from nbpipe.core.display import presenter
from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError
from nbpipe.live.source import LastKnown
from nbpipe.notebook.session import Session
from nbpipe.run import PipelineRun
from nbpipe.views.picture import Picture
from nbpipe.views.present import picture_of


@dataclass(frozen=True)
class LastGraph:
    """A graph of the kernel before this one, as its newest run left it; it promises no plan.

    Attributes:
        picture: what is shown, greyed, with a line that says how to go on.
    """

    picture: Picture

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return presenter().mimebundle(self.picture)

    def __repr__(self) -> str:
        return self.picture.bar


def last_graph(session: Session, pipeline: str = "") -> LastGraph | None:
    """The last graph of a pipeline, or None where this kernel has steps of its own or nothing ever ran.

    Args:
        session: the kernel's.
        pipeline: its name; empty where there is only one.
    """
    last = last_known(session, pipeline)
    run = session.workspace.latest_run(last.pipeline) if last else None
    if last is None or run is None:
        return None
    cells = "the step cell" if last.cells == 1 else f"the {last.cells} step cells"
    bar = f"Kernel restarted.{_goes_on(run)} To register {cells}:  %pipeline_restore"
    return LastGraph(replace(picture_of(run), bar=bar))


def last_known(session: Session, pipeline: str = "") -> LastKnown | None:
    """What the last kernel had; None where this one has steps of its own, or a pipeline in a variable.

    Args:
        session: the kernel's.
        pipeline: name of the pipeline; empty where there is only one.
    """
    left = session.not_registered()
    names = list(dict.fromkeys(each.pipeline for each in left))
    if session.declarations or not left or (pipeline or names[0]) not in names:
        return None
    with suppress(UsageError):  # a pipeline of the object API, in a variable, needs no cell
        session.pipeline(pipeline)
        return None
    return LastKnown(pipeline or names[0], len(left))


def _goes_on(run: PipelineRun) -> str:
    if not run.live:
        return ""
    steps = run.state.steps.values()
    settled = sum(step.status.settled for step in steps)
    return f" Run {run.id} goes on ({settled} of {len(steps)}), see %pipeline_attach."
