"""The machine nbpipe itself runs on, as a backend."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbpipe.compute.base import Backend, Capacity, Handle, Job, Sink, Tell, tell_nobody
from nbpipe.compute.checked import check_job
from nbpipe.compute.registered import BackendKind
from nbpipe.compute.short_script import printed_by

if sys.platform == "linux":
    from nbpipe.compute.forked import Zygotes


class LocalBackend(Backend):
    """Runs jobs as processes of this machine, which end with the process that holds it.

    On Linux they are forked by zygotes (`nbpipe.compute.forked`); elsewhere, or with `forked=False`, each is
    an interpreter started anew (`nbpipe.compute.spawned`), which takes longer and finds fewer of the
    processes that tried to get away.

    Args:
        forked: whether to fork, where the system can.

    Example::

        backend = LocalBackend()
        handle = await backend.start(job, lambda stream, data: log.write(data))
        ended = await handle.wait()
        await backend.aclose()
    """

    shares_files = True

    def __init__(self, *, forked: bool = True) -> None:
        self._zygotes = Zygotes() if sys.platform == "linux" and forked else None
        self._spawned: set[Handle] = set()

    async def probe(self) -> Capacity:
        """The cores this process may use and the memory of the machine."""
        import psutil

        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        version = ".".join(map(str, sys.version_info[:3]))
        return Capacity(
            cpus or 1, psutil.virtual_memory().total, python=version, machine=socket.gethostname()
        )

    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        """Start an interpreter with a script; see `Backend.run_script`."""
        return await printed_by(python or sys.executable, script, env)

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Start a process; see `Backend.start`."""
        python = check_job(job)
        if self._zygotes is not None:
            return await self._zygotes.start(python, job, sink)
        from nbpipe.compute.spawned import SpawnedHandle  # brings psutil, which no forked job needs

        handle = SpawnedHandle(python, job, sink)
        self._spawned.add(handle)
        handle.done.add_done_callback(lambda _: self._spawned.discard(handle))
        return handle

    async def aclose(self) -> None:
        """End every process that is left."""
        for handle in tuple(self._spawned):
            await handle.cancel(0.0)
        if self._zygotes is not None:
            await self._zygotes.aclose()


class _Local(BackendKind):
    """Targets of type ``local``."""

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> LocalBackend:
        """This machine; see `BackendKind.open`."""
        del name, settings, environ
        return LocalBackend()


KIND = _Local()
