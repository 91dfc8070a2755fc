"""Nothing a forked step starts outlives it, its cancelling, or who runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from nbpipe.compute.base import Exit, Handle, Job
from nbpipe.compute.local import LocalBackend
from tests.compute.conftest import Scripts
from tests.waiting import eventually

Alive = Callable[[int], bool]

# What a script starts to get away, each writing its process number into a file of its own.
PRELUDE = """
import os, signal, sys, time

def tell(name):
    with open(name + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(name + ".part", name)

def child(name, *, daemon=False, deaf=False, session=False):
    pid = os.fork()
    if pid:
        if daemon:
            os.waitpid(pid, 0)
        return
    if session or daemon:
        os.setsid()
    if daemon and os.fork():
        os._exit(0)
    if deaf:
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
    tell(name)
    while True:
        time.sleep(600)

def ready(*names):
    while not all(os.path.exists(name) for name in names):
        time.sleep(0.005)

"""
FAMILY = """
child("plain")
child("deaf", deaf=True)
child("session", session=True, deaf=True)
child("daemon", daemon=True, deaf=True)
ready("plain", "deaf", "session", "daemon")
tell("step")
"""
NAMES = ("step", "plain", "deaf", "session", "daemon")


def pids(folder: Path, *names: str) -> list[int]:
    """The process numbers that were told, once all are there."""
    eventually(lambda: all((folder / name).exists() for name in names))
    return [int((folder / name).read_text()) for name in names]


def during(scripts: Scripts, source: str, act: Callable[[Handle], Awaitable[object]]) -> Exit:
    """Start a script and do something to it once it has told that it is ready."""

    async def go() -> Exit:
        backend = LocalBackend()
        handle = await backend.start(scripts.job(source), lambda _stream, _data: None)
        while not (scripts.folder / "step").exists():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
        await act(handle)
        ended = await asyncio.wait_for(handle.wait(), 60)
        await backend.aclose()
        return ended

    return asyncio.run(go())


def test_what_a_step_leaves_behind_is_dead_when_it_is_done(scripts: Scripts, alive: Alive):
    ran = scripts.run(PRELUDE + FAMILY + "print('done')")
    assert (ran.exit.code, ran.stdout) == (0, b"done\n")
    assert [name for name, pid in zip(NAMES, pids(scripts.folder, *NAMES), strict=True) if alive(pid)] == []


def test_cancelling_ends_the_whole_tree(scripts: Scripts, alive: Alive):
    ended = during(scripts, PRELUDE + FAMILY + "time.sleep(600)", lambda handle: handle.cancel(20))
    assert ended.signal == signal.SIGTERM
    assert not any(map(alive, pids(scripts.folder, *NAMES)))


def test_a_step_may_use_its_grace(scripts: Scripts):
    source = """
signal.signal(signal.SIGTERM, lambda *_: (open("saved", "w").close(), sys.exit(4)))
tell("step")
time.sleep(600)
"""
    ended = during(scripts, PRELUDE + source, lambda handle: handle.cancel(30))
    assert ended.code == 4
    assert (scripts.folder / "saved").exists()


def test_a_tree_that_ignores_sigterm_is_killed_after_the_grace(scripts: Scripts, alive: Alive):
    deaf = PRELUDE + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAMILY + "time.sleep(600)"
    ended = during(scripts, deaf, lambda handle: handle.cancel(0.2))
    assert ended.signal == signal.SIGKILL
    assert not any(map(alive, pids(scripts.folder, *NAMES)))


def test_a_stopped_step_can_be_cancelled(scripts: Scripts):
    source = PRELUDE + "tell('step')\nos.kill(os.getpid(), signal.SIGSTOP)"
    assert during(scripts, source, lambda handle: handle.cancel(0.1)).signal == signal.SIGKILL


def test_cancelling_twice_and_after_the_end_is_no_error(scripts: Scripts):
    async def act(handle: Handle) -> None:
        await asyncio.gather(handle.cancel(30), handle.cancel(0))
        await handle.cancel(1)

    source = PRELUDE + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('step')\ntime.sleep(600)"
    assert during(scripts, source, act).signal == signal.SIGKILL


def test_a_step_killed_from_outside_is_reported(scripts: Scripts):
    async def act(_handle: Handle) -> None:
        os.kill(pids(scripts.folder, "step")[0], signal.SIGUSR1)

    assert during(scripts, PRELUDE + "tell('step')\ntime.sleep(600)", act).signal == signal.SIGUSR1


def test_daemons_that_keep_making_daemons_are_ended(scripts: Scripts, alive: Alive):
    ran = scripts.run(
        PRELUDE
        + """
if os.fork() == 0:
    os.setsid()
    with open("chain", "a", buffering=1) as file:
        for _ in range(2000):
            if os.fork():
                os._exit(0)
            file.write(f"{os.getpid()}\\n")
    os._exit(0)
ready("chain")
"""
    )
    assert ran.exit.code == 0
    written = [int(line) for line in (scripts.folder / "chain").read_text().splitlines()]
    assert not any(map(alive, written))


def test_a_step_that_kills_its_guard_is_lost_and_its_tree_is_dead(scripts: Scripts, alive: Alive):
    ran = scripts.run(PRELUDE + FAMILY + "os.kill(os.getppid(), 9)\ntime.sleep(600)")
    assert (ran.exit.code, ran.exit.signal) == (None, None)
    assert ran.exit.lost == "It killed its guard."
    assert not any(map(alive, pids(scripts.folder, *NAMES)))


def test_other_steps_go_on_when_one_kills_its_guard(scripts: Scripts):
    async def go() -> None:
        backend = LocalBackend()
        job = scripts.job(PRELUDE + "tell('step')\nready('go')\nsys.exit(3)")
        scripts.folder.joinpath("bad.py").write_text(
            "import os, time; os.kill(os.getppid(), 9); time.sleep(600)"
        )
        bad = Job("bad", job.python, "bad.py", (), job.cwd, job.env)
        good = await backend.start(job, lambda _stream, _data: None)
        assert (await (await backend.start(bad, lambda _stream, _data: None)).wait()).lost
        (scripts.folder / "go").touch()
        assert (await good.wait()).code == 3
        await backend.aclose()

    asyncio.run(go())


def test_a_zygote_that_was_killed_is_replaced(scripts: Scripts):
    async def go() -> None:
        backend = LocalBackend()
        job = scripts.job(PRELUDE + "tell('step')\nready('go')\nsys.exit(3)")
        first = await backend.start(job, lambda _stream, _data: None)
        await asyncio.to_thread(pids, scripts.folder, "step")
        zygotes = list(backend._zygotes._zygotes.values())
        zygotes[0].process.kill()
        zygotes[0].process.wait()
        second = await backend.start(job, lambda _stream, _data: None)
        (scripts.folder / "go").touch()
        assert [(await first.wait()).code, (await second.wait()).code] == [3, 3]
        await backend.aclose()

    asyncio.run(go())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_steps_die_with_who_runs_them(scripts: Scripts, alive: Alive, number: int):
    scripts.job(PRELUDE + FAMILY + "time.sleep(600)")
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(scripts.folder)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    family = pids(scripts.folder, *NAMES)
    started = [runner.pid, *below(runner.pid)]
    assert set(family) <= set(started)
    runner.send_signal(number)
    runner.wait()
    eventually(lambda: not any(map(alive, started)))


RUNNER = textwrap.dedent("""
    import asyncio, os, sys
    from pathlib import Path
    from nbpipe.compute.base import Job
    from nbpipe.compute.local import LocalBackend

    async def main():
        job = Job("t", sys.executable, "script.py", (), Path(sys.argv[1]), dict(os.environ))
        handle = await LocalBackend().start(job, lambda stream, data: None)
        await handle.wait()

    asyncio.run(main())
""")


def below(root: int) -> list[int]:
    """Every process below one."""
    return [process.pid for process in psutil.Process(root).children(recursive=True)]


def test_a_zygote_without_room_loses_one_step_and_serves_the_next(scripts: Scripts):
    async def go() -> list[Exit]:
        backend = LocalBackend()
        job = scripts.job("pass")

        async def one() -> Exit:
            return await asyncio.wait_for((await backend.start(job, lambda _stream, _data: None)).wait(), 60)

        ended = [await one()]
        zygote = psutil.Process(next(iter(backend._zygotes._zygotes.values())).process.pid)
        limits = zygote.rlimit(psutil.RLIMIT_NOFILE)
        eventually(lambda: not zygote.children())
        zygote.rlimit(psutil.RLIMIT_NOFILE, (zygote.num_fds() + 1, limits[1]))
        ended.append(await one())
        zygote.rlimit(psutil.RLIMIT_NOFILE, limits)
        ended.append(await one())
        await backend.aclose()
        return ended

    first, starved, last = asyncio.run(go())
    assert (first.code, last.code) == (0, 0)
    assert starved.lost


def test_closing_a_backend_ends_its_steps_and_zygotes(scripts: Scripts, alive: Alive):
    async def go() -> list[int]:
        backend = LocalBackend()
        await backend.start(scripts.job(PRELUDE + FAMILY + "time.sleep(600)"), lambda _stream, _data: None)
        family = await asyncio.to_thread(pids, scripts.folder, *NAMES)
        zygotes = [zygote.process.pid for zygote in backend._zygotes._zygotes.values()]
        await backend.aclose()
        return [*family, *zygotes]

    assert not any(map(alive, asyncio.run(go())))


def test_steps_leave_no_descriptors_and_no_zombies_behind(scripts: Scripts):
    async def go() -> None:
        backend = LocalBackend()
        job = scripts.job("pass")

        async def one() -> None:
            assert (await (await backend.start(job, lambda _stream, _data: None)).wait()).code == 0

        await one()
        here = psutil.Process()
        zygote = psutil.Process(next(iter(backend._zygotes._zygotes.values())).process.pid)
        eventually(lambda: not zygote.children())
        before = here.num_fds(), zygote.num_fds()
        for _ in range(20):
            await one()
        eventually(lambda: not zygote.children())
        assert (here.num_fds(), zygote.num_fds()) == before
        await backend.aclose()

    asyncio.run(go())
