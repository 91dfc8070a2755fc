"""A run in its user's hand: how it stands, what it tells, how it is waited for."""

from __future__ import annotations

import pytest

from nbpipe.core.events import RunFinished, RunStarted
from nbpipe.core.experiment import Experiment
from nbpipe.errors import ActivityFailedException, UnknownName
from tests.projects import COPY, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner


@pytest.fixture
def waiting(project):
    """A step that waits for a file, and what lets it go on."""
    path = project.root / "go"
    code = f"import os, time\nprint('begun', flush=True)\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)\n"
    return project.cell("one", code), lambda: path.write_text("", "utf-8")


def test_a_run_goes_from_not_started_through_running_to_finished(project, waiting):
    step, let_go = waiting
    run = project.submit(step, tags={"by": "hand"})
    assert run.status in ("NotStarted", "Running")
    assert run.finished is None
    eventually(lambda: run.status == "Running")
    let_go()
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"
    assert (run.get_status(), run.status) == ("Finished", "Finished")
    assert run.started <= run.finished
    assert (run.id, run.number, run.experiment_name, run.pipeline_name) == ("1", "1", "demo", "pipeline")
    assert dict(run.tags) == {"by": "hand"}
    assert dict(run.parameters) == {}
    assert not run.interrupted


def test_waiting_prints_what_steps_write_and_how_they_end(project, capfd):
    steps = [
        project.cell("prep", "print('first')\n" + COPY, "{>a}"),
        project.cell("train", "print('second')\n", "{a}"),
    ]
    run = project.submit(*steps)
    assert run.wait_for_completion(timeout_seconds=30) == "Finished"
    assert capfd.readouterr().out == "first\nprep: done\nsecond\ntrain: done\n"
    project.submit(*steps).wait_for_completion(timeout_seconds=30)
    assert capfd.readouterr().out == "prep: reused\ntrain: reused\n"
    project.submit(*steps).wait_for_completion(show_output=False, timeout_seconds=30)
    assert capfd.readouterr().out == ""


def test_waiting_ends_when_the_time_is_over_and_the_run_goes_on(project, waiting):
    step, let_go = waiting
    run = project.submit(step)
    with pytest.raises(TimeoutError, match="Run 1 has not ended yet"):
        run.wait_for_completion(show_output=False, timeout_seconds=0.05)
    let_go()
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"


def test_a_run_that_failed_raises_with_the_step_its_line_and_the_remedy_or_not_at_all(project):
    run = project.submit(project.cell("one", "x = 1\nimport helpers_nobody_has\n"))
    with pytest.raises(ActivityFailedException) as raised:
        run.wait_for_completion(show_output=False, timeout_seconds=30)
    assert raised.value.fact == "Run 1 failed. one, line 2: no module named helpers_nobody_has."
    assert run.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"


def test_a_run_that_was_cancelled_says_by_whom(project, waiting):
    run = project.submit(waiting[0])
    run.cancel()
    with pytest.raises(ActivityFailedException, match="Run 1 was cancelled: one was stopped by you"):
        run.wait_for_completion(show_output=False, timeout_seconds=30)
    assert run.status == "Canceled"


def test_steps_are_found_by_name_and_those_there_are_are_named(project):
    run = project.run(project.cell("prep", COPY, "{>a}"), project.cell("train", "", "{a}"))
    assert [step.name for step in run.get_steps()] == ["prep", "train"]
    assert [step.name for step in run.find_step_run("train")] == ["train"]
    assert run.find_step_run("trian") == []
    with pytest.raises(UnknownName) as raised:
        run.step("trian")
    assert (raised.value.fact, raised.value.remedy) == ("Run 1 has no step trian.", "Steps: prep, train")


def test_events_are_read_on_from_where_one_was(project):
    run = project.run(project.cell("one", ""))
    events, offset = run.events()
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert run.events(offset) == ([], len(events))
    assert run.events(1)[0] == events[1:]


def test_a_run_says_what_reuse_saved(project):
    steps = [
        project.cell("prep", "import time\ntime.sleep(0.05)\n" + COPY, "{>a}"),
        project.cell("train", "", "{a}"),
    ]
    first = project.run(*steps)
    assert first.saved == 0
    again = project.run(*steps)
    assert again.saved == pytest.approx(sum(step.wall for step in first.get_steps()), abs=1e-3)
    assert again.saved > 0.05


def test_the_values_of_parameters_are_the_runs(project):
    project.parameters = {"lr": 0.1, "name": "x"}
    step = project.cell("one", "import sys\nprint(sys.argv[1:])\n", "{lr} {name}")
    run = project.run(step, pipeline_parameters={"lr": 0.5})
    assert dict(run.parameters) == {"lr": 0.5, "name": "x"}
    assert run.step("one").get_stdout_log() == "['0.5', 'x']\n"


def test_a_run_explains_a_step_with_a_diff(project):
    project.run(project.cell("one", "x = 1\ny = 2\n"))
    run = project.run(project.cell("one", "x = 1\ny = 3\n"))
    explanation = run.explain("one")
    assert [str(reason) for reason in explanation.reasons] == ["one.py line 2 changed"]
    assert explanation.compared_run == "1"
    assert "-y = 2" in explanation.diffs[0][1]
    assert "+y = 3" in explanation.diffs[0][1]
    assert explanation.key == run.step("one").fingerprint


def test_a_later_edit_does_not_change_what_a_run_tells(project):
    project.run(project.cell("one", "x = 1\n"))
    run = project.run(project.cell("one", "x = 2\n"))
    before = run.explain("one")
    project.run(project.cell("one", "x = 3\n"))
    assert project.workspace.get_run("2").explain("one") == before


def test_waiting_prints_what_the_steps_print_how_they_end_and_what_was_noted(project, capsys):
    script = "import os, sys\nprint('hello')\nopen(sys.argv[1], 'wb').write(os.urandom(8))\n"
    step = project.cell("one", script, "{>noise.bin}")
    project.run(step)
    capsys.readouterr()
    project.submit(step, force=["one"]).wait_for_completion(timeout_seconds=30)
    note = "one is not deterministic (noise.bin): its descendants always rerun"
    assert capsys.readouterr().out == f"hello\none: done\n{note}\n"


def test_an_experiment_finds_its_runs(project):
    pipeline = project.pipeline(project.cell("one", ""))
    experiment = Experiment(pipeline.workspace, "penguins")
    run = experiment.submit(pipeline, tags={"kind": "trial"})
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    project.run(project.cell("one", ""))
    assert run.experiment_name == "penguins"
    assert [found.id for found in experiment.get_runs()] == ["1"]
    assert [found.id for found in experiment.get_runs(tags={"kind": "other"})] == []


def test_what_a_run_is_called_is_short(project):
    run = project.run(project.cell("one", "", "{>a}"))
    assert (repr(run), repr(run.step("one"))) == ("PipelineRun(1, Failed)", "StepRun('one', run 1, failed)")
    assert words(run) == {"one": "failed"}
