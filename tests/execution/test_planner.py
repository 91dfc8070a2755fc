"""What an edit reaches, and that no more is looked at where nothing else was edited."""

from __future__ import annotations

import pytest

from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.plan import Plan
from nbpipe.core.step import PythonScriptStep
from nbpipe.execution.planner import edited
from nbpipe.notebook.settled import SettledPipeline
from nbpipe.workspace import Workspace
from tests.projects import COPY, Project


class Edits:
    """Two steps in a row and one beside them, in a workspace that remembers.

    Made by each test itself, since pytest sets a variable anew for every phase of a test, and variables count.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.workspace = Workspace(project.root)
        project.write("raw.csv", "a\n1\n")
        project.parameters = {"seed": 1}
        self.rate = PipelineParameter("rate", 0.5)
        self.steps = {
            "prep": project.cell("prep", COPY, "{./raw.csv} {>clean}"),
            "train": project.cell("train", COPY, "--seed {seed} {clean} {>model}"),
            "beside": project.cell("beside", COPY, "{>other}", arguments=["--rate", self.rate]),
        }
        self.pipeline = SettledPipeline(self.workspace, list(self.steps.values()))
        self.plan: Plan = self.pipeline.plan()

    def edit(self, **steps: PythonScriptStep) -> Plan:
        """The plan after some steps were made anew."""
        self.steps |= steps
        self.pipeline = SettledPipeline(self.workspace, list(self.steps.values()), earlier=self.pipeline)
        return self.again(edits_only=True)

    def again(self, **options: bool) -> Plan:
        return self.pipeline.plan(since=self.plan, **options)

    def is_as_from_scratch(self, plan: Plan) -> bool:
        return plan.steps == self.project.pipeline(*self.steps.values()).plan().steps


def test_an_edit_reaches_its_step_and_what_that_needs_is_looked_at(project: Project) -> None:
    edits = Edits(project)
    step = edits.project.cell("train", COPY + "x = 1\n", "--seed {seed} {clean} {>model}")
    plan = edits.edit(train=step)
    assert edited(plan.graph, edits.plan) == {"train", "prep"}
    assert plan["beside"] is edits.plan["beside"]
    assert edits.is_as_from_scratch(plan)


def test_a_step_that_takes_another_value_is_edited(project: Project) -> None:
    edits = Edits(project)
    edits.rate.default_value = 0.9
    plan = edits.again(edits_only=True)
    assert edits.is_as_from_scratch(plan)
    assert plan["beside"].fingerprint.part("parameters") == {"rate": 0.9}


def test_files_that_no_edit_reaches_are_looked_at_by_a_whole_plan_alone(project: Project) -> None:
    edits = Edits(project)
    edits.project.write("steps/beside/beside.py", "edited = 'by another hand'\n")
    edits.project.write("raw.csv", "a\n1\n2\n")
    step = edits.project.cell("train", COPY, "--seed {seed} {clean} {>model}")
    plan = edits.edit(train=step)
    assert plan["prep"].fingerprint != edits.plan["prep"].fingerprint
    assert (plan["beside"], plan.whole) == (edits.plan["beside"], False)
    whole = edits.again()
    assert whole.whole
    assert edits.is_as_from_scratch(whole)
    assert whole["beside"].fingerprint != plan["beside"].fingerprint


def test_without_an_edit_nothing_is_looked_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = Edits(project)
    monkeypatch.setattr(edits.workspace.memory, "attempts", lambda step: pytest.fail(f"asked about {step}"))
    monkeypatch.setattr(edits.workspace.digests, "digest", lambda path: pytest.fail(f"looked at {path}"))
    plan = edits.again(edits_only=True)
    assert plan.steps == edits.plan.steps
    assert not plan.whole


def test_a_step_that_cannot_run_is_looked_at_each_time(project: Project) -> None:
    edits = Edits(project)
    path = edits.project.root / "steps/beside/beside.py"
    path.unlink()
    blocked = edits.again()
    assert blocked["beside"].action == "blocked"
    path.write_text(COPY)
    assert edits.pipeline.plan(since=blocked, edits_only=True)["beside"].action == "run"


def test_another_interpreter_counts_for_every_step(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = Edits(project)
    monkeypatch.setenv("MODE", "fast")
    plan = edits.again(edits_only=True)
    assert edits.is_as_from_scratch(plan)
