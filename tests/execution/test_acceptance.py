"""A result taken for valid by hand: recorded, shown, undone by force."""

from __future__ import annotations

import pytest

from nbpipe.errors import UsageError
from tests.projects import COPY, planned, story

pytestmark = pytest.mark.runner


@pytest.fixture
def edited(project):
    """Two steps that ran once, and the first edited since so that it would write something else."""

    def steps():
        return [project.cell("prep", None, "{>a}"), project.cell("train", COPY, "{a} {>b}")]

    project.write("steps/prep/prep.py", COPY)
    project.run(*steps())
    project.write("steps/prep/prep.py", COPY + "open(sys.argv[-1], 'a').write('more')\n")
    return project, steps


def test_an_accepted_result_is_reused_and_shown_as_accepted(edited):
    project, steps = edited
    result = project.workspace.accept(project.pipeline(*steps()), "prep")
    assert (result.run, result.accepted_from) == ("1", "1")
    assert planned(project.plan(*steps())) == [("prep", "will reuse", ""), ("train", "will reuse", "")]
    run = project.run(*steps())
    assert story(run) == [("prep", "reused", "run 1"), ("train", "reused", "run 1")]
    reused = run.step("prep").state.last
    assert (reused.accepted, reused.note) == (True, "accepted")


def test_force_undoes_an_acceptance(edited):
    project, steps = edited
    project.workspace.accept(project.pipeline(*steps()), "prep")
    run = project.run(*steps(), force=["prep"])
    assert story(run)[0] == ("prep", "done", "forced")
    assert not [event for event in run.events()[0] if event.kind == "step_noted"]
    again = project.run(*steps())
    assert story(again)[0] == ("prep", "reused", "run 2")
    assert not again.step("prep").state.last.accepted


def test_an_accepted_result_can_be_accepted_for_the_next_edit_too(edited):
    project, steps = edited
    project.workspace.accept(project.pipeline(*steps()), "prep")
    project.write("steps/prep/prep.py", COPY + "print('another')\n")
    result = project.workspace.accept(project.pipeline(*steps()), "prep")
    assert result.accepted_from == "1"
    assert project.plan(*steps())["prep"].action == "reuse"


def test_an_accepted_result_may_be_reused_while_its_inputs_are_not_known(edited):
    project, steps = edited
    project.workspace.accept(project.pipeline(*steps()), "prep")
    project.write("steps/train/train.py", COPY + "print('harmless')\n")
    now = [project.cell("prep", None, "{>a}"), project.cell("train", None, "{a} {>b}")]
    assert project.plan(*now, force=["prep"])["train"].action == "run"
    project.workspace.accept(project.pipeline(*now), "train")
    assert project.plan(*now, force=["prep"])["train"].action == "maybe"


def test_of_several_results_that_of_the_data_as_they_are_now_is_accepted(project):
    """The last one was made of other data, which were changed and changed back since."""
    text = COPY + "open(sys.argv[-1], 'a').write('more')\n"
    for data, script in (("one", COPY), ("two", COPY), ("one", text)):
        project.write("raw.csv", data)
        step = project.cell("prep", script, "{./raw.csv} {>a}")
        if script is COPY:
            project.run(step)
    assert project.workspace.accept(project.pipeline(step), "prep").run == "1"
    assert project.text(project.run(step), "prep", "a") == "one"


def test_what_cannot_be_accepted_says_why(edited):
    project, steps = edited
    workspace = project.workspace
    with pytest.raises(UsageError, match="train cannot be accepted yet: a is still to be made"):
        workspace.accept(project.pipeline(*steps()), "train")
    with pytest.raises(UsageError, match="other has no earlier result to accept"):
        workspace.accept(project.pipeline(project.cell("other", "")), "other")
    renamed = [project.cell("prep", None, "{>other}")]
    with pytest.raises(UsageError, match="prep wrote a in run 1; that has changed"):
        workspace.accept(project.pipeline(*renamed), "prep")
    project.run(*steps())
    with pytest.raises(UsageError, match="prep will be reused already"):
        project.workspace.accept(project.pipeline(*steps()), "prep")


def test_after_acceptance_the_steps_behind_can_be_accepted_too(edited):
    project, steps = edited
    steps_now = [steps()[0], project.cell("train", COPY + "print('more')\n", "{a} {>b}")]
    project.workspace.accept(project.pipeline(*steps_now), "prep")
    project.workspace.accept(project.pipeline(*steps_now), "train")
    assert [step.action for step in project.plan(*steps_now)] == ["reuse", "reuse"]
