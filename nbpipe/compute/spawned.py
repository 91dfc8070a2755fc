"""A process of an interpreter started anew: how a job runs where nothing can be forked (macOS, Windows)."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from nbpipe import platform, runtime
from nbpipe.compute.base import Exit, Handle, Job, Sink, Stream
from nbpipe.errors import EnvironmentProbeError

_LOOK = 0.1  # seconds between two looks at what the process uses
_CHUNK = 64 * 1024  # bytes a read takes at most
_REST = 5.0  # seconds in which the output of a tree that is gone has to end


class SpawnedHandle(Handle):
    """A job, its tree found through psutil.

    Its figures are as good as the looks at it: a peak between two of them is not seen. A process that left
    the tree (a daemon) is found while its session tells where it came from, and the job outlives its backend
    if that is killed.

    Raises:
        EnvironmentProbeError: the interpreter cannot be started.
    """

    def __init__(self, python: str, job: Job, sink: Sink) -> None:
        self._loop = asyncio.get_running_loop()
        self._sink = sink
        self._memory = job.memory
        self._failure: Exception | None = None
        self._peak, self._cpu = 0, 0.0
        self._out_of_memory = False
        entry = Path(runtime.__file__).with_name("__main__.py")
        self._started = self._loop.time()
        try:
            self._process = subprocess.Popen(
                [python, str(entry), "--launch", job.script, *job.argv],
                cwd=job.cwd,
                env=dict(job.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                **platform.detached(),
            )
        except OSError as error:
            raise EnvironmentProbeError(
                f"The interpreter {python} does not start.", place=str(error)
            ) from error
        self._born = psutil.Process(self._process.pid).create_time()
        self._ended = asyncio.Event()
        self.done: asyncio.Task[Exit] = self._loop.create_task(self._watch())

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`."""
        if not self.done.done():
            await self._end(grace)
        await asyncio.wait({self.done})

    async def _end(self, grace: float) -> None:
        await asyncio.to_thread(platform.end_tree, self._process.pid, grace=grace, born=self._born)

    async def _watch(self) -> Exit:
        # Threads of its own: the loop's few would be taken by jobs that wait, and none be left to end one.
        readers = [
            _thread(self._read, stream, pipe)
            for stream, pipe in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        _thread(self._await_end)
        while not self._ended.is_set():
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._ended.wait()
        wall = self._loop.time() - self._started
        await self._end(0.0)
        for reader in readers:
            await asyncio.to_thread(reader.join, _REST)
        if self._failure is not None:
            raise self._failure
        status = self._process.returncode
        return Exit(
            code=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            wall=wall,
            cpu=self._cpu,
            peak_bytes=self._peak,
            out_of_memory=self._out_of_memory,
        )

    async def _look(self) -> None:
        with suppress(psutil.Error):
            self._cpu = sum(
                psutil.Process(self._process.pid).cpu_times()[:4]
            )  # with its children's, where counted
        held = platform.tree_memory(self._process.pid)
        self._peak = max(self._peak, held)
        if self._memory is not None and held > self._memory:
            self._out_of_memory = True
            await self._end(0.0)

    def _await_end(self) -> None:
        self._process.wait()
        with suppress(RuntimeError):  # the loop has closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._ended.set)

    def _read(self, stream: Stream, pipe: IO[bytes]) -> None:
        with pipe, suppress(RuntimeError):
            while data := pipe.read(_CHUNK):
                asyncio.run_coroutine_threadsafe(self._take(stream, data), self._loop).result()

    async def _take(self, stream: Stream, data: bytes) -> None:
        if self._failure is not None:
            return
        try:
            self._sink(stream, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the job and reaches who waits for it
            self._failure = error
            await self._end(0.0)


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread
