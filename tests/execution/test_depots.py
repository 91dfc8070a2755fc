"""Steps on other machines have from the shared store what lies there; the line carries the rest."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbpipe import ComputeTarget, Pipeline, PipelineData, PythonScriptStep, Workspace
from nbpipe.run import PipelineRun
from nbpipe.store.digests import digest_bytes
from nbpipe.store.shared_store import LAYOUT
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
def test_outputs_are_put_into_a_folder_that_both_see_and_a_colleague_reuses_them(
    over_ssh: tuple[Lab, CountedLine], tmp_path: Path
):
    lab, line = over_ssh
    run = lab.run(lab.pipeline())
    assert line.back > SIZE  # they come home over the line, and
    assert line.there < 1.5 * SIZE  # only what the first step made has to go out
    digest = run.step("turn").get_output("turned").digest
    kept = json.loads((tmp_path / "store" / LAYOUT / "objects" / digest[:2] / digest).read_text())
    assert kept["kind"] == "file"
    colleague = Lab(
        tmp_path / "colleague", str(tmp_path / "store"), lambda ws: ComputeTarget.practice(ws, "box")
    )
    again = colleague.run(colleague.pipeline())
    assert {step.status for step in again.get_steps()} == {"reused"}
    assert content(again, "turn", "turned") == content(run, "turn", "turned")


@pytest.mark.ssh
@pytest.mark.filterwarnings(
    "ignore:The shared store is not looked at"
)  # where its answers are not remembered
def test_without_the_store_inputs_pass_the_line(over_ssh: tuple[Lab, CountedLine], tmp_path: Path):
    lab, line = over_ssh
    lab.make()
    (tmp_path / "store").rename(tmp_path / "unmounted")
    run = lab.run(lab.pipeline())
    assert content(run, "turn", "turned") == content(run, "make", "much")[::-1]
    assert line.there > SIZE


@dataclass
class Bucket:
    """A fresh folder of a bucket, seen through one proxy here and through another one there.

    Attributes:
        url: the folder.
        here, there: the two ways to it.
        asked: requests in their order, each with the way it came.
    """

    url: str
    here: FaultyProxy
    there: FaultyProxy
    asked: list[tuple[str, str]]

    def of(self, side: str, verb: str, what: str = "objects") -> list[str]:
        """Names of what was asked for with a verb on one side."""
        pattern = re.compile(rf"{verb} \S*/{what}/\S*?([^/\s?]+)(\?\S*)? ")
        found = (pattern.match(line) for way, line in self.asked if way == side)
        return [each[1] for each in found if each]


@pytest.fixture
def bucket(s3: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket whose credentials and address are in the environment alone: at first in that of workers."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with faulty(s3) as here, faulty(s3) as there:
        made = Bucket(s3.url(f"{tmp_path.parent.name}-{tmp_path.name}"), here, there, [])
        for side, proxy in (("here", here), ("there", there)):
            faults = proxy.faults
            proxy.faults = lambda line, side=side, faults=faults: (
                made.asked.append((side, line)) or faults(line)
            )
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{there.port}")
        yield made


@pytest.fixture
def on_dask(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab whose box is a worker of Dask that has the bucket's address and credentials of its own."""
    with dask_cluster(tmp_path / "dask", workers=1) as cluster:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.here.port}")

        def attach(ws: Workspace) -> ComputeTarget:
            return ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)

        yield Lab(tmp_path / "lab", bucket.url, attach)


def test_workers_have_inputs_from_a_bucket_and_put_outputs_into_it(
    on_dask: Lab, bucket: Bucket, tmp_path: Path
):
    made = on_dask.make()
    bucket.asked.clear()
    run = on_dask.run(on_dask.pipeline())
    assert content(run, "turn", "turned") == content(made, "make", "much")[::-1]
    assert log(run, "turn") == ""
    assert len(bucket.of("there", "GET")) == 1
    ((turned,), here) = bucket.of("there", "PUT"), bucket.of("here", "PUT")
    assert turned == digest_bytes(content(run, "turn", "turned"))
    assert turned not in here
    results = [number for number, (_, line) in enumerate(bucket.asked) if re.match("PUT .*/results/", line)]
    put = [number for number, (_, line) in enumerate(bucket.asked) if re.match(f"PUT .*{turned}", line)]
    assert max(put) < min(results)
    colleague = Lab(tmp_path / "colleague", bucket.url, lambda ws: ComputeTarget.practice(ws, "box"))
    again = colleague.run(colleague.pipeline())
    assert {step.status for step in again.get_steps()} == {"reused"}


def test_a_store_that_the_workers_do_not_reach_is_served_from_here(on_dask: Lab, bucket: Bucket):
    bucket.there.down = True
    on_dask.make()
    run = on_dask.run(on_dask.pipeline())
    assert content(run, "turn", "turned") == content(run, "make", "much")[::-1]
    assert digest_bytes(content(run, "turn", "turned")) in bucket.of("here", "PUT")
    assert log(run, "turn").count("does not use") == 1
    assert "testing" not in log(run, "turn")
