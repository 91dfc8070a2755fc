"""What an edit would make run is told before anything is registered, written or run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbpipe.notebook.declaration import Cell, read_declaration
from nbpipe.notebook.session import Session
from nbpipe.notebook.trial import Change, Trial, try_out

COPY = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n"
TRAIN = Cell("id1", "cell [1]")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    (tmp_path / "raw.txt").write_text("raw")
    variables: dict[str, Any] = {"lr": 0.1}
    made = Session(tmp_path, variables)
    for number, (line, body) in enumerate(
        [
            ("prep.py {./raw.txt} {>clean.txt}", COPY),
            ("train.py {clean} {>model} {lr}", COPY),
            ("show.py {model} {>figure}", COPY),
        ]
    ):
        made.begin_cell(f"%%step {line}\n{body}", f"id{number}", f"cell [{number}]")
        made.declare(line, body, "step")
    return made


def trial(session: Session, line: str, body: str = COPY, cell: Cell = TRAIN) -> Trial:
    return try_out(session, read_declaration(line, body, cell))


@pytest.fixture
def finished(session: Session) -> Session:
    run = session.submit(session.pipeline())
    run.wait_for_completion(show_output=False)
    return session


def everything(folder: Path) -> set[tuple[str, bytes]]:
    return {
        (str(path), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and ".nbpipe" not in str(path)
    }


@pytest.mark.runner
def test_an_edit_tells_the_step_and_its_descendants_and_no_other(finished: Session) -> None:
    found = trial(finished, "train.py {clean} {>model} {lr}", COPY + "print('more')\n")
    assert [(each.step, each.before, each.after) for each in found.changes] == [
        ("train", "will reuse", "will run"),
        ("show", "will reuse", "maybe"),
    ]
    assert "train.py line 3" in found.changes[0].why


@pytest.mark.runner
def test_an_edit_that_changes_nothing_that_counts_changes_no_plan(finished: Session) -> None:
    assert trial(finished, "train.py {clean} {>model} {lr}") == Trial()
    assert trial(finished, "train.py {clean} {>model} {lr}", "# why\n" + COPY).changes[:1] in (
        (),
        (Change("train", "will reuse", "will reuse", "only comments changed"),),
    )


@pytest.mark.runner
def test_nothing_is_registered_written_or_run(finished: Session, tmp_path: Path) -> None:
    before, runs = everything(tmp_path), len(finished.workspace.runs())
    names = [each.line.text for each in finished.declarations]
    trial(finished, "--name other new.py {model} {>fresh}", cell=Cell("id9", "cell [9]"))
    assert everything(tmp_path) == before
    assert [each.line.text for each in finished.declarations] == names
    assert len(finished.workspace.runs()) == runs


def test_a_step_that_comes_and_one_that_goes_are_told(session: Session) -> None:
    found = trial(session, "--name fit fit.py {clean} {>model}")
    assert {(each.step, each.before, each.after) for each in found.changes} >= {
        ("fit", "", "new"),
        ("train", "new", ""),
    }


def test_what_would_be_in_the_way_is_told(session: Session) -> None:
    assert "Nothing makes {claen}" in trial(session, "train.py {claen} {>model}").problems[0]
    gone = trial(session, "train.py {clean} {>weights}")
    assert "Nothing makes {model}" in gone.problems[0]


def test_where_the_pipeline_is_broken_now_everything_is_told(session: Session) -> None:
    session.begin_cell("%%step show.py {nobody}\npass", "id2", "cell [2]")
    session.declare("show.py {nobody}", "pass", "step")
    found = trial(session, "show.py {model} {>figure}", cell=Cell("id2", "cell [2]"))
    assert [each.after for each in found.changes] == ["new", "new", "new"]


def test_a_source_directory_is_looked_at_where_it_lies(session: Session, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/train.py").write_text(COPY)
    found = trial(session, "--source-directory src train.py {clean} {>model}")
    assert not found.problems
