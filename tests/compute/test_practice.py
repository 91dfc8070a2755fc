"""The practice remote keeps the laws of every backend, and behaves as another machine does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from nbpipe.compute.base import Job, Parcel, Phase, Placed
from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.practice import KIND, PracticeBackend
from nbpipe.errors import UsageError
from nbpipe.store.digests import digest_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")

_HOLDER = """
from pathlib import Path
from nbpipe.compute.practice import PracticeBackend
backend = PracticeBackend("practice", Path({root!r}))
"""


class TestPractice(BackendLaws):
    """As it is where nothing is set."""

    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        root = tmp_path / "root"
        return Target(lambda: PracticeBackend("practice", root), holder=_HOLDER.format(root=str(root)))


def job_with(tmp_path: Path, source: str, data: bytes = b"") -> Job:
    objects, files = {}, {}
    for name, content in (("code/script.py", source.encode()), ("in/data", data)):
        digest = digest_bytes(content)
        objects[digest] = tmp_path / digest
        objects[digest].write_bytes(content)
        files[name] = Placed(digest)
    place = "/nbpipe-place-7a1"
    parcel = Parcel(files=files, folders=("out",), objects=objects, results=("out",))
    return Job("1.a.1", sys.executable, "script.py", (), Path(place, "code"), {}, parcel=parcel, place=place)


def ran(backend: PracticeBackend, job: Job, into: Path) -> tuple[list[Phase], bytes, int | None]:
    """A job run to its end and collected: its phases, output and exit code."""

    async def work() -> tuple[list[Phase], bytes, int | None]:
        phases: list[Phase] = []
        printed = bytearray()
        try:
            handle = await backend.start(job, lambda _stream, data: printed.extend(data), phases.append)
            ended = await handle.wait()
            await handle.collect(into)
            await handle.forget({})
        finally:
            await backend.aclose()
        return phases, bytes(printed), ended.code

    return asyncio.run(work())


def test_a_job_waits_in_the_queue_and_its_data_travel(tmp_path: Path) -> None:
    backend = PracticeBackend(
        "practice", tmp_path / "root", queue=0.1, cold_start=0.1, latency=0.01, rate=4e6
    )
    job = job_with(tmp_path, "print('there')", bytes(2_000_000))
    phases, printed, code = ran(backend, job, tmp_path / "home")
    names = list(dict.fromkeys(phase.name for phase in phases))
    assert names[:5] == ["connecting", "queued", "sending", "preparing", "running"]
    assert (printed, code) == (b"there\n", 0)
    sending = [phase for phase in phases if phase.name == "sending"]
    assert (sending[-1].done, sending[-1].total) == (sending[-1].total, sending[0].total)
    again, _, _ = ran(PracticeBackend("practice", tmp_path / "root"), job, tmp_path / "home")
    assert "sending" not in {phase.name for phase in again}


def test_a_line_that_breaks_again_and_again_loses_nothing(tmp_path: Path) -> None:
    source = """
import time
for number in range(300):
    print(number, flush=True)
    time.sleep(0.005)
open("../out/made", "w").write("whole")
"""
    backend = PracticeBackend("practice", tmp_path / "root", drop=0.4, away=0.1)
    phases, printed, code = ran(backend, job_with(tmp_path, source), tmp_path / "home")
    assert printed.split() == [b"%d" % number for number in range(300)]
    assert code == 0
    assert (tmp_path / "home" / "out" / "made").read_text() == "whole"
    assert sum(phase.name == "away" for phase in phases) >= 2


def test_what_cannot_be_is_refused_all_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        KIND.check({"queue": -1, "rate": 0, "speed": 3})
    assert all(name in str(caught.value) for name in ("queue", "rate", "speed"))


def test_two_names_are_two_machines(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    roots = {KIND.open(name, KIND.check({}), environ)._root for name in ("a", "b")}
    assert len(roots) == 2
    assert all(tmp_path in root.parents for root in roots)
