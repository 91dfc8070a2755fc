"""Earlier runs of a step, its script in each, and the runs of the workspace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UnknownName, UsageError
from nbpipe.live.answers import ANSWERERS, LOG_ANSWERERS
from nbpipe.live.answers.script import changed_numbers
from nbpipe.live.log_view import LogView
from tests.live.answers.boards import Board, board
from tests.projects import Project

history, script, runs = ANSWERERS["history"], ANSWERERS["script"], ANSWERERS["runs"]


@pytest.mark.runner
def test_every_attempt_is_told_newest_first_with_why(project: Project) -> None:
    first = project.run(project.cell("train", "x = 1\n", ""))
    second = project.run(project.cell("train", "x = 2\nraise SystemExit(3)\n", ""))
    step = project.cell("train", "x = 1\n", "")
    third = project.run(step)
    shown = board(project, step, run=third)
    items = history(shown, {"step": "train"}).items
    told = [(each.run, each.status, each.why, each.same) for each in items]
    assert told == [(second.id, "failed", told[0][2], False), (first.id, "done", "first run", True)]
    assert told[0][2].startswith("train.py line")
    assert all(each.seconds is not None and each.time is not None for each in items)
    (project.root / ".nbpipe" / "runs" / second.id / "events.jsonl").write_text("{damaged")
    assert [each.run for each in history(shown, {"step": "train"}).items] == [second.id, first.id]


@pytest.mark.runner
def test_a_script_is_shown_as_it_is_and_as_it_was(project: Project) -> None:
    first = project.run(project.cell("train", "a = 1\nb = 2\n", ""))
    step = project.cell("train", "a = 1\nb = 3\n\tc = '\u202e'\n".replace("\t", ""), "")
    shown = board(project, step, run=first)
    now = script(shown, {"step": "train"})
    assert now.text == "a = 1\nb = 3\nc = '[U+202E]'"
    assert (now.file, now.cell, now.first, now.changed) == ("steps/train/train.py", "cell 6", 2, (2, 3))
    was = script(shown, {"step": "train", "run": first.id})
    assert (was.text, was.changed) == ("a = 1\nb = 2", ())
    second = project.run(step)
    project.write("steps/train/train.py", "another\n")
    assert script(Board(project.workspace, second.graph, None, second), {"step": "train"}).text == now.text
    with pytest.raises(UnknownName):
        script(shown, {"step": "train", "run": "99"})


@pytest.mark.runner
def test_runs_are_told_newest_first_and_a_damaged_one_hides_no_other(project: Project) -> None:
    step = project.cell("train", "print(1)", "")
    done = project.run(step)
    reused = project.run(step)
    failed = project.run(project.cell("train", "raise SystemExit(3)", ""))
    shown = board(project, step, run=failed)
    items = runs(shown, {}).items
    assert [(each.id, each.status, each.live) for each in items] == [
        (failed.id, "Failed", False),
        (reused.id, "Finished", False),
        (done.id, "Finished", False),
    ]
    assert [items[0].summary, items[2].summary] == ["1 failed", "1 ran"]
    assert items[1].summary.startswith("Nothing to do: 1 of 1 reused")
    assert all(each.pipeline == "pipeline" and each.finished for each in items)
    reused.folder.events.write_text("")
    reused.folder.graph.write_text("{")
    told = runs(shown, {}).items[1]
    assert (told.id, told.pipeline, told.started) == (reused.id, "", None)
    assert "damaged" in told.summary


@pytest.mark.runner
def test_the_log_of_a_planned_step_is_that_of_its_last_run(project: Project) -> None:
    shown = board(project, project.cell("train", "print('one')", ""))
    log = LogView("v")
    with pytest.raises(UsageError, match="has not run yet"):
        LOG_ANSWERERS["log_open"](log, shown, {"step": "train"})
    project.run(project.cell("train", "print('one')", ""))
    shown = board(project, project.cell("train", "print('two')", ""))
    LOG_ANSWERERS["log_open"](log, shown, {"step": "train"})
    assert log.following
    message = log.poll()
    assert message is not None
    assert message.ended
    assert not log.following
    page = LOG_ANSWERERS["log_page"](log, shown, {"first": 1, "count": 10})
    assert [line.text for line in page.lines] == ["one"]
    assert LOG_ANSWERERS["log_find"](log, shown, {"text": "ONE"}).numbers == (1,)
    assert LOG_ANSWERERS["log_chunk"](log, shown, {"offset": 0})["end"]
    LOG_ANSWERERS["log_close"](log, shown, {})
    with pytest.raises(UsageError, match="No log is open"):
        LOG_ANSWERERS["log_page"](log, shown, {})


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_lines_that_did_not_change_are_those_of_before(before: list[str], after: list[str]) -> None:
    changed = changed_numbers("\n".join(before), "\n".join(after))
    kept = [line for number, line in enumerate(after, 1) if number not in changed]
    rest = iter(before)
    assert all(line in rest for line in kept)
    assert (changed == ()) >= (before == after)
