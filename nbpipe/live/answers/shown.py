"""What answers ask of a board, and how they find the step and the run that a request speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nbpipe.core.events import StepReused, StepStarted
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.live.log_view import own
from nbpipe.run import PipelineRun, StepRun
from nbpipe.workspace import Workspace


class Shown(Protocol):
    """A pipeline as a view shows it: its graph, its plan now, and the run that is followed."""

    @property
    def workspace(self) -> Workspace:
        """Where it lies."""

    @property
    def graph(self) -> Graph:
        """Its steps, paths relative to the workspace."""

    @property
    def plan(self) -> Plan | None:
        """What would happen now, where that is known."""

    @property
    def run(self) -> PipelineRun | None:
        """The run that is shown, or None."""

    def speaks(self, node_id: str) -> bool:
        """True where the run speaks for a step, False where its plan is newer."""

    def cell_of(self, node_id: str) -> tuple[str, str, int]:
        """Id and label of a step's notebook cell, and the number of its line that is line 1 of the script."""


Args = Mapping[str, Any]
"""What a request says, by name; it comes from a browser, so that anything may stand in it."""


def word(args: Args, name: str) -> str:
    """A text of a request; empty where it is none."""
    value = args.get(name)
    return value if isinstance(value, str) else ""


def number(args: Args, name: str, otherwise: int) -> int:
    """A number of a request."""
    value = args.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def node_of(shown: Shown, args: Args) -> Node:
    """The step that a request speaks of; ``UnknownName`` names those there are."""
    return shown.graph.get_node(word(args, "step"))


def step_in(shown: Shown, node: Node, run_id: str = "") -> StepRun | None:
    """A step in the shown run, or in another one; None where no run is shown, or it has no such step.

    Raises:
        UnknownName: there is no run of that id, or it has no such step.
    """
    if run_id:
        run = shown.workspace.get_run(run_id)
        return run.step(node.node_id if node.node_id in run.graph.node_dict else node.name)
    if shown.run is None or node.node_id not in shown.run.graph.node_dict:
        return None
    return StepRun(own(shown.run), node.node_id)


def planned(shown: Shown, node_id: str) -> StepPlan | None:
    """What would happen to a step now, where that is known."""
    return next((step for step in shown.plan or () if step.node_id == node_id), None)


def begun(step: StepRun) -> StepStarted | StepReused | None:
    """The event that decided on a step, or None."""
    found = (event for event in reversed(step.state.events) if isinstance(event, StepStarted | StepReused))
    return next(found, None)


def fingerprint_of(step: StepRun) -> Fingerprint | None:
    """What a step of a run was made with, or None while that is open, or where it is lost."""
    event = begun(step)
    return step.run.memory().fingerprint(event.fingerprint) if event else None
