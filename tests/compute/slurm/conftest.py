"""One SLURM for the tests of a module, and a project whose target it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbpipe import ComputeTarget
from tests.remote_project import Project
from tests.slurm_cluster import SlurmCluster, missing, slurm_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[SlurmCluster]:
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    with slurm_cluster(tmp_path_factory.mktemp("slurm")) as made:
        yield made


@pytest.fixture
def project(cluster: SlurmCluster, tmp_path: Path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_CONF", cluster.environ["SLURM_CONF"])
    return Project(tmp_path, lambda ws: ComputeTarget.attach_slurm(ws, "box", partition="debug"))
