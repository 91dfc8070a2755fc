"""Dask's workers come and go as jobs of a real SLURM, and pipelines run on them as they do on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_jobqueue import SLURMCluster

from nbpipe import ComputeTarget
from tests.remote_project import Project, digests, phases
from tests.slurm_cluster import SlurmCluster
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.runner]


@pytest.fixture(params=[None, True], ids=["plain", "tls"])
def jobqueue(
    request: pytest.FixtureRequest, cluster: SlurmCluster, tmp_path: Path, monkeypatch
) -> Iterator[Any]:
    """A cluster object, whose workers are each a job of SLURM."""
    monkeypatch.setenv("SLURM_CONF", cluster.environ["SLURM_CONF"])
    made: Any = SLURMCluster(
        queue="debug", cores=1, processes=1, memory="1GB", walltime="00:10:00", security=request.param,
        scheduler_options={"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"},
        worker_extra_args=["--no-dashboard"], local_directory=str(tmp_path / "local"),
        log_directory=str(tmp_path / "logs"), shared_temp_directory=str(tmp_path),
    )  # fmt: skip
    with made:
        yield made
    for file in ("_job_ca_file", "_job_cert", "_job_key") if request.param else ():
        getattr(made, file).close()  # it leaves that to the collector, which warns


def test_results_are_those_of_this_machine_and_workers_come_when_they_are_wanted(
    jobqueue: Any, cluster: SlurmCluster, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    jobqueue.adapt(minimum=0, maximum=2)
    project = Project(tmp_path / "work", lambda ws: ComputeTarget.attach_dask(ws, "box", jobqueue))
    assert cluster.call("squeue", "-h") == ""
    there = project.run(project.pipeline("box"))
    assert there.status == "Finished", there.step("prep").failure
    assert "running" in phases(there, "prep")
    assert there.step("train").get_metrics() == {"rows": 2}
    here = project.run(project.pipeline(), force=["all"])
    assert digests(here) == digests(there)
    eventually(lambda: cluster.call("squeue", "-h") == "", 60)
