"""A cluster object is a target: of it are taken the address and, in memory alone, the keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from nbpipe import ComputeTarget, Workspace
from nbpipe.errors import UsageError
from tests.remote_project import Project

pytestmark = pytest.mark.runner


@pytest.fixture(scope="module")
def encrypted() -> Iterator[LocalCluster]:
    """A cluster that made its keys for itself."""
    with LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=":0", host="127.0.0.1", security=True
    ) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path, monkeypatch, encrypted: LocalCluster) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(
        tmp_path, lambda ws: ComputeTarget.attach_dask(ws, "box", encrypted, python=sys.executable)
    )


def test_a_pipeline_runs_on_it_and_its_keys_are_written_nowhere(project: Project) -> None:
    assert project.box.settings["address"].startswith("tls://")
    assert project.box.get_status().machine == "1 worker"
    run = project.run(project.pipeline("box"))
    assert run.status == "Finished", run.step("prep").failure
    texts = [path.read_bytes() for path in project.folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if b"-----BEGIN" in text]


def test_another_process_is_told_that_the_keys_are_gone(project: Project) -> None:
    project.run(project.pipeline("box"))
    another = Workspace(project.folder)
    assert "is gone with the process that had it" in another.compute_targets["box"].get_status().problem
    project.ws = another
    assert {step.status for step in project.run(project.pipeline("box")).get_steps()} == {"reused"}
    failure = project.run(project.pipeline("box"), force=["all"]).step("prep").failure
    assert failure.message.startswith("box was attached with a tls_ca_file in memory, which is gone")
    assert "Attach it again" in failure.remedy


def test_one_without_keys_is_a_target_for_every_process(tmp_path: Path) -> None:
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0", host="127.0.0.1") as cluster:
        ComputeTarget.attach_dask(Workspace(tmp_path), "box", cluster)
        status = Workspace(tmp_path).compute_targets["box"].get_status()
        assert (status.problem, status.cpus) == ("", 2)
    assert "no Dask scheduler answers" in Workspace(tmp_path).compute_targets["box"].get_status().problem


def test_one_that_is_inside_this_process_is_refused(tmp_path: Path) -> None:
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as inside,
        pytest.raises(UsageError, match=r"inside one process.*processes=True"),
    ):
        ComputeTarget.attach_dask(Workspace(tmp_path), "box", inside)
