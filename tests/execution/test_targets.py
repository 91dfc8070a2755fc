"""The compute targets of a workspace are kept where it was made, and told by name."""

from __future__ import annotations

import json
import shutil

import pytest

from nbpipe.core.compute import ComputeTarget
from nbpipe.errors import NbpipeError, UnknownName, UsageError
from nbpipe.execution.targets import open_backend, slots_of
from nbpipe.workspace import Workspace


def test_a_target_is_there_for_the_next_process_until_it_is_deleted(tmp_path):
    ComputeTarget.practice(Workspace(tmp_path), "box", queue=1)
    later = Workspace(tmp_path)
    assert list(later.compute_targets) == ["local", "box"]
    assert later.compute_targets["box"].type == "practice"
    assert later.compute_targets["box"].settings["queue"] == 1
    later.compute_targets["box"].delete()
    assert list(Workspace(tmp_path).compute_targets) == ["local"]
    with pytest.raises(UnknownName, match="No compute target box"):
        ComputeTarget(later, "box")


def test_a_target_of_a_copied_workspace_is_none(tmp_path):
    (tmp_path / "own").mkdir()
    ComputeTarget.practice(Workspace(tmp_path / "own"), "box")
    shutil.copytree(tmp_path / "own", tmp_path / "copy")
    assert list(Workspace(tmp_path / "copy").compute_targets) == ["local"]
    assert list(Workspace(tmp_path / "own").compute_targets) == ["local", "box"]


@pytest.mark.parametrize("name", ["local", "", "../box", "a b", "-x", "x" * 64])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be called"):
        ComputeTarget.practice(Workspace(tmp_path), name)
    assert not (tmp_path / ".nbpipe").exists()


def test_wrong_settings_and_unknown_kinds_are_refused_before_anything_is_kept(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(UsageError, match="speed"):
        ComputeTarget.practice(workspace, "box", speed=3)
    with pytest.raises(UnknownName, match="no-such-kind"):
        ComputeTarget.attach(workspace, "box", "no-such-kind")
    with pytest.raises(UsageError, match="local is this machine"):
        workspace.compute_targets["local"].delete()
    assert list(workspace.compute_targets) == ["local"]


def test_what_was_given_in_memory_is_written_nowhere_and_asked_for_again(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.targets.attach("box", "practice", {}, {"root": str(tmp_path / "s3cret")})
    assert workspace.targets.secrets_of({"box": None}) == {"box": {"root": str(tmp_path / "s3cret")}}
    written = [path.read_bytes() for path in (tmp_path / ".nbpipe").rglob("*") if path.is_file()]
    assert not any(b"s3cret" in data for data in written)
    later = Workspace(tmp_path).compute_targets["box"]
    with pytest.raises(NbpipeError, match="gone with the process that had it"):
        open_backend(later, {}, {})


def test_a_damaged_entry_hides_no_other(tmp_path):
    workspace = Workspace(tmp_path)
    ComputeTarget.practice(workspace, "box")
    folder = tmp_path / ".nbpipe/registry/targets"
    (folder / "stray.json").write_text(
        json.dumps({"key": "stray", "known": {"type": "practice"}, "check": "0"})
    )
    assert list(workspace.compute_targets) == ["local", "box"]


def test_a_target_that_cannot_be_looked_at_says_why(tmp_path):
    workspace = Workspace(tmp_path)
    (tmp_path / "taken").write_text("a file")
    ComputeTarget.practice(workspace, "box", root=str(tmp_path / "taken"), slots=3)
    status = workspace.compute_targets["box"].get_status()
    assert not status.ready
    assert (status.slots, bool(status.problem)) == (3, True)
    assert str(status) == status.problem


@pytest.mark.runner
def test_a_look_at_a_target_tells_what_it_has(tmp_path):
    workspace = Workspace(tmp_path)
    ComputeTarget.practice(workspace, "box", root=str(tmp_path / "far"))
    status = workspace.compute_targets["box"].get_status()
    assert (status.ready, status.slots) == (True, 2)
    assert status.cpus >= 1
    assert status.memory > 2**20
    assert status.python


def test_slots_are_those_that_the_settings_say():
    assert slots_of(ComputeTarget(None, "box", "practice", {"slots": 7})) == 7
    assert slots_of(ComputeTarget(None, "box", "practice", {"slots": "many"})) >= 1
