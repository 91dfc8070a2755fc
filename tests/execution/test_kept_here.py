"""What is kept by name counts where it was made, and nowhere else."""

from __future__ import annotations

import shutil

import pytest

from nbpipe.errors import StoreError
from nbpipe.execution.kept_here import KeptHere
from nbpipe.store.layout import StateFolder


def test_what_is_remembered_is_recalled_by_the_next_process(tmp_path):
    KeptHere(StateFolder(tmp_path), "interpreters").remember("key", {"version": "3.11"})
    assert KeptHere(StateFolder(tmp_path), "interpreters").recall("key") == {"version": "3.11"}
    assert KeptHere(StateFolder(tmp_path), "interpreters").recall("other") is None


def test_damage_and_a_workspace_that_cannot_be_written_are_no_trouble(tmp_path):
    known = KeptHere(StateFolder(tmp_path), "interpreters")
    known.remember("key", {"version": "3.11"})
    for path in (tmp_path / ".nbpipe/registry/interpreters").iterdir():
        path.write_text("[", "utf-8")
    assert known.recall("key") is None
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / ".nbpipe").write_text("a file in the way", "utf-8")
    KeptHere(StateFolder(blocked), "interpreters").remember("key", {})
    assert KeptHere(StateFolder(blocked), "interpreters").recall("key") is None


def test_what_was_remembered_at_another_place_is_not_recalled(tmp_path):
    """An interpreter is started, so no folder that was copied from somebody may name one."""
    known = KeptHere(StateFolder(tmp_path), "interpreters")
    known.remember("key", {"executable": "/usr/bin/python3"})
    folder = tmp_path / ".nbpipe/registry/interpreters"
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    assert known.recall("key") is None
    shutil.move(folder.parent, tmp_path / "moved")
    shutil.move(tmp_path / "moved", folder.parent)
    known.remember("key", {"executable": "/usr/bin/python3"})
    assert known.recall("key") == {"executable": "/usr/bin/python3"}


def test_what_is_kept_under_one_name_is_not_found_under_another(tmp_path):
    kept = KeptHere(StateFolder(tmp_path), "targets")
    kept.keep("gpu-box", {"host": "here"})
    kept.keep("hpc", {"host": "there"})
    files = sorted((tmp_path / ".nbpipe/registry/targets").iterdir())
    one, two = (path.read_bytes() for path in files)
    files[0].write_bytes(two)
    files[1].write_bytes(one)
    assert (kept.recall("gpu-box"), kept.recall("hpc"), kept.all()) == (None, None, {})


def test_all_that_is_kept_is_found_by_its_name_until_it_is_forgotten(tmp_path):
    kept = KeptHere(StateFolder(tmp_path), "targets")
    assert kept.all() == {}
    kept.keep("gpu-box", {"host": "here"})
    kept.keep("hpc", {"host": "there"})
    (tmp_path / ".nbpipe/registry/targets/stray.json").write_text("{}", "utf-8")
    assert kept.all() == {"gpu-box": {"host": "here"}, "hpc": {"host": "there"}}
    kept.forget("hpc")
    kept.forget("hpc")
    assert kept.all() == {"gpu-box": {"host": "here"}}


def test_what_must_be_kept_says_when_it_cannot_be(tmp_path):
    (tmp_path / ".nbpipe").write_text("a file in the way", "utf-8")
    with pytest.raises(StoreError):
        KeptHere(StateFolder(tmp_path), "targets").keep("gpu-box", {})
