"""The machine nbpipe itself runs on, as a backend."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbpipe.compute.base import Backend, Capacity, Handle, Job, Sink, Tell, tell_nobody
from nbpipe.compute.registered import BackendKind
from nbpipe.errors import EnvironmentProbeError, UsageError

if sys.platform == "linux":
    from nbpipe.compute.forked import Zygotes

_PATIENCE = 60.0  # seconds an interpreter may take to answer


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
        program = python or sys.executable
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                str(script),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(env),
            )
        except OSError as error:
            raise EnvironmentProbeError(f"{program} cannot be started: {error.strerror}.") from error
        try:
            printed, complaint = await asyncio.wait_for(process.communicate(), _PATIENCE)
        except TimeoutError as error:
            raise EnvironmentProbeError(f"{program} gave no answer in {_PATIENCE:g} s.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            raise EnvironmentProbeError(f"{program} does not answer as a Python does.", place=said or None)
        return printed

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


def check_job(job: Job) -> str:
    """The path of a job's interpreter, once the job is known to be one that can be started."""
    bad = next((f"argument {text!r}" for text in (job.script, *job.argv) if not _passable(text)), None)
    for name, value in job.env.items():  # values may be secret
        if not name or "=" in name or not (_passable(name) and _passable(value)):
            bad = f"variable {name!r}"
    if bad is not None:
        raise UsageError(
            f"A process cannot be given the {bad[:200]}.",
            place=f"{job.attempt_id}: no text may hold a NUL or half a character, no name be empty or hold =.",
        )
    if not job.cwd.is_dir():
        raise UsageError(f"No folder {job.cwd}.", place=f"{job.attempt_id} was to start in it.")
    python = shutil.which(job.python, path=job.env.get("PATH"))
    if python is None:
        raise EnvironmentProbeError(
            f"No interpreter {job.python}.",
            place=f"{job.attempt_id} was to run with it.",
            remedy=f"The one nbpipe runs with is:  --python {sys.executable}",
        )
    return os.path.abspath(python)


@lru_cache(maxsize=4096)  # steps have most of their variables in common
def _passable(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
