"""A board for tests of answers: a pipeline with its plan and its newest run, as a view would show them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbpipe.core.graph import Graph
from nbpipe.core.plan import Plan
from nbpipe.core.step import PythonScriptStep
from nbpipe.run import PipelineRun
from nbpipe.workspace import Workspace
from tests.projects import Project


@dataclass
class Board:
    """What answers ask of a board."""

    workspace: Workspace
    graph: Graph
    plan: Plan | None = None
    run: PipelineRun | None = None
    planned: set[str] = field(default_factory=set)

    def speaks(self, node_id: str) -> bool:
        return self.run is not None and node_id not in self.planned

    def cell_of(self, node_id: str) -> tuple[str, str, int]:
        return f"id-{node_id}", "cell 6", 2


def board(project: Project, *steps: PythonScriptStep, run: PipelineRun | None = None) -> Board:
    """The board of these steps: planned now, and with a run where one is given."""
    pipeline = project.pipeline(*steps)
    plan = pipeline.plan()
    planned = {step.node_id for step in plan if step.action != "reuse"} if run else set()
    return Board(pipeline.workspace, plan.graph, plan, run, planned)
