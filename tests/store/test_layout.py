"""The state folder is made once, marked, and gives every run a number of its own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbpipe.errors import StoreError, UnknownName
from nbpipe.store.layout import StateFolder


def test_nothing_is_made_before_it_is_asked_for(state):
    assert not state.exists()
    assert state.run_ids() == []
    assert list(state.root.iterdir()) == []


def test_the_folder_is_private_marked_and_ignored_by_git(state):
    state.ensure()
    state.ensure()
    assert state.exists()
    assert (state.path / "VERSION").read_text() == "nbpipe 1\n"
    assert (state.path / ".gitignore").read_text() == "*\n"
    for folder in (
        state.path,
        state.objects,
        state.results,
        state.runs,
        state.registry,
        state.tmp,
        state.locks,
    ):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_missing_part_is_made_again(state):
    state.ensure()
    shutil.rmtree(state.objects)
    state.ensure()
    assert state.objects.is_dir()
    shutil.rmtree(state.path)
    state.ensure()
    assert state.exists()


@pytest.mark.parametrize("marker", [None, "someone else\n", "nbpipe\n", "nbpipe x\n", b"\xff\xfe"])
def test_a_folder_of_another_project_is_refused_and_left_alone(state, marker):
    state.path.mkdir()
    (state.path / "theirs.txt").write_text("precious")
    if marker is not None:
        (state.path / "VERSION").write_bytes(marker if isinstance(marker, bytes) else marker.encode())
    before = sorted(path.name for path in state.path.iterdir())
    assert not state.exists()
    with pytest.raises(StoreError, match="belongs to another project"):
        state.ensure()
    assert sorted(path.name for path in state.path.iterdir()) == before


def test_an_empty_folder_of_that_name_is_taken(state):
    state.path.mkdir()
    state.ensure()
    assert state.exists()


def test_a_marker_that_a_crash_left_empty_is_written_again(state):
    state.path.mkdir()
    (state.path / "VERSION").touch()
    state.ensure()
    assert (state.path / "VERSION").read_text() == "nbpipe 1\n"


def test_a_newer_format_is_refused_with_the_remedy(state):
    state.ensure()
    (state.path / "VERSION").write_text("nbpipe 2\n")
    with pytest.raises(StoreError, match=r"newer nbpipe \(format 2; this one reads 1\)") as caught:
        state.new_run_id()
    assert "pip install --upgrade" in str(caught.value)
    assert state.exists()


def test_a_workspace_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="There is no folder"):
        StateFolder(tmp_path / "file").ensure()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_an_unwritable_workspace_is_refused_with_the_remedy():
    root = Path(tempfile.mkdtemp())
    root.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        with pytest.raises(StoreError, match="Permission denied") as caught:
            StateFolder(root).ensure()
    finally:
        os.seteuid(user)
        shutil.rmtree(root)
    assert "open the workspace in a folder of your own" in str(caught.value)


def test_runs_are_numbered_from_one(state):
    assert [state.new_run_id() for _ in range(11)] == [str(n) for n in range(1, 12)]
    assert state.run_ids()[-2:] == ["10", "11"]
    assert state.run_folder("11").is_dir()


def test_a_number_is_never_given_twice(state):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: StateFolder(state.root).new_run_id(), range(40)))
    assert sorted(map(int, ids)) == list(range(1, 41))
    shutil.rmtree(state.runs / "40")
    assert state.new_run_id() == "41"


def test_a_damaged_mark_falls_back_to_the_folders(state):
    state.new_run_id()
    (state.runs / "last").write_bytes(b"\0\0")
    assert state.new_run_id() == "2"


@pytest.mark.parametrize("run_id", ["", "..", "../1", "/etc", "1/2", "0", "01", "-1", "²", "1" * 40, "a\0b"])
def test_a_run_that_cannot_be_is_no_path(state, run_id):
    with pytest.raises(UnknownName):
        state.run_folder(run_id)


def test_a_scratch_folder_ends_with_its_use(state):
    with state.scratch() as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").touch(mode=0o444)
        assert folder.parent == state.tmp
    assert not folder.exists()
    with state.scratch() as folder:
        folder.rmdir()


def test_a_marker_of_another_name_too_is_not_written(state, tmp_path):
    state.path.mkdir()
    (tmp_path / "empty.txt").touch()
    os.link(tmp_path / "empty.txt", state.path / "VERSION")
    state.ensure()
    assert (state.path / "VERSION").read_text() == "nbpipe 1\n"
    assert (tmp_path / "empty.txt").read_text() == ""


def test_a_marker_with_an_absurd_number_is_none_of_ours(state):
    state.ensure()
    (state.path / "VERSION").write_text(f"nbpipe {'9' * 5000}\n")
    assert not state.exists()
    with pytest.raises(StoreError, match="belongs to another project"):
        state.ensure()
