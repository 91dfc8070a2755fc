"""A job whose output nobody reads waits, for as long as that takes, and goes on when it is read."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

import pytest

from nbpipe.compute.agent import log
from nbpipe.compute.agent.attempt import Attempt
from nbpipe.compute.base import Job
from nbpipe.compute.far import FarBackend
from tests.compute.agents import Machine, job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")

LINE, COUNT = 1000, 6000
PRINTS = f"""
import os, sys
for n in range({COUNT}):
    os.write(1, b"%0{LINE - 1}d\\n" % n)
os.write(2, b"done")
"""
BOTH = """
import os, threading
def fill():
    while True:
        os.write(1, b"o" * 1000)
threading.Thread(target=fill).start()
for _ in range(40):
    os.write(2, b"e" * 100_000)
"""
PRINTED = hashlib.sha256(b"".join(b"%0*d\n" % (LINE - 1, n) for n in range(COUNT))).hexdigest()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(log, "PIECE", 1 << 18)
    monkeypatch.setattr(log, "KEPT", 1 << 20)
    return Machine(tmp_path / "agent")


async def full(machine: Machine, order: Job) -> Attempt:
    """The attempt of a job, once it waits because nobody reads."""
    while order.attempt_id not in machine.agent._attempts:  # noqa: ASYNC110 - an agent tells nobody
        await asyncio.sleep(0.01)
    attempt = machine.agent._attempts[order.attempt_id]
    while not attempt._handle._output._held:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    return attempt


def kept(attempt: Attempt) -> int:
    return sum(path.stat().st_size for path in Path(attempt.folder).glob("stdout.*"))


def test_a_job_that_nobody_reads_waits_and_its_output_comes_whole(machine: Machine, tmp_path: Path):
    order = job(tmp_path, PRINTS)
    streams = {"stdout": hashlib.sha256(), "stderr": hashlib.sha256()}
    most = 0

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(order, lambda _stream, _data: None)
        handle._following.cancel()  # the line is away from here on
        attempt = await full(machine, order)
        assert attempt.ended is None
        assert kept(attempt) < (1 << 20) + (1 << 19)

        def sink(stream: str, data: bytes) -> None:
            nonlocal most
            streams[stream].update(data)
            most = max(most, kept(attempt))

        again = await backend.attach(order, sink)
        assert (await again.wait()).code == 0

    machine.run(work)
    assert streams["stdout"].hexdigest() == PRINTED
    assert streams["stderr"].hexdigest() == hashlib.sha256(b"done").hexdigest()
    assert most < (1 << 20) + (1 << 20)


def test_a_job_that_waits_can_be_ended(machine: Machine, tmp_path: Path):
    order = job(tmp_path, PRINTS)

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(order, lambda _stream, _data: None)
        handle._following.cancel()
        attempt = await full(machine, order)
        await attempt.cancel(0.0)
        assert attempt.ended["signal"] == 9

    machine.run(work)


def test_a_stream_that_is_read_goes_on_while_the_other_waits(machine: Machine, tmp_path: Path):
    order = job(tmp_path, BOTH)

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(order, lambda _stream, _data: None)
        handle._following.cancel()
        attempt = await full(machine, order)
        offset = 0
        while offset < 4_000_000:
            answer, _ = await attempt.read({"stdout": 0, "stderr": offset}, 0.0, 1 << 22)
            offset += sum(length for stream, _, length in answer["parts"] if stream == "stderr")
            await asyncio.sleep(0.01)
        while attempt._handle._output._held != {"stdout"}:  # noqa: ASYNC110 - an agent tells nobody
            await asyncio.sleep(0.01)
        await attempt.cancel(0.0)

    machine.run(work)
