"""What was seen of interpreters is kept where it can be, and every trouble with that is passed over."""

from __future__ import annotations

import shutil

from nbpipe.execution.known_interpreters import KnownInterpreters
from nbpipe.store.layout import StateFolder


def test_what_is_remembered_is_recalled_by_the_next_process(tmp_path):
    KnownInterpreters(StateFolder(tmp_path)).remember("key", {"version": "3.11"})
    assert KnownInterpreters(StateFolder(tmp_path)).recall("key") == {"version": "3.11"}
    assert KnownInterpreters(StateFolder(tmp_path)).recall("other") is None


def test_damage_and_a_workspace_that_cannot_be_written_are_no_trouble(tmp_path):
    known = KnownInterpreters(StateFolder(tmp_path))
    known.remember("key", {"version": "3.11"})
    for path in (tmp_path / ".nbpipe/registry/interpreters").iterdir():
        path.write_text("[", "utf-8")
    assert known.recall("key") is None
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / ".nbpipe").write_text("a file in the way", "utf-8")
    KnownInterpreters(StateFolder(blocked)).remember("key", {})
    assert KnownInterpreters(StateFolder(blocked)).recall("key") is None


def test_what_was_remembered_at_another_place_is_not_recalled(tmp_path):
    """An interpreter is started, so no folder that was copied from somebody may name one."""
    known = KnownInterpreters(StateFolder(tmp_path))
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
