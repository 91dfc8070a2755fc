"""Why a step ran, will run or is reused, and what a failed one's card tells."""

from __future__ import annotations

import dataclasses

import pytest

from nbpipe.errors import UnknownName, UsageError
from nbpipe.live.answers import ANSWERERS
from nbpipe.live.answers.failed import listed
from nbpipe.views.answers import ANSWERS, DiffLine
from tests.live.answers.boards import Board, board
from tests.projects import COPY, Project

why, compare = ANSWERERS["why"], ANSWERERS["compare"]

PREP = 'import sys\nrows = open(sys.argv[1]).read()\nopen(sys.argv[2], "w").write(rows)\n'
TRAIN = """\
import sys
rows = open(sys.argv[1]).read().splitlines()
if len(rows) > 3:
    raise ValueError(f"too many rows: {len(rows)}")
open(sys.argv[2], "w").write("model")
"""


@pytest.mark.runner
def test_a_new_step_says_so_and_shows_its_receipt(project: Project) -> None:
    prep = project.cell("prep", COPY, "{>clean.csv}")
    told = why(board(project, prep), {"step": "prep"})
    assert told.sentences == ("It has never run.",)
    assert (told.diffs, told.compared_run, told.cause, told.failure) == ((), "", (), None)
    assert len(told.key) == 64
    assert {"code", "command", "environment"} <= {each.kind for each in told.ingredients}
    assert all(each.before is None for each in told.ingredients)


@pytest.mark.runner
def test_an_edit_is_told_with_its_diff_and_the_ingredients_that_differ(project: Project) -> None:
    project.write("raw.csv", "a\n1\n")
    step = lambda text: project.cell("prep", text, "{./raw.csv} {>clean.csv} --lr 1")  # noqa: E731
    first = project.run(step(PREP + "# one\nx = 1\n"))
    changed = step(PREP + "# one\nx = 2\n")
    told = why(board(project, changed, run=first), {"step": "prep"})
    assert told.sentences == ("prep.py line 5 changed.", f"Compared with run {first.id}.")
    assert [each.title for each in told.diffs] == ["prep.py"]
    lines = told.diffs[0].lines
    assert lines[0].mark == "@"
    assert DiffLine("-", "x = 1") in lines
    assert DiffLine("+", "x = 2") in lines
    assert DiffLine(" ", "# one") in lines
    assert len(lines) == 5
    differing = [(each.kind, each.name) for each in told.ingredients if each.before is not None]
    assert differing == [("code", "prep.py")]
    second = project.run(changed)
    ran = why(board(project, changed, run=second), {"step": "prep"})
    assert {*ran.ingredients} == {*told.ingredients}
    assert dataclasses.replace(ran, ingredients=told.ingredients) == told
    assert why(board(project, changed, run=second), {"step": "prep", "run": first.id}).sentences == (
        "It has never run.",
    )
    both = compare(board(project, changed, run=second), {"step": "prep", "other": first.id})
    assert (both.sentences, both.diffs) == (told.sentences, told.diffs)


@pytest.mark.runner
def test_a_failed_step_tells_where_why_and_what_is_new_since_it_last_ended_well(project: Project) -> None:
    project.write("raw.csv", "a\n1\n2\n")
    prep = project.cell("prep", PREP, "{./raw.csv} {>clean.csv}")
    train = project.cell("train", TRAIN, "{clean} {>model}")
    good = project.run(prep, train)
    prep = project.cell("prep", PREP.replace("rows)", 'rows + "3\\n")'), "{./raw.csv} {>clean.csv}")
    train = project.cell("train", TRAIN, "{clean} {>model}")
    bad = project.run(prep, train)
    told = why(Board(project.workspace, bad.graph, None, bad), {"step": "train"})
    card = told.failure
    assert told.cause == ("prep", "train")
    assert card is not None
    assert card.title == "ValueError: too many rows: 4"
    assert card.place == "train.py, line 4 (cell 6, line 5)"
    assert (card.line, card.cell_line) == (4, 5)
    assert card.differs == (
        f"New since run {good.id}: {{clean}} has 3 rows, it had 2.",
        "Root: prep.py line 3 changed, so prep and this step ran.",
    )
    assert card.kept == "Nothing is lost: prep stays reusable."


@pytest.mark.runner
def test_a_step_that_never_ended_well_says_so(project: Project) -> None:
    step = project.cell("train", "raise SystemExit(3)", "")
    run = project.run(step)
    card = why(Board(project.workspace, run.graph, None, run), {"step": "train"}).failure
    assert card is not None
    assert card.differs == ("train has not ended well in any run yet.",)
    assert card.place == "train.py (cell 6)"
    assert "exit code 3" in card.title


@pytest.mark.runner
def test_a_step_that_was_stopped_by_another_names_the_way(project: Project) -> None:
    first = project.cell("a", "raise ValueError('x')", "{>x}")
    second = project.cell("b", COPY, "{x} {>y}")
    third = project.cell("c", COPY, "{y} {>z}")
    run = project.run(first, second, third)
    told = why(Board(project.workspace, run.graph, None, run), {"step": "c"})
    assert told.sentences == ("It waits for a (failed).",)
    assert told.cause == ("a", "b", "c")


@pytest.mark.runner
def test_reused_says_as_what(project: Project) -> None:
    step = project.cell("prep", "print(1)", "")
    first, second = project.run(step), project.run(step)
    told = why(board(project, step, run=second), {"step": "prep"})
    assert told.sentences == (f"Everything that counts is as in run {first.id}.",)
    assert told.compared_run == first.id
    # What is lost is not told, and stops nothing.
    for blob in (project.root / ".nbpipe" / "objects").rglob("*"):
        if blob.is_file():
            blob.unlink()
    told = why(
        Board(project.workspace, second.graph, None, project.workspace.get_run(second.id)), {"step": "prep"}
    )
    assert told.ingredients == ()
    assert told.sentences == (f"Everything that counts is as in run {first.id}.",)


@pytest.mark.runner
def test_what_cannot_be_compared_says_why(project: Project) -> None:
    step = project.cell("prep", "print(1)", "")
    shown = board(project, step)
    with pytest.raises(UsageError, match="Two runs"):
        compare(shown, {"step": "prep", "other": ""})
    with pytest.raises(UnknownName, match=r"No run \.\./1"):
        compare(shown, {"step": "prep", "run": "../1", "other": "../1"})
    with pytest.raises(UnknownName):
        why(shown, {"step": "nobody"})
    with pytest.raises(UnknownName):
        why(shown, {"step": ["prep"]})
    bare = Board(project.workspace, shown.graph)
    assert why(bare, {"step": "prep"}).sentences == ("Nothing is known of it yet.",)


def test_names_are_listed_as_people_do() -> None:
    assert listed(["a", "b"]) == "a and b"


def test_the_inspector_s_verbs_are_answered() -> None:
    assert [*ANSWERERS] == ["why", "compare", "data", "preview", "metrics", "history", "script", "runs"]
    assert {*ANSWERERS, "log_page", "log_find"} <= {*ANSWERS}
