"""The doctor's checks: each says what it found, and a failure has its remedy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nbpipe.cli import checks
from nbpipe.cli.checks import all_checks
from nbpipe.cli.main import main
from nbpipe.workspace import Workspace


def by_name(root: Path) -> dict[str, checks.Check]:
    return {check.name: check for check in all_checks(Workspace(root))}


def test_a_healthy_machine_passes(tmp_path: Path) -> None:
    found = by_name(tmp_path)
    assert [check for check in found.values() if check.status == "failed"] == []
    assert {
        "Python",
        "packages",
        "workspace",
        "state",
        "disk",
        "locks",
        "runs",
        "kernels",
        "dot",
    } <= found.keys()
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_a_newer_nbpipe_fails(tmp_path: Path) -> None:
    (tmp_path / ".nbpipe").mkdir()
    (tmp_path / ".nbpipe/VERSION").write_text("nbpipe 99\n")
    check = by_name(tmp_path)["state"]
    assert check.status == "failed"
    assert check.remedy


def test_a_state_of_another_project_fails(tmp_path: Path) -> None:
    (tmp_path / ".nbpipe").mkdir()
    (tmp_path / ".nbpipe/settings").touch()
    assert by_name(tmp_path)["state"].status == "failed"


def test_a_folder_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    workspace = Workspace(folder)
    folder.rmdir()
    assert checks.writable(workspace).status == "failed"
    assert checks.locks(workspace).status == "failed"


def test_the_other_project_of_our_name_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "nbpipe-3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nbpipe\nVersion: 3.2\n")
    assert list(checks.other_project()) == []
    monkeypatch.syspath_prepend(tmp_path)
    (check,) = checks.other_project()
    assert check.status == "failed"
    assert check.remedy.startswith("pip uninstall nbpipe ")


def test_dot_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert checks.dot().status == "note"


def test_a_failure_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("All is well.\n")
    (tmp_path / ".nbpipe").mkdir()
    (tmp_path / ".nbpipe/VERSION").write_text("nbpipe 99\n")
    assert main(["doctor", "--json"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["event"] for each in told} == {"check"}
    assert [each["name"] for each in told if each["status"] == "failed"] == ["state"]
