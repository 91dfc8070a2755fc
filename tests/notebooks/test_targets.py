"""The quickstart runs unchanged on every kind of target, with the results it has on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbpipe import ComputeTarget, Workspace
from tests.dask_cluster import dask_cluster
from tests.remote_project import digests
from tests.slurm_cluster import missing, slurm_cluster
from tests.sshd import sshd_in

pytestmark = [pytest.mark.slow, pytest.mark.kernel, pytest.mark.runner, pytest.mark.timeout(300)]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@contextmanager
def practice(ws: Workspace, folder: Path) -> Iterator[dict[str, str]]:
    ComputeTarget.practice(ws, "box", root=str(folder / "far"), drop=3.0, away=0.3)
    yield {}


@contextmanager
def ssh(ws: Workspace, folder: Path) -> Iterator[dict[str, str]]:
    with sshd_in(folder) as server:
        ComputeTarget.attach_ssh(
            ws, "box", server.host, port=server.port, user=server.user, key=str(server.key),
            known_hosts=str(server.known_hosts), python=sys.executable, root=str(folder / "far"),
        )  # fmt: skip
        yield {}


@contextmanager
def dask(ws: Workspace, folder: Path) -> Iterator[dict[str, str]]:
    with dask_cluster(folder / "dask") as cluster:
        ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)
        yield {}


@contextmanager
def slurm(ws: Workspace, folder: Path) -> Iterator[dict[str, str]]:
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    with slurm_cluster(folder / "slurm") as cluster:
        ComputeTarget.attach_slurm(ws, "box")
        yield {"SLURM_CONF": cluster.environ["SLURM_CONF"]}


@pytest.fixture(scope="module", autouse=True)
def _one_arithmetic() -> Iterator[None]:
    """Some machines tell OpenBLAS which processor to be for; who logs in does not have that variable."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
            patch.delenv(name)
        yield


def run(folder: Path, *options: str, env: dict[str, str] | None = None) -> dict[str, str]:
    """The quickstart run from a terminal; the digests of all its outputs."""
    words = [sys.executable, "-m", "nbpipe.cli.main", "run", "quickstart.ipynb", *options]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    newest = Workspace(folder).latest_run()
    assert newest is not None
    return digests(newest)


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("here")
    shutil.copytree(NOTEBOOKS, folder, dirs_exist_ok=True)
    return run(folder)


@pytest.mark.parametrize("target", [practice, ssh, dask, slurm])
def test_the_quickstart_has_the_same_results_there(
    target: Callable, tmp_path: Path, here: dict[str, str]
) -> None:
    folder = tmp_path / "work"
    shutil.copytree(NOTEBOOKS, folder)
    (tmp_path / "target").mkdir()
    with target(Workspace(folder), tmp_path / "target") as env:
        assert run(folder, "--target", "box", env=env) == here
