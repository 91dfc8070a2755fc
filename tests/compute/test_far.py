"""Wherever the line to a machine breaks, nothing is lost or doubled; what is gone for good is said."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from nbpipe.compute import far_handle
from nbpipe.compute.base import Phase
from nbpipe.compute.far import FarBackend
from nbpipe.compute.line import MachineAway
from nbpipe.compute.relayed import open_here
from nbpipe.errors import NbpipeError, StoreError
from tests.compute.agents import Machine, job
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")

COUNTS = """
import os, time
with open(os.environ["COUNT"], "a") as file:
    file.write("started\\n")
for n in range(20):
    print(n, "x" * 1000, flush=True)
    time.sleep(0.01)
os.mkdir("out")
data = open("in/data", "rb").read()
open("out/a", "wb").write(data[::-1])
open("out/b", "w").write("b")
"""
SLEEPS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "agent")


@pytest.mark.parametrize("done", [False, True], ids=["question-lost", "answer-lost"])
@pytest.mark.parametrize("first", [1, 2, 3, 4, 5, 7, 9])
def test_wherever_the_line_breaks_nothing_is_lost_or_doubled(
    machine: Machine, tmp_path: Path, first: int, done: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    data = random.Random(first).randbytes(700_000)
    machine.breaks = [(first, done), (3, done), (2, not done), (2, done)]
    printed = bytearray()

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(
            job(tmp_path, COUNTS, data, ("out",)), lambda _stream, part: printed.extend(part)
        )
        assert (await handle.wait()).code == 0
        await handle.collect(tmp_path / "home")
        await handle.forget({})

    machine.run(work)
    assert printed.decode() == "".join(f"{n} {'x' * 1000}\n" for n in range(20))
    assert (tmp_path / "count").read_text() == "started\n"
    assert (tmp_path / "home/out/a").read_bytes() == data[::-1]
    assert machine.breaks == []
    assert list((tmp_path / "agent/attempts").iterdir()) == []


def test_a_machine_that_stays_away_is_given_up_and_named(machine: Machine, tmp_path: Path):
    machine.breaks = [(5, False)]
    heard: list[Phase] = []

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(job(tmp_path, SLEEPS), lambda _stream, _data: None, heard.append)
        machine.gone = True
        ended = await handle.wait()
        assert (ended.code, ended.signal) == (None, None)
        assert "gpu-box does not answer" in ended.lost
        with pytest.raises(MachineAway, match="gpu-box"):
            await backend.probe()

    machine.run(work, patience=0.5)
    assert [phase.name for phase in heard if phase.name != "sending"][:4] == [
        "connecting",
        "preparing",
        "running",
        "away",
    ]
    assert "No route to host" in heard[-1].why


def test_what_was_cancelled_while_the_machine_was_away_is_ended_when_it_is_back(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(far_handle, "_CANCEL_PATIENCE", 0.3)
    pids: list[int] = []

    async def work(backend: FarBackend) -> None:
        told = asyncio.Event()

        def sink(_stream: str, data: bytes) -> None:
            pids.append(int(data))
            told.set()
            machine.gone = True
            backend._line._channel._left = 0

        handle = await backend.start(job(tmp_path, SLEEPS), sink)
        await told.wait()
        await handle.cancel(0.0)
        assert "ended as soon as it does" in (await handle.wait()).lost
        os.kill(pids[0], 0)
        machine.gone = False
        await asyncio.wait(backend._chores)

    machine.run(work)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_start_that_is_not_waited_for_leaves_no_process(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        await backend.probe()
        starting = asyncio.create_task(backend.start(job(tmp_path, SLEEPS), lambda _stream, _data: None))
        while not machine.agent._starting:  # noqa: ASYNC110 - an agent tells nobody what it begins
            await asyncio.sleep(0.001)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await asyncio.wait(backend._chores)
        assert [each.ended["signal"] for each in machine.agent._attempts.values()] == [signal.SIGKILL]

    machine.run(work)


@pytest.mark.parametrize("error", [StoreError("no space left"), ValueError("odd")])
def test_whatever_a_sink_raises_ends_the_job_and_reaches_who_waits(
    machine: Machine, tmp_path: Path, error: Exception
):
    def sink(_stream: str, _data: bytes) -> None:
        raise error

    async def work(backend: FarBackend) -> None:
        handle = await backend.start(job(tmp_path, SLEEPS), sink)
        with pytest.raises(type(error), match=str(error)):
            await handle.wait()
        assert not machine.agent.busy

    machine.run(work)


def test_jobs_of_an_agent_that_was_killed_are_lost_and_their_machine_is_named(tmp_path: Path):
    async def go() -> None:
        backend = FarBackend("gpu-box", lambda: open_here("gpu-box", tmp_path), patience=60)
        tmp_path.joinpath("objects-here").mkdir()
        told = asyncio.Event()
        printed = bytearray()

        def sink(_stream: str, data: bytes) -> None:
            printed.extend(data)
            told.set()

        order = job(tmp_path / "objects-here", SLEEPS)
        handle = await backend.start(order, sink)
        await told.wait()
        os.kill(backend._line.hello["pid"], signal.SIGKILL)
        ended = await handle.wait()
        assert ended.lost.startswith("gpu-box: ")
        again = await backend.attach(order, lambda _stream, _data: None)
        assert (await again.wait()).lost == ended.lost
        await again.forget({})
        assert await backend.attach(order, lambda _stream, _data: None) is None
        await backend.aclose()
        await asyncio.to_thread(eventually, lambda: not _alive(int(printed)))

    asyncio.run(go())


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_is_not_read_in_time_is_said_to_be_gone(machine: Machine, tmp_path: Path):
    printed = bytearray()

    def alter(verb: str, told: dict, answer: tuple) -> tuple:
        if verb == "read" and told["offsets"]["stdout"] == 0 and answer[0]["parts"]:
            return {**answer[0], "parts": [["stdout", 7, 3]]}, b"end"
        return answer

    async def work(backend: FarBackend) -> None:
        machine.alter = alter
        handle = await backend.start(
            job(tmp_path, "print('0123456end', end='')"), lambda _stream, data: printed.extend(data)
        )
        await handle.wait()

    machine.run(work)
    assert printed == b"[nbpipe: 7 bytes of this output are no longer kept on gpu-box]\nend"


def test_no_room_there_is_said_with_the_machine(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        await backend.probe()
        order = job(tmp_path, SLEEPS, b"some data")
        digest = order.parcel.files["in/data"].digest
        (tmp_path / "agent/partial" / digest).symlink_to("/dev/full")
        with pytest.raises(NbpipeError, match="gpu-box: There is no room"):
            await backend.start(order, lambda _stream, _data: None)

    machine.run(work)
