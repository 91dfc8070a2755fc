"""What a run's folder tells, live or long after, whole or damaged."""

from __future__ import annotations

import pytest

from nbpipe.errors import NbpipeError, StoreError, UsageError
from tests.projects import words
from tests.waiting import eventually

pytestmark = pytest.mark.runner


@pytest.fixture
def run(project):
    """A run that has ended."""
    run = project.run(project.cell("one", ""))
    eventually(lambda: not run.live)
    return run


def test_a_run_is_read_anew_by_anybody(project, run):
    for other in (
        project.workspace.get_run("1"),
        project.workspace.latest_run(),
        project.workspace.runs()[0],
    ):
        assert (other.id, other.status, words(other)) == ("1", "Finished", {"one": "done"})
        assert other.plan_json == run.plan_json


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "run": 3, "graph": []}']
)
def test_a_damaged_record_is_said_to_be_damaged_and_hides_no_other_run(project, run, text):
    project.run(project.cell("one", ""))
    second = project.workspace.get_run("2")
    second.folder.graph.write_text(text, "utf-8")
    with pytest.raises(NbpipeError):
        _ = project.workspace.get_run("2").graph
    assert project.workspace.latest_run("pipeline").id == "1"
    assert words(project.run(project.cell("one", ""))) == {"one": "reused"}


def test_a_record_of_a_newer_nbpipe_is_refused_clearly(project, run):
    text = run.folder.graph.read_text("utf-8")
    run.folder.graph.write_text(text.replace('"format": 1', '"format": 2'), "utf-8")
    with pytest.raises((UsageError, StoreError), match="format 2"):
        _ = project.workspace.get_run("1").graph


def test_a_run_without_a_single_event_is_not_started_and_after_a_while_interrupted(project, run):
    run.folder.events.unlink()
    fresh = project.workspace.get_run("1")
    assert fresh.status == "NotStarted"
    assert words(fresh) == {"one": "waiting"}
    text = run.folder.graph.read_text("utf-8")
    run.folder.graph.write_text(
        text.replace(f'"submitted": {run.frozen.submitted}', '"submitted": 1.0'), "utf-8"
    )
    assert project.workspace.get_run("1").interrupted
    assert project.workspace.get_run("1").status == "Failed"


def test_events_cut_short_tell_as_far_as_they_go(project, run):
    data = run.folder.events.read_bytes()
    run.folder.events.write_bytes(data[: data.rindex(b"run_finished")])
    cut = project.workspace.get_run("1")
    assert words(cut) == {"one": "done"}
    assert cut.interrupted
