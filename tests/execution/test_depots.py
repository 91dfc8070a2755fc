"""Steps on other machines have from the shared store what lies there; the line carries the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbpipe import ComputeTarget, Datastore, Pipeline, PipelineData, PythonScriptStep, Workspace
from nbpipe.run import PipelineRun
from tests.counting import CountedLine, counted
from tests.dask_cluster import dask_cluster
from tests.object_servers import FaultyProxy, ObjectServer, faulty, s3
from tests.remote_project import phases
from tests.sshd import sshd_in

__all__ = ["s3"]
pytestmark = pytest.mark.runner

SIZE = 3_000_000
MAKE = "import os, sys; open(sys.argv[1], 'wb').write(os.urandom(int(sys.argv[2])))"
TURN = "import sys; open(sys.argv[2], 'wb').write(open(sys.argv[1], 'rb').read()[::-1])"


class Lab:
    """A workspace that shares its results: one step makes much data, another one turns it round.

    Args:
        folder: the workspace.
        shared: the store, as nbpipe.toml names it.
        attach: makes the target, called ``box``.
    """

    def __init__(self, folder: Path, shared: str, attach: Callable[[Workspace], ComputeTarget]) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "nbpipe.toml").write_text(f'[store]\nshared = "{shared}"\n')
        for name, text in (("make", MAKE), ("turn", TURN)):
            (folder / name).mkdir()
            (folder / name / f"{name}.py").write_text(text)
        self.ws = Workspace(folder)
        self.box = attach(self.ws)

    def pipeline(self, target: str | None = "box", size: int = SIZE) -> Pipeline:
        much, turned = PipelineData("much"), PipelineData("turned")
        make = PythonScriptStep(
            "make.py", "make", [much, str(size)], outputs=[much], source_directory=str(self.folder / "make")
        )
        turn = PythonScriptStep(
            "turn.py", "turn", [much, turned], inputs=[much], outputs=[turned],
            source_directory=str(self.folder / "turn"), compute_target=target,
        )  # fmt: skip
        return Pipeline(self.ws, [make, turn], name="lab")

    def make(self) -> PipelineRun:
        """Make and share the data."""
        whole = self.pipeline()
        return self.run(Pipeline(self.ws, whole.steps[:1], name="lab"))

    def run(self, pipeline: Pipeline, **options) -> PipelineRun:
        run = self.ws.submit(pipeline, **options)
        run.wait_for_completion(show_output=False, raise_on_error=False)
        assert run.status == "Finished", [step.failure for step in run.get_steps()]
        return run


def log(run: PipelineRun, step: str) -> str:
    return b"".join(data for _, data in run.step(step).log.read()[0]).decode()


def content(run: PipelineRun, step: str, output: str) -> bytes:
    return Path(run.step(step).get_output(output).path).read_bytes()


@pytest.fixture
def over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, CountedLine]]:
    """A lab whose box is reached over a line that counts, and whose store is a folder that both see."""
    (tmp_path / "store").mkdir()
    with sshd_in(tmp_path / "sshd") as sshd, counted(sshd.port) as line:
        for name, value in sshd.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        known = sshd.known_hosts
        known.write_text(known.read_text().replace(f":{sshd.port} ", f":{line.port} "))

        def attach(ws: Workspace) -> ComputeTarget:
            told = {**sshd.settings, "port": line.port, "python": sys.executable}
            return ComputeTarget.attach_ssh(ws, "box", **told)

        yield Lab(tmp_path / "lab", str(tmp_path / "store"), attach), line


@pytest.mark.ssh
def test_inputs_that_the_store_has_do_not_pass_the_line(over_ssh: tuple[Lab, CountedLine]):
    lab, line = over_ssh
    lab.make()
    run = lab.run(lab.pipeline())
    assert run.step("make").status == "reused"
    assert content(run, "turn", "turned") == content(run, "make", "much")[::-1]
    assert line.there < SIZE / 3
    assert "sending" in phases(run, "turn")
    assert log(run, "turn") == ""


@pytest.mark.ssh
def test_without_the_store_inputs_pass_the_line(over_ssh: tuple[Lab, CountedLine], tmp_path: Path):
    lab, line = over_ssh
    lab.make()
    (tmp_path / "store").rename(tmp_path / "unmounted")
    with pytest.warns(UserWarning, match="The shared store is not looked at"):
        run = lab.run(lab.pipeline())
    assert content(run, "turn", "turned") == content(run, "make", "much")[::-1]
    assert line.there > SIZE


@pytest.fixture
def bucket(s3: ObjectServer, tmp_path: Path, monkeypatch) -> Iterator[tuple[str, FaultyProxy]]:
    """A fresh folder of a bucket, with credentials in the environment alone."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with faulty(s3) as proxy:
        yield s3.url(f"{tmp_path.parent.name}-{tmp_path.name}"), proxy


def registered(ws: Workspace, url: str, proxy: FaultyProxy) -> None:
    Datastore.register(ws, "lake", url, options={"endpoint_url": f"http://127.0.0.1:{proxy.port}"})


def test_workers_have_inputs_from_a_bucket(tmp_path: Path, bucket: tuple[str, FaultyProxy]):
    url, proxy = bucket
    with dask_cluster(tmp_path / "dask", workers=1) as cluster:

        def attach(ws: Workspace) -> ComputeTarget:
            registered(ws, url, proxy)
            return ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)

        lab = Lab(tmp_path / "lab", "lake", attach)
        made = lab.make()
        digest = made.step("make").get_output("much").digest
        proxy.asked.clear()
        run = lab.run(lab.pipeline())
        assert content(run, "turn", "turned") == content(run, "make", "much")[::-1]
    got = [line for line in proxy.asked if line.startswith("GET") and "/objects/" in line]
    assert len(got) == 1, digest
    assert log(run, "turn") == ""
