"""What jobs left goes when nobody will ask for it, and never while one runs or was asked for."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbpipe.compute.agent.agent import Agent
from nbpipe.compute.agent.leavings import FORGOTTEN, OUT_OF_USE, SAFE, UNUSED, Leavings, hold, is_held
from nbpipe.compute.agent.refusal import Refusal
from nbpipe.compute.base import Job
from nbpipe.compute.far import FarBackend
from tests.compute.agents import Machine, job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")

WAITS = "import time\nprint('on', flush=True)\ntime.sleep(600)"
DAY = 86400.0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "agent")


def tidy(machine: Machine, after: float, *, full: bool | Callable[[], bool] = False) -> list[str]:
    """What goes when so many seconds have passed."""
    room = full if callable(full) else lambda: full
    return Leavings(os.fspath(machine.root), room, lambda: time.time() + after).tidy()


def attempts(machine: Machine) -> list[Path]:
    return sorted((machine.root / "attempts").iterdir())


def objects(machine: Machine) -> list[Path]:
    return sorted((machine.root / "objects").glob("*/*"))


async def ended(backend: FarBackend, order: Job) -> None:
    handle = await backend.start(order, lambda _stream, _data: None)
    assert (await handle.wait()).code == 0


def lost(machine: Machine) -> Path:
    """The folder of an attempt whose agent was killed."""
    folder = machine.root / "attempts/lost-1"
    folder.mkdir(parents=True)
    (folder / "parcel.json").write_text("{}")
    (folder / "stdout.0").write_text("something")
    os.close(hold(os.fspath(folder)))
    return folder


def test_an_attempt_that_was_lost_and_is_not_asked_for_goes_in_its_time(machine: Machine):
    folder = lost(machine)
    assert (tidy(machine, FORGOTTEN - 60), folder.exists()) == ([], True)
    assert (tidy(machine, FORGOTTEN + 60), folder.exists()) == ([os.fspath(folder)], False)
    assert attempts(machine) == []


def test_one_that_ended_goes_in_its_time_and_is_unknown_then(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        await ended(backend, job(tmp_path, "", b"data"))
        assert tidy(machine, FORGOTTEN - 60) == []
        (folder,) = attempts(machine)
        assert tidy(machine, FORGOTTEN + 60) == [os.fspath(folder)]

    machine.run(work)
    assert attempts(machine) == []


def test_one_that_runs_stays_with_its_objects_however_long_and_however_full(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        handle = await backend.start(job(tmp_path, WAITS, b"data"), lambda _stream, _data: None)
        before = objects(machine)
        assert tidy(machine, 1000 * DAY, full=True) == []
        assert objects(machine) == before
        await handle.cancel(0.0)
        (folder,) = attempts(machine)
        assert tidy(machine, 1000 * DAY, full=True) == [os.fspath(folder)]
        assert objects(machine) == []

    machine.run(work)


def test_one_that_another_agent_runs_is_neither_lost_nor_removed(machine: Machine):
    folder = lost(machine)
    agent = Agent(os.fspath(machine.root))
    named = Path(agent._folder("other"))
    folder.rename(named)
    descriptor = hold(os.fspath(named))
    assert is_held(os.fspath(named))
    assert tidy(machine, 1000 * DAY, full=True) == []
    read = {"attempt": "other", "offsets": {}, "wait": 0, "most": 100}
    with pytest.raises(Refusal, match="Another agent"):
        asyncio.run(agent.answer("read", read, b""))
    os.close(descriptor)
    told, data = asyncio.run(agent.answer("read", read, b""))
    assert (data, "ended while it ran" in told["ended"]["lost"]) == (b"something", True)


def test_one_that_was_asked_for_stays(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        order = job(tmp_path, "")
        await ended(backend, order)
        (folder,) = attempts(machine)
        long_ago = time.time() - 2 * FORGOTTEN
        for path in [*folder.iterdir(), folder]:
            os.utime(path, (long_ago, long_ago))
        machine.agent._attempts[order.attempt_id]._asked = 0.0
        assert await backend.attach(order, lambda _stream, _data: None) is not None
        assert tidy(machine, 0) == []

    machine.run(work)


def test_with_little_room_the_oldest_go_first_and_only_until_there_is_some(machine: Machine):
    first = lost(machine)
    first = first.rename(first.with_name("lost-0"))
    os.utime(first, (0, 0))
    for path in first.iterdir():
        os.utime(path, (0, 0))
    second = lost(machine)
    assert tidy(machine, SAFE / 2, full=first.exists) == [os.fspath(first)]
    assert tidy(machine, SAFE / 2, full=True) == []
    assert tidy(machine, 2 * SAFE, full=True) == [os.fspath(second)]


def test_an_object_stays_as_long_as_it_was_lent_lately(machine: Machine, tmp_path: Path):
    async def work(backend: FarBackend) -> None:
        order = job(tmp_path, "", b"data")
        await ended(backend, order)
        handle = await backend.attach(order, lambda _stream, _data: None)
        await handle.wait()
        await handle.forget({})

    machine.run(work)
    before = objects(machine)
    tidy(machine, UNUSED - 60)
    assert objects(machine) == before != []
    tidy(machine, UNUSED + 60)
    assert objects(machine) == []


def test_what_never_came_whole_goes(machine: Machine):
    agent = Agent(os.fspath(machine.root))
    agent._objects.put("a" * 64, 0, 100, None, b"part")
    (part,) = (machine.root / "partial").iterdir()
    tidy(machine, FORGOTTEN - 60)
    assert part.exists()
    tidy(machine, FORGOTTEN + 60)
    assert not part.exists()


def environment(machine: Machine, name: str) -> Path:
    folder = machine.root / "environments" / name
    (folder / "bin").mkdir(parents=True)
    (machine.root / "attempts").mkdir(exist_ok=True)
    (folder.parent / f"{name.partition('.')[0]}.lock").touch()
    return folder


def test_an_environment_goes_when_it_is_long_out_of_use_and_nothing_runs(machine: Machine):
    folder, running = environment(machine, "abc"), lost(machine)
    descriptor = hold(os.fspath(running))
    tidy(machine, OUT_OF_USE + 60, full=True)
    assert folder.exists()
    os.close(descriptor)
    tidy(machine, OUT_OF_USE - 60, full=True)
    assert folder.exists()
    tidy(machine, OUT_OF_USE + 60)
    assert not folder.exists()


def test_a_draft_of_an_environment_goes_when_its_maker_is_gone(machine: Machine):
    draft = environment(machine, "abc.0123")
    with (draft.parent / "abc.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tidy(machine, SAFE + 60)
        assert draft.exists()
    tidy(machine, SAFE - 60)
    assert draft.exists()
    tidy(machine, SAFE + 60)
    assert not draft.exists()


def test_an_agent_tidies_as_long_as_it_lives(machine: Machine):
    folder = lost(machine)
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (0, 0))

    async def go() -> None:
        agent = Agent(os.fspath(machine.root))
        agent.keep_tidy()
        while folder.exists():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        await agent.aclose()

    asyncio.run(asyncio.wait_for(go(), 30))
