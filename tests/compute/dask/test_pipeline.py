"""Whole pipelines run on a Dask cluster as they do on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbpipe import ComputeTarget
from tests.dask_cluster import dask_cluster
from tests.remote_project import Project, digests, phases

pytestmark = pytest.mark.runner


def test_results_are_those_of_this_machine_and_are_reused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with dask_cluster(tmp_path / "dask") as cluster:
        project = Project(
            tmp_path, lambda ws: ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)
        )
        there = project.run(project.pipeline("box"))
        assert there.status == "Finished", there.step("prep").failure
        assert phases(there, "prep")[-1] in ("running", "fetching")
        assert there.step("train").get_metrics() == {"rows": 2}
        assert project.box.get_status().ready
    reused = project.run(project.pipeline("box"))
    assert {step.status for step in reused.get_steps()} == {"reused"}
    here = project.run(project.pipeline(), force=["all"])
    assert digests(here) == digests(there)
