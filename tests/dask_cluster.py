"""A Dask cluster of processes on loopback, run by its own command lines, and jobs on it."""

from __future__ import annotations

import asyncio
import os
import re
import textwrap
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from nbpipe.compute.base import Handle, Job, Parcel, Phase, Placed
from nbpipe.compute.dask.backend import DaskBackend
from nbpipe.store.digests import digest_bytes
from tests.dask_process import dask_process
from tests.waiting import eventually

_AT = re.compile(r"Scheduler at:\s+(\S+)")
_BEGUN = re.compile("Registered to:")


class DaskCluster:
    """A scheduler and its workers.

    Args:
        folder: for logs and what workers keep.
        options: for every process, such as those of TLS.
        protocol: ``tcp`` or ``tls``.
    """

    def __init__(self, folder: Path, options: tuple[str, ...] = (), protocol: str = "tcp") -> None:
        self.folder = folder
        self._options = options
        words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", "--protocol", protocol)
        self.scheduler = self._start("scheduler", "scheduler", *words)
        self.workers: list[ForkServerProcess] = []
        self.address = eventually(lambda: self._found("scheduler", _AT), 60)[1]

    def add_worker(self, *options: str, nanny: bool = False) -> ForkServerProcess:
        """One more worker; without a nanny, its process is it."""
        name = f"worker{len(self.workers)}"
        (self.folder / name).mkdir()
        worker = self._start(
            "worker", name, self.address, "--host", "127.0.0.1", "--nthreads", "4", "--no-dashboard",
            "--nanny" if nanny else "--no-nanny", "--death-timeout", "20", "--name", name,
            "--local-directory", str(self.folder / name), *options,
        )  # fmt: skip
        self.workers.append(worker)
        eventually(lambda: self._found(name, _BEGUN), 60)
        return worker

    def _start(self, command: str, name: str, *words: str) -> ForkServerProcess:
        return dask_process(command, (*words, *self._options), self.folder / f"{name}.log")

    def _found(self, name: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
        log = self.folder / f"{name}.log"
        return pattern.search(log.read_text(errors="replace")) if log.exists() else None

    def close(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.join()


@contextmanager
def dask_cluster(folder: Path, *, workers: int = 2, **options) -> Iterator[DaskCluster]:
    """A cluster that is gone at the end."""
    folder.mkdir(exist_ok=True)
    cluster = DaskCluster(folder, **options)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()


WAITS = """
import os, time
print("up", os.getpid(), flush=True)
while not os.path.exists({flag!r}): time.sleep(0.01)
print("done", flush=True)
"""


class Trials:
    """Jobs on a small cluster of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = bytearray()
        self.phases: list[Phase] = []

    def job(self, source: str, number: int = 1, results: tuple[str, ...] = (), **changes: Any) -> Job:
        text = textwrap.dedent(source).encode()
        digest = digest_bytes(text)
        (self.folder / digest).write_bytes(text)
        place = f"/nbpipe-place-{number}"
        files = {"code/script.py": Placed(digest)}
        parcel = Parcel(files, objects={digest: self.folder / digest}, results=results)
        return Job(
            f"1.a.{number}.{os.urandom(4).hex()}", "python", "script.py", (), Path(place, "code"), {},
            parcel=parcel, place=place, **changes,
        )  # fmt: skip

    def run(
        self, cluster: DaskCluster, work: Callable[[DaskBackend], Coroutine[Any, Any, Any]], **options: Any
    ) -> Any:
        async def whole() -> Any:
            backend = DaskBackend("cluster", cluster.address, **options)
            try:
                async with asyncio.timeout(90):
                    return await work(backend)
            finally:
                async with asyncio.timeout(15):
                    await backend.aclose()

        return asyncio.run(whole())

    async def started(self, backend: DaskBackend, job: Job) -> Handle:
        return await backend.start(job, lambda _stream, data: self.printed.extend(data), self.phases.append)

    async def seen(self, look: Callable[[], object]) -> Any:
        return await asyncio.to_thread(eventually, look, 60)

    @property
    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in self.printed.splitlines() if line.startswith(b"up ")]
