"""Files written from cells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbpipe.errors import StoreError, UsageError
from nbpipe.notebook.cells import CellFiles
from nbpipe.store.layout import StateFolder

LOAD = "%pipeline_load prep"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "steps" / "prep" / "prep.py"


@pytest.fixture
def files(tmp_path: Path) -> CellFiles:
    return CellFiles(StateFolder(tmp_path))


def test_a_cell_becomes_a_file_with_lf_and_a_last_line_end(files: CellFiles, script: Path) -> None:
    assert files.write(script, "\nprint('ü')\r\nx\r\n\n\n", load=LOAD)
    assert script.read_bytes() == "\nprint('ü')\nx\n".encode()


def test_the_same_text_is_not_written_again(files: CellFiles, script: Path) -> None:
    files.write(script, "x = 1", load=LOAD)
    os.utime(script, ns=(1, 1))
    assert not files.write(script, "x = 1\n", load=LOAD)
    assert script.stat().st_mtime_ns == 1


def test_an_edited_cell_replaces_what_a_cell_wrote(files: CellFiles, script: Path) -> None:
    files.write(script, "x = 1", load=LOAD)
    assert files.write(script, "x = 2", load=LOAD)
    assert script.read_text() == "x = 2\n"


def test_a_file_of_another_hand_is_never_overwritten_silently(files: CellFiles, script: Path) -> None:
    files.write(script, "x = 1", load=LOAD)
    script.write_text("x = 1\ny = 3\n")
    with pytest.raises(UsageError) as caught:
        files.write(script, "x = 2", load=LOAD)
    text = str(caught.value)
    assert text.startswith("steps/prep/prep.py was changed outside this notebook (today ")
    assert "3 lines). Nothing was overwritten." in text
    assert "-y = 3" in text
    assert "+x = 2" in text
    assert f"Keep the file:  {LOAD}" in text
    assert "Keep the cell:  add --overwrite" in text
    assert script.read_text() == "x = 1\ny = 3\n"


def test_overwriting_is_remembered(files: CellFiles, script: Path) -> None:
    script.parent.mkdir(parents=True)
    script.write_text("mine\n")
    assert files.write(script, "x = 2", load=LOAD, overwrite=True)
    assert files.write(script, "x = 3", load=LOAD)


def test_a_file_that_was_there_before_is_kept(files: CellFiles, script: Path) -> None:
    script.parent.mkdir(parents=True)
    script.write_text("mine\n")
    with pytest.raises(UsageError, match="not written from this notebook"):
        files.write(script, "x = 2", load=LOAD)


def test_equal_text_of_another_hand_counts_as_written(files: CellFiles, script: Path) -> None:
    script.parent.mkdir(parents=True)
    script.write_text("x = 1\n")
    assert not files.write(script, "x = 1", load=LOAD)
    assert files.write(script, "x = 2", load=LOAD)


def test_what_was_written_is_known_after_the_workspace_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    CellFiles(StateFolder(before)).write(before / "a.py", "x = 1", load=LOAD)
    before.rename(after)
    assert CellFiles(StateFolder(after)).write(after / "a.py", "x = 2", load=LOAD)


def test_a_deleted_file_is_written_again(files: CellFiles, script: Path) -> None:
    files.write(script, "x = 1", load=LOAD)
    script.unlink()
    assert files.write(script, "x = 1", load=LOAD)


def test_a_damaged_note_keeps_the_file_safe(files: CellFiles, script: Path, tmp_path: Path) -> None:
    files.write(script, "x = 1", load=LOAD)
    for note in (tmp_path / ".nbpipe" / "registry" / "cells").iterdir():
        note.write_text("{")
    with pytest.raises(UsageError, match="Nothing was overwritten"):
        files.write(script, "x = 2", load=LOAD)
    assert script.read_text() == "x = 1\n"


def test_a_long_diff_is_cut(files: CellFiles, script: Path) -> None:
    script.parent.mkdir(parents=True)
    script.write_text("".join(f"a{n}\n" for n in range(500)))
    with pytest.raises(UsageError) as caught:
        files.write(script, "x", load=LOAD)
    assert len(str(caught.value).splitlines()) < 60


def test_what_no_file_can_hold_is_refused(files: CellFiles, script: Path) -> None:
    with pytest.raises(UsageError, match=r"U\+D800"):
        files.write(script, "x = '\ud800'", load=LOAD)
    assert not script.exists()


def test_a_folder_in_the_way_is_told(files: CellFiles, script: Path) -> None:
    script.mkdir(parents=True)
    with pytest.raises(StoreError):
        files.write(script, "x = 1", load=LOAD)
