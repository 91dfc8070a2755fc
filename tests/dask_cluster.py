"""A Dask cluster of processes on loopback, started by its own command lines."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        self.scheduler = self._start(
            "scheduler", "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--no-show", "--protocol", protocol,
        )  # fmt: skip
        self.workers: list[subprocess.Popen[bytes]] = []
        self.address = eventually(lambda: self._found("scheduler", _AT), 60)[1]

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """One more worker, without a nanny, so that its process is it."""
        name = f"worker{len(self.workers)}"
        (self.folder / name).mkdir()
        worker = self._start(
            name, "-m", "distributed.cli.dask_worker", self.address, "--host", "127.0.0.1", "--nthreads", "4",
            "--no-dashboard", "--no-nanny", "--death-timeout", "20", "--name", name, "--local-directory",
            str(self.folder / name), *options,
        )  # fmt: skip
        self.workers.append(worker)
        eventually(lambda: self._found(name, _BEGUN), 60)
        return worker

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *words, *self._options], stdout=log, stderr=log, env=env, cwd=self.folder
            )

    def _found(self, name: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.search((self.folder / f"{name}.log").read_text(errors="replace"))

    def close(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            process.send_signal(signal.SIGKILL)
            process.wait()


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
