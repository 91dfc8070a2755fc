"""What is saved of a notebook registers its steps again, and is never what changes a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.notebook.restore import restore
from nbpipe.notebook.session import Session

LINE, BODY = "prep.py {>clean.csv}", "open('x')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose kernel declared one step, and is gone."""
    session = Session(tmp_path)
    session.declare(LINE, BODY, "step")
    session.save("pipeline")
    return tmp_path


def change_saved(folder: Path, before: str, after: str) -> None:
    """What anybody may do who hands the folder on."""
    (saved,) = (folder / ".nbpipe/registry/notebooks").iterdir()
    text = saved.read_text()
    assert before in text
    saved.write_text(text.replace(before, after))


def test_a_step_is_registered_again_from_what_was_saved(folder):
    session = Session(folder)
    assert restore(session) == []
    assert [each.name for each in session.declarations] == ["prep"]


@pytest.mark.parametrize("line", [LINE, f"--overwrite {LINE}"])
def test_a_script_is_not_written_over_by_what_was_saved(folder, line):
    change_saved(folder, f'"{LINE}"', f'"{line}"')
    change_saved(folder, "open(", "exec(")
    session = Session(folder)
    assert restore(session) == ["prep is not restored: steps/prep/prep.py is not as it was; run its cell"]
    assert session.declarations == []
    assert (folder / "steps/prep/prep.py").read_text() == BODY


def test_no_script_is_written_to_another_folder_by_what_was_saved(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    change_saved(folder, f'"{LINE}"', f'"--source-directory {elsewhere} {LINE}"')
    assert len(restore(Session(folder))) == 1
    assert list(elsewhere.iterdir()) == []
