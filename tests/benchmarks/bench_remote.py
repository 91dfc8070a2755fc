"""SSH and Dask beside this machine: a step that does nothing, a million lines, the end of a tree, data sent once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

from blake3 import blake3

from nbpipe.compute.base import Backend, Handle, Job, Parcel, Phase, Placed
from nbpipe.compute.dask.backend import DaskBackend
from nbpipe.compute.local import LocalBackend
from nbpipe.compute.ssh.kind import KIND
from tests.benchmarks.frame import ENVIRONMENT, Contender, Goal, Sample, Work
from tests.dask_cluster import dask_cluster
from tests.sshd import Sshd, sshd_in

_STEPS = 20
_LINES = 1_000_000
_PRINT = (
    f"import sys\nfor n in range({_LINES}): print('line', n, 'of a log that is as long as most lines are')\n"
)
_TREE = (
    "import os, time\nfor _ in range(6):\n    if not os.fork():\n        os.setsid(); time.sleep(600)\n"
    "print('ready', flush=True)\ntime.sleep(600)\n"
)
_READ = "import pathlib\nprint(sum(len(path.read_bytes()) for path in pathlib.Path('data').iterdir()))\n"
_FILES = 200

_Done = Callable[["_Machine"], Awaitable[None]]


class _Machine:
    """A backend that stays open between rounds, as in one run."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        self.folder = folder
        self.backend = backend
        self.loop = asyncio.new_event_loop()
        self.heard = 0
        self.sent = 0
        self.cancelled = 0.0
        self.first_line = asyncio.Event()

    def contender(self, name: str, work: _Done) -> Contender:
        """Who does a work here."""

        def run() -> Sample:
            began, used = time.perf_counter(), time.process_time()
            self.loop.run_until_complete(work(self))
            return Sample(time.perf_counter() - began, time.process_time() - used)

        return Contender(name, run)

    async def start(self, source: str, data: dict[str, Path] | None = None) -> Handle:
        """Start a script."""
        attempt = secrets.token_hex(8)
        folder = self.folder / attempt
        folder.mkdir()
        script = folder / "script.py"
        script.write_text(source)
        job = Job(attempt, sys.executable, "script.py", (), folder, ENVIRONMENT)
        if not self.backend.shares_files:
            place = f"/nbpipe-{attempt}"
            objects = {
                blake3(path.read_bytes()).hexdigest(): path for path in [script, *(data or {}).values()]
            }
            by_path = {path: digest for digest, path in objects.items()}
            files = {name: Placed(by_path[path], link=True) for name, path in (data or {}).items()}
            parcel = Parcel({"script.py": Placed(by_path[script]), **files}, objects=objects)
            job = replace(job, cwd=Path(place), place=place, parcel=parcel, env={})
        self.heard = self.sent = 0
        self.first_line = asyncio.Event()
        return await self.backend.start(job, self._sink, self._tell)

    def _sink(self, _stream: str, data: bytes) -> None:
        self.heard += data.count(b"\n")
        self.first_line.set()

    def _tell(self, phase: Phase) -> None:
        if phase.name == "sending":
            self.sent = phase.total

    async def ran(self, source: str, data: dict[str, Path] | None = None) -> None:
        """Run a script to its end."""
        handle = await self.start(source, data)
        ended = await handle.wait()
        assert ended.code == 0, ended
        await handle.collect(self.folder)
        await handle.forget({})

    async def warmed(self) -> None:
        """Do what is done once in a run, on each of its workers."""
        await asyncio.gather(*(self.ran("import time; time.sleep(1)") for _ in range(2)))

    async def empty_steps(self) -> None:
        for _ in range(_STEPS):
            await self.ran("")

    async def log(self) -> None:
        await self.ran(_PRINT)
        assert self.heard == _LINES, self.heard

    async def cancel(self) -> None:
        handle = await self.start(_TREE)
        await self.first_line.wait()
        began = time.perf_counter()
        await handle.cancel(0.0)
        self.cancelled = time.perf_counter() - began

    def close(self) -> None:
        self.loop.run_until_complete(self.backend.aclose())
        self.loop.close()


def _opened(sshd: Sshd) -> Backend:
    return KIND.open("gpu-box", KIND.check({**sshd.settings, "python": sys.executable}), sshd.environ)


def works(folder: Path) -> Iterator[Work]:
    """The floor is this machine; seconds of CPU are those of the process that holds the backend."""
    with contextlib.ExitStack() as stack:
        sshd = stack.enter_context(sshd_in(folder / "sshd"))
        cluster = stack.enter_context(dask_cluster(folder / "dask"))
        there = _Machine(folder, _opened(sshd))
        machines = {
            "local": _Machine(folder, LocalBackend()),
            "ssh": there,
            "dask": _Machine(folder, DaskBackend("cluster", cluster.address)),
        }
        for each in machines.values():
            stack.callback(each.close)
            each.loop.run_until_complete(each.warmed())

        yield Work(
            f"{_STEPS} steps that do nothing, one after another",
            [machine.contender(name, _Machine.empty_steps) for name, machine in machines.items()],
            [Goal("ssh", 2.0, "local"), Goal("dask", 2.5, "local")],
        )
        yield Work(
            f"a step that prints {_LINES:,} lines",
            [machine.contender(name, _Machine.log) for name, machine in machines.items()],
            [Goal("ssh", 2.0, "local"), Goal("dask", 4.0, "local")],
        )
        yield Work(
            "from cancel to the last of seven processes gone",
            [
                Contender(name, lambda machine=machine: _cancelled(machine))
                for name, machine in machines.items()
            ],
            [Goal("ssh", 1.0), Goal("dask", 1.0)],
        )
        yield Work(
            f"a step that reads {_FILES} files of 64 KiB (MB: what is sent of them)",
            [
                Contender("new", lambda: _read(there, _data(folder))),
                Contender(
                    "as before",
                    lambda: _read(there, {f"data/{n}": folder / f"data-{n}" for n in range(_FILES)}),
                ),
            ],
            [Goal("as before", 0.0, figure="peak")],
        )


def _cancelled(machine: _Machine) -> Sample:
    used = time.process_time()
    machine.loop.run_until_complete(machine.cancel())
    return Sample(machine.cancelled, time.process_time() - used)


def _data(folder: Path) -> dict[str, Path]:
    named = _names(folder)
    for path in named.values():
        path.write_bytes(os.urandom(1 << 16))
    return named


def _names(folder: Path) -> dict[str, Path]:
    return {f"data/{n}": folder / f"data-{n}" for n in range(_FILES)}


def _read(machine: _Machine, data: dict[str, Path]) -> Sample:
    began, used = time.perf_counter(), time.process_time()
    machine.loop.run_until_complete(machine.ran(_READ, data))
    return Sample(time.perf_counter() - began, time.process_time() - used, machine.sent)
