"""One Dask worker for many tests, and jobs to try on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dask_cluster import DaskCluster, Trials, dask_cluster


@pytest.fixture(scope="package")
def cluster(tmp_path_factory) -> Iterator[DaskCluster]:
    """One worker, since each keeps objects of its own."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=1) as made:
        yield made


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    return Trials(tmp_path)
