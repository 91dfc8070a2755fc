"""Laws of runs that reuse everything: told at submit, and no different from what a runner tells."""

from __future__ import annotations

import json

import pytest

from nbpipe.core.events import RunStarted
from nbpipe.execution.given import Given
from nbpipe.execution.lifetime import run_to_end
from nbpipe.run import PipelineRun

COPY = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n"


def told(run: PipelineRun) -> list[dict]:
    """Its events without moments, processes and the run's own number."""
    told = []
    for event in run.events()[0]:
        line = event.to_json()
        line.pop("time")
        line.pop("run", None)
        line.pop("pid", None)
        line["saved"] = round(line.get("saved", 0.0), 6)  # added up in another order
        told.append(line)
    return sorted(
        told, key=lambda line: (line["event"] != "run_started", line["event"] == "run_finished", str(line))
    )


@pytest.fixture
def steps(project):
    project.write("raw.csv", "a,b\n1,2\n")
    return (
        project.cell("prep", COPY, "{./raw.csv} {>clean}"),
        project.cell("train", COPY, "{clean} {>model}"),
        project.cell("alone", "print()"),
    )


@pytest.mark.runner
def test_a_run_that_reuses_everything_is_over_when_submit_returns_and_starts_no_process(project, steps):
    assert project.run(*steps).status == "Finished"
    run = project.submit(*steps)
    assert run.state.finished
    assert run.status == "Finished"
    assert not run.live
    assert not run.folder.runner_log.exists()
    assert all(step.reused for step in run.get_steps())


@pytest.mark.runner
def test_its_story_is_the_one_a_runner_tells(project, steps):
    project.run(*steps)
    run = project.submit(*steps)
    at_submit = told(run)
    run.folder.events.unlink()
    assert run_to_end(project.root, run.id, Given({})) == "Finished"
    assert told(project.workspace.get_run(run.id)) == at_submit
    assert isinstance(run.events()[0][0], RunStarted)


@pytest.mark.runner
def test_one_step_that_has_to_run_needs_a_runner(project, steps):
    project.run(*steps)
    project.write("raw.csv", "a,b\n3,4\n")
    run = project.run(*steps)
    assert run.folder.runner_log.exists()
    assert json.loads(run.folder.events.read_text().splitlines()[-1])["steps"] == {
        "prep": "run", "train": "run", "alone": "reused",
    }  # fmt: skip
