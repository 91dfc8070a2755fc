"""Scripts as text, run as jobs of the backend that is tried."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from blake3 import blake3

from nbpipe.compute.base import Backend, Exit, Handle, Job, Parcel, Phase, Placed
from nbpipe.compute.conformance.family import NAMES, family

LONGEST = 100.0
"""Seconds after which a law counts as broken."""

_CLOSING = 15.0  # seconds after which the end of a law counts as broken, too

Outcome = TypeVar("Outcome")

_LOOK = """
import os
for pid in os.environ["NBPIPE_PIDS"].split():
    try:
        with open("/proc/%s/stat" % pid) as file:
            alive = file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        alive = False
    print(pid, "alive" if alive else "gone")
"""


@dataclass(frozen=True)
class Target:
    """What is tried.

    Attributes:
        open: opens the backend; each time it is called, another holder of the same target.
        holder: Python code that binds `backend` to one more holder, run in a process of its own that is then
            killed; empty where there is none.
        python: the interpreter of jobs there; empty for the target's own.
        family: which processes that try to get away are ended with their job (`nbpipe.compute.conformance.family`);
            all of them, unless the system of the target makes that impossible.
    """

    open: Callable[[], Backend]
    holder: str = ""
    python: str = ""
    family: tuple[str, ...] = NAMES


class Heard:
    """What came of one job: the bytes of each stream, and its phases."""

    def __init__(self) -> None:
        self.streams: dict[str, bytearray] = {
            "stdout": bytearray(),
            "stderr": bytearray(),
            "spool": bytearray(),
        }
        self.phases: list[Phase] = []
        self._news = asyncio.Event()

    def sink(self, stream: str, data: bytes) -> None:
        """Take output."""
        self.streams[stream] += data
        self._news.set()

    @property
    def stdout(self) -> bytes:
        """All that came of it."""
        return bytes(self.streams["stdout"])

    @property
    def stderr(self) -> bytes:
        """All that came of it."""
        return bytes(self.streams["stderr"])

    @property
    def lines(self) -> list[str]:
        """The lines of stdout that are whole."""
        return self.stdout.decode().split("\n")[:-1]

    def named(self, name: str) -> list[Phase]:
        """The phases of one name, in order."""
        return [phase for phase in self.phases if phase.name == name]

    async def line(self, start: str) -> str:
        """The rest of the first line that begins so, once it has come."""
        while True:
            self._news.clear()
            for line in self.lines:
                if line.startswith(start):
                    return line[len(start) :].strip()
            await self._news.wait()


class Trial:
    """Runs scripts on a target.

    Args:
        target: what is tried.
        folder: an empty folder of this machine.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self._python = target.python

    def run(self, work: Callable[[Backend], Awaitable[Outcome]]) -> Outcome:
        """Do something with a backend of the target, and close it."""

        async def go() -> Outcome:
            backend = self.target.open()
            try:
                async with asyncio.timeout(LONGEST):
                    return await work(backend)
            finally:
                async with asyncio.timeout(_CLOSING):
                    await backend.aclose()

        return asyncio.run(go())

    def ran(self, source: str, *argv: str, **changes: Any) -> tuple[Exit, Heard]:
        """Run a script to its end."""

        async def work(backend: Backend) -> tuple[Exit, Heard]:
            return await self.finished(backend, await self.job(backend, source, *argv, **changes))

        return self.run(work)

    async def finished(self, backend: Backend, job: Job) -> tuple[Exit, Heard]:
        """Run a job to its end."""
        handle, heard = await self.started(backend, job)
        return await handle.wait(), heard

    async def started(self, backend: Backend, job: Job) -> tuple[Handle, Heard]:
        """Start a job."""
        heard = Heard()
        return await backend.start(job, heard.sink, heard.phases.append), heard

    async def job(self, backend: Backend, source: str, *argv: str, **changes: Any) -> Job:
        """A job that runs a script, in a folder of its own."""
        attempt_id = f"law-{secrets.token_hex(8)}"
        folder = self.folder / attempt_id
        folder.mkdir()
        script = folder / "script.py"
        script.write_text(textwrap.dedent(source), encoding="utf-8")
        python = await self.python(backend)
        if backend.shares_files:
            job = Job(attempt_id, python, "script.py", argv, folder, dict(os.environ))
        else:
            place = f"/nbpipe-{secrets.token_hex(16)}"
            job = Job(attempt_id, python, "script.py", argv, Path(place), {}, place=place, parcel=Parcel())
        changes = {**changes, "parcel": self.packed(script, changes.get("parcel"))} if job.parcel else changes
        return replace(job, **changes)

    def packed(self, script: Path, parcel: Parcel | None) -> Parcel:
        """A parcel with a script in it."""
        parcel = parcel or Parcel()
        digest = blake3(script.read_bytes()).hexdigest()
        return replace(
            parcel,
            files={"script.py": Placed(digest), **parcel.files},
            objects={digest: script, **parcel.objects},
        )

    @property
    def family(self) -> str:
        """A script that starts processes which try to get away, and tells of them."""
        return family(self.target.family)

    async def pids(self, heard: Heard) -> list[str]:
        """The process numbers of a family, once all were told."""
        return [await heard.line(f"{name} ") for name in (*self.target.family, "job")]

    async def python(self, backend: Backend) -> str:
        """The interpreter that jobs run with."""
        if not self._python and backend.shares_files:
            self._python = sys.executable
        elif not self._python:
            self._python = (await self.printed(backend, "import sys; print(sys.executable)")).strip()
        return self._python

    async def printed(self, backend: Backend, source: str, **variables: str) -> str:
        """What a script prints that runs outside any job."""
        script = self.folder / f"look-{secrets.token_hex(4)}.py"
        script.write_text(textwrap.dedent(source), encoding="utf-8")
        env = {**os.environ, **variables} if backend.shares_files else variables
        return (await backend.run_script("", script, env)).decode()

    async def alive(self, backend: Backend, pids: Iterable[str]) -> list[str]:
        """Which of some processes of the target are alive."""
        told = await self.printed(backend, _LOOK, NBPIPE_PIDS=" ".join(pids))
        return [line.split()[0] for line in told.splitlines() if line.endswith("alive")]

    async def until_gone(self, backend: Backend, pids: Iterable[str]) -> None:
        """Wait until none of some processes is alive."""
        while await self.alive(backend, pids):  # noqa: ASYNC110 - another machine's processes have no event here
            await asyncio.sleep(0.05)

    def content(self, data: bytes) -> tuple[str, Path]:
        """A digest, and a file of this machine that has the content."""
        digest = blake3(data).hexdigest()
        path = self.folder / f"object-{digest[:16]}"
        path.write_bytes(data)
        return digest, path

    def parcel(
        self,
        contents: Mapping[str, bytes],
        *,
        results: tuple[str, ...] = (),
        link: bool = False,
        mode: int = 0o600,
    ) -> Parcel:
        """A parcel of files with these contents."""
        made = {path: self.content(data) for path, data in contents.items()}
        files = {path: Placed(digest, mode, link) for path, (digest, _) in made.items()}
        return Parcel(files=files, objects=dict(made.values()), results=results)


class Laws:
    """What all laws stand on."""

    @pytest.fixture
    def trial(self, target: Target, tmp_path: Path) -> Trial:
        """Scripts, run on the target."""
        return Trial(target, tmp_path)


def needs_parcels(backend: Backend) -> None:
    """Pass a law over where files are shared."""
    if backend.shares_files:
        pytest.skip("files are shared: jobs come without a parcel")
