"""A script as text, run as a step: what it printed and how it ended."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nbpipe.compute.base import Exit, Job
from nbpipe.compute.local import LocalBackend


@dataclass(frozen=True)
class Ran:
    """What came of a script."""

    exit: Exit
    stdout: bytes
    stderr: bytes

    @property
    def lines(self) -> list[str]:
        return self.stdout.decode().splitlines()


@dataclass
class Scripts:
    """Writes scripts into a folder and runs them there."""

    folder: Path
    forked: bool = True

    def job(self, source: str, *argv: str, **changes) -> Job:
        self.folder.joinpath("script.py").write_text(textwrap.dedent(source), encoding="utf-8")
        job = Job("test-1", sys.executable, "script.py", argv, self.folder, dict(os.environ))
        return replace(job, **changes)

    def run(self, source: str, *argv: str, **changes) -> Ran:
        return self.run_job(self.job(source, *argv, **changes))

    def run_job(self, job: Job) -> Ran:
        return asyncio.run(self.ran(job))

    async def ran(self, job: Job) -> Ran:
        streams = {"stdout": b"", "stderr": b""}

        def sink(stream: str, data: bytes) -> None:
            streams[stream] += data

        backend = LocalBackend(forked=self.forked)
        try:
            handle = await backend.start(job, sink)
            ended = await handle.wait()
        finally:
            await backend.aclose()
        return Ran(ended, streams["stdout"], streams["stderr"])


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def anyhow(request: pytest.FixtureRequest, tmp_path: Path) -> Scripts:
    """Scripts, run in each of the two ways this machine can start a process."""
    return Scripts(tmp_path, request.param)


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    """Scripts, run the way Linux does it."""
    if sys.platform != "linux":
        pytest.skip("forks only on Linux")
    return Scripts(tmp_path)


@pytest.fixture
def alive() -> Iterator[Callable[[int], bool]]:
    """Whether a process is alive; a zombie is not."""

    def look(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX"

    return look
