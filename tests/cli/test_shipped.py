"""The quickstart is copied, and what a user changed is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.cli import shipped
from nbpipe.cli.main import main
from nbpipe.cli.shipped import NOTEBOOK, copy_quickstart, shipped_folder
from nbpipe.workspace import Workspace


def test_notebook_and_data_are_copied_into_a_workspace_of_their_own(tmp_path: Path) -> None:
    (tmp_path / ".nbpipe").mkdir()
    (tmp_path / ".nbpipe" / "VERSION").write_text("nbpipe 1\n")
    folder = tmp_path / "quick"
    assert copy_quickstart(folder) == []
    assert (folder / NOTEBOOK).read_bytes() == (shipped_folder() / NOTEBOOK).read_bytes()
    assert (folder / "data/penguins.csv").read_bytes() == (
        shipped_folder() / "data/penguins.csv"
    ).read_bytes()
    assert Workspace.find(folder).root == folder


def test_a_changed_file_is_kept_until_told_otherwise(tmp_path: Path) -> None:
    copy_quickstart(tmp_path)
    (tmp_path / NOTEBOOK).write_text("mine")
    assert copy_quickstart(tmp_path) == [NOTEBOOK]
    assert (tmp_path / NOTEBOOK).read_text() == "mine"
    assert copy_quickstart(tmp_path, overwrite=True) == []
    assert (tmp_path / NOTEBOOK).read_bytes() == (shipped_folder() / NOTEBOOK).read_bytes()


def test_a_file_of_the_same_name_that_was_never_copied_is_kept(tmp_path: Path) -> None:
    (tmp_path / NOTEBOOK).write_text("mine")
    assert copy_quickstart(tmp_path) == [NOTEBOOK]


def test_a_newer_version_replaces_what_nobody_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tmp_path / "newer"
    (newer / "data").mkdir(parents=True)
    (newer / NOTEBOOK).write_text("newer")
    folder = tmp_path / "quick"
    copy_quickstart(folder)
    monkeypatch.setattr(shipped, "shipped_folder", lambda: newer)
    assert copy_quickstart(folder) == []
    assert (folder / NOTEBOOK).read_text() == "newer"


def test_the_copy_is_named_and_not_opened_when_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "with blanks"
    assert main(["quickstart", "--no-open", str(folder)]) == 0
    assert str(folder / NOTEBOOK) in capsys.readouterr().out
