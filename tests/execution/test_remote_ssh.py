"""Steps go to a machine over SSH and back: the same results, no connection without need, nothing lost with one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbpipe import ComputeTarget, Workspace
from nbpipe.run import PipelineRun
from tests.remote_project import Project, digests, phases
from tests.sshd import Sshd, new_key, sshd_in
from tests.waiting import eventually

pytestmark = [pytest.mark.runner, pytest.mark.ssh]


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    with sshd_in(tmp_path / "sshd") as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        yield server


@pytest.fixture
def project(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Project(folder, lambda ws: attach(ws, sshd))


def attach(ws: Workspace, sshd: Sshd) -> ComputeTarget:
    told = {**sshd.settings, "python": sys.executable}
    return ComputeTarget.attach_ssh(ws, "box", **told)


def logins(sshd: Sshd) -> int:
    return (sshd.folder / "log").read_text().count("Accepted publickey")


def log(run: PipelineRun, step: str) -> list[str]:
    return b"".join(data for _, data in run.step(step).log.read()[0]).decode().splitlines()


def test_results_are_those_of_this_machine_and_a_second_run_moves_nothing(sshd: Sshd, project: Project):
    there = project.run(project.pipeline("box"))
    assert there.status == "Finished", there.step("prep").failure
    assert "sending" in phases(there, "prep")
    assert there.step("train").get_metrics() == {"rows": 2}
    again = project.run(project.pipeline("box"), force=["all"])
    assert again.status == "Finished"
    assert not any("sending" in phases(again, step) for step in ("prep", "train"))
    before = logins(sshd)
    assert before > 0
    reused = project.run(project.pipeline("box"))
    assert {step.status for step in reused.get_steps()} == {"reused"}
    assert logins(sshd) == before
    here = project.run(project.pipeline(), force=["all"])
    assert digests(here) == digests(again) == digests(there)


def test_a_connection_that_drops_in_mid_run_leaves_no_gap(sshd: Sshd, project: Project):
    flag = project.folder / "go"
    run = project.ws.submit(project.slow(flag))
    for most in (5, 100):
        eventually(lambda wanted=most: len(log(run, "slow")) > wanted)
        sshd.drop()
        eventually(lambda: "away" in phases(run, "slow"))
    flag.touch()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.status == "Finished", run.step("slow").failure
    lines = log(run, "slow")
    assert lines == [str(number) for number in range(len(lines))]
    assert (project.folder / "go.started").read_text() == "x"


def test_a_machine_whose_key_is_another_fails_the_step_and_says_what_to_do(sshd: Sshd, project: Project):
    assert project.run(project.pipeline("box")).status == "Finished"
    new_key(sshd.folder / "other")
    other = (sshd.folder / "other.pub").read_text()
    sshd.known_hosts.write_text(f"[{sshd.host}]:{sshd.port} {other}")
    run = project.run(project.pipeline("box"), force=["prep"])
    failure = run.step("prep").failure
    assert run.status == "Failed"
    assert failure is not None
    told = f"{failure.message}\n{failure.remedy}"
    assert "box" in told
    assert "SHA256:" in told
    assert "ssh-keygen -R" in told
