"""A cell's own plan is shown at once and followed by a whole one; while a cell runs nothing is looked at."""

from __future__ import annotations

import shutil
import time

import pytest

from nbpipe.core.plan import Plan
from nbpipe.live import planner
from nbpipe.live.board import Board
from tests.live.pages import WRITE, Notebook, Page
from tests.waiting import eventually


def edit(notebook: Notebook, line: str, body: str) -> Plan:
    """Run a step cell as its magic does: the plan that its line is printed of."""
    session = notebook.session
    registered = notebook.declare(line, body)
    plan = session.plans.after_edit(session.pipeline(), registered.declaration.name)
    session.changed()
    session.keep()
    return plan


def board_of(notebook: Notebook) -> Board:
    board = notebook.desk.board("pipeline")
    eventually(lambda: board.known)
    return board


def test_the_plan_that_a_cell_made_is_what_views_show(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean}")
    notebook.cell("train.py {clean} {>model}")
    page, board = notebook.page().subscribe(), board_of(notebook)
    before = page.count("graph")
    plan = edit(notebook, "prep.py --x 1 {>clean}", WRITE)
    assert not plan.whole
    eventually(lambda: board.plan is plan)
    eventually(lambda: board.plan.whole, 10)
    assert board.plan.steps == plan.steps
    assert page.count("graph") == before


@pytest.mark.runner
def test_what_no_edit_reaches_is_seen_within_the_regular_looks(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean}")
    notebook.cell("beside.py {>other}")
    page = notebook.page().subscribe()
    page.value("run")
    page.sees(prep="done", beside="done")
    eventually(lambda: notebook.desk.board("pipeline").plan["beside"].action == "reuse")
    shutil.rmtree(notebook.session.workspace.state.results)  # no file of the pipeline tells of that
    plan = edit(notebook, "prep.py {>clean}", WRITE + "x = 1\n")
    assert plan["beside"].action == "reuse"
    page.sees(prep="will run", beside="will run")


def test_a_whole_plan_that_says_the_same_is_told_nobody(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean}")
    notebook.page().subscribe()
    board = board_of(notebook)
    generation, outlook = board._generation, board.outlook
    board.expect_changes()
    board.replan()
    assert board.outlook is not outlook
    assert board._generation == generation


@pytest.fixture
def watching(notebook: Notebook) -> tuple[Notebook, planner.Planner, Page]:
    """A notebook with a view, whose planner only this test lets look."""
    notebook.cell("prep.py {./raw.csv} {>clean}")
    page = notebook.page()
    page.value("subscribe")
    eventually(lambda: notebook.desk.board("pipeline").plan)
    loop = notebook.desk._loops["planner"]
    loop.stop()
    eventually(lambda: not loop._thread.is_alive())
    made = notebook.desk.planner
    made.look()
    return notebook, made, page


def test_a_file_is_looked_at_once_the_cell_that_writes_it_has_ended(
    watching: tuple[Notebook, planner.Planner, Page],
) -> None:
    notebook, made, _ = watching
    board = notebook.desk.board("pipeline")
    assert board.plan["prep"].action == "blocked"
    notebook.desk.cell_begins()
    (notebook.folder / "raw.csv").write_text("a\n")
    assert 0 < made.look() <= planner.WATCH
    assert board.plan["prep"].action == "blocked"
    notebook.desk.cell_ended()
    made.look()
    assert board.plan["prep"].action == "run"


def test_what_a_cell_that_begins_during_a_look_has_written_counts_when_it_has_ended(
    watching: tuple[Notebook, planner.Planner, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, made, _ = watching
    board = notebook.desk.board("pipeline")
    has_changed = board.has_changed

    def meanwhile(*, whole: bool) -> bool:
        notebook.desk.cell_begins()
        (notebook.folder / "raw.csv").write_text("a\n")
        return has_changed(whole=whole)

    notebook.desk.cell_ended()
    with monkeypatch.context() as patch:
        patch.setattr(board, "has_changed", meanwhile)
        assert made.look() > 0
    assert (board.stale, board.plan["prep"].action) == (False, "blocked")
    notebook.desk.cell_ended()
    made.look()
    assert board.plan["prep"].action == "run"


def test_a_cell_that_goes_on_for_long_hides_no_change(
    watching: tuple[Notebook, planner.Planner, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, made, _ = watching
    notebook.desk.cell_begins()
    (notebook.folder / "raw.csv").write_text("a\n")
    now = time.monotonic() + planner.WATCH + 1
    monkeypatch.setattr(planner.time, "monotonic", lambda: now)
    made.look()
    assert notebook.desk.board("pipeline").plan["prep"].action == "run"


def test_a_pipeline_that_is_broken_is_not_planned_again_and_again(
    watching: tuple[Notebook, planner.Planner, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, made, _ = watching
    edit(notebook, "prep.py {./raw.csv} {>clean}", WRITE + "x = 1\n")
    made.look()
    notebook.declare("train.py {nobody} {>model}", WRITE)
    notebook.desk.changed()
    made.look()
    board = notebook.desk.board("pipeline")
    assert board.outlook.problems
    assert not board.has_changed(whole=True)
