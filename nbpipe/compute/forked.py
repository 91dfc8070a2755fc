"""Processes forked by zygotes (Linux): they start faster than an interpreter does, and none gets away."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbpipe import runtime
from nbpipe.compute.base import Exit, Handle, Job, Sink, Stream
from nbpipe.compute.output import Output
from nbpipe.errors import EnvironmentProbeError, NbpipeError
from nbpipe.runtime import tree
from nbpipe.runtime.wire import KILL, READY, TERMINATE, Report, Request

_OBEYED = 1.0  # seconds in which a guard has killed everything, unless it cannot
_PATIENCE = 60.0  # seconds an interpreter may take to start: a cold network disk is slow

# What an interpreter and its C library read once, when they start: a job whose values differ needs a zygote
# of its own.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "MALLOC_", "GLIBC_")
_READ_AT_START_TOO = {"HOME", "LANG", "LANGUAGE", "TZ", "XDG_CONFIG_HOME"}


class Zygotes:
    """The zygotes of one backend, started as jobs need them."""

    def __init__(self) -> None:
        self._zygotes: dict[tuple[Any, ...], _Zygote] = {}
        self._starting = asyncio.Lock()
        self._handles: set[ForkedHandle] = set()

    async def start(self, python: str, job: Job, sink: Sink) -> ForkedHandle:
        """Start a job; see `Backend.start`."""
        zygote = await self._zygote(python, job)
        handle = ForkedHandle(sink, zygote)
        self._handles.add(handle)
        handle.done.add_done_callback(lambda _: self._handles.discard(handle))
        await handle.launch(job)
        return handle

    async def _zygote(self, python: str, job: Job) -> _Zygote:
        env = {name: value for name, value in job.env.items() if _read_at_start(name)}
        # A relative entry of PYTHONPATH means the folder a process starts in.
        folders = env.get("PYTHONPATH", os.sep).split(os.pathsep)
        cwd = os.sep if all(map(os.path.isabs, folders)) else str(job.cwd)
        key = (python, cwd, *sorted(env.items()))
        async with self._starting:
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.alive:
                if zygote is not None:
                    zygote.drop()
                zygote = _Zygote(python, cwd, env)
                await zygote.ready()
                self._zygotes[key] = zygote
            return zygote

    async def aclose(self) -> None:
        """End every job and every zygote."""
        for handle in tuple(self._handles):
            await handle.cancel(0.0)
        for zygote in self._zygotes.values():
            await zygote.aclose()
        self._zygotes.clear()


@lru_cache(maxsize=4096)
def _read_at_start(name: str) -> bool:
    return name.startswith(_READ_AT_START) or name in _READ_AT_START_TOO


class _Zygote:
    """The backend's side of a zygote."""

    def __init__(self, python: str, cwd: str, env: Mapping[str, str]) -> None:
        self._python = python
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        self._last_words = ""
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115 - what it says when it cannot start
        entry = Path(runtime.__file__).with_name("__main__.py")
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [python, str(entry), str(theirs.fileno())],
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._complaint,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                self.drop()
                raise self._unusable(str(error.strerror)) from error

    @property
    def alive(self) -> bool:
        """Whether it can still be sent anything."""
        return self.process.poll() is None

    async def ready(self) -> None:
        """Wait until it can fork.

        Raises:
            EnvironmentProbeError: it cannot.
        """
        loop = asyncio.get_running_loop()
        try:
            answer = await asyncio.wait_for(loop.sock_recv(self._control, 1), _PATIENCE)
        except (asyncio.TimeoutError, OSError):
            answer = b""
        except asyncio.CancelledError:
            self._kill()
            raise
        if answer != READY:
            self._kill()
            raise self._unusable(
                self._last_words or f"It is no Python, or needs more than {_PATIENCE:.0f} s."
            )

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._last_words = self.complaint()
        self.drop()

    def complaint(self) -> str:
        """The last line of what it or a guard of it said before it failed."""
        self._complaint.seek(0)
        return self._complaint.read()[-2000:].decode(errors="replace").strip().rpartition("\n")[2]

    def _unusable(self, why: str) -> EnvironmentProbeError:
        return EnvironmentProbeError(
            f"The interpreter {self._python} does not start.",
            place=why,
            remedy=f"Try it:  {self._python} -c 'import sys; print(sys.version)'",
        )

    def send(self, descriptors: list[int]) -> None:
        """Have a guard forked that holds the descriptors: its channel, and the job's stdout and stderr.

        Raises:
            OSError: the zygote is gone.
        """
        socket.send_fds(self._control, [b"F"], descriptors)

    def wake(self) -> None:
        """Let it and its guards go on: a script may have stopped them, and who is stopped obeys nobody."""
        tree.send([self.process.pid, *tree.descendants(self.process.pid)], signal.SIGCONT)

    async def aclose(self) -> None:
        """End it; its jobs have ended."""
        self._control.close()
        await asyncio.to_thread(self.process.wait)
        self.drop()

    def drop(self) -> None:
        """Let go of what is held here."""
        self._control.close()
        self._complaint.close()


class ForkedHandle(Handle):
    """A job and its guard."""

    def __init__(self, sink: Sink, zygote: _Zygote) -> None:
        self.done: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._zygote = zygote
        self._output = Output(sink, self._fail)
        self._channel, self._theirs = socket.socketpair()
        self._channel.setblocking(False)
        self._line = b""
        self._failure: Exception | None = None

    async def launch(self, job: Job) -> None:
        """Have a guard forked and tell it what to run.

        Raises:
            NbpipeError: the zygote is gone.
        """
        loop = asyncio.get_running_loop()
        try:
            with self._theirs:
                self._zygote.send([self._theirs.fileno(), *self._output.writers])
        except OSError as error:
            self._finish(None)
            raise NbpipeError(f"{job.attempt_id} cannot be started: {error.strerror}.") from error
        self._output.start()
        loop.add_reader(self._channel, self._receive)
        with suppress(OSError):  # nobody at the other end: that is read there, too
            await loop.sock_sendall(self._channel, request_of(job).to_bytes())

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`."""
        if grace > 0:
            self._command(TERMINATE)
            await asyncio.wait({self.done}, timeout=grace)
        self._command(KILL)
        while not (await asyncio.wait({self.done}, timeout=_OBEYED))[0]:
            await asyncio.to_thread(self._zygote.wake)

    def hold(self, stream: Stream) -> None:
        """Let the job wait as soon as it prints more into a stream than its pipe holds."""
        self._output.hold(stream)

    def go_on(self, stream: Stream) -> None:
        """Take again what the job prints into a stream."""
        self._output.go_on(stream)

    def _command(self, letter: bytes) -> None:
        if not self.done.done():
            with suppress(OSError):  # the guard has just ended: its report is on the way
                self._channel.send(letter)

    def _fail(self, error: Exception) -> None:
        """Nobody takes the output any more: end the job, and let who waits for it know."""
        self._failure = self._failure or error
        self._command(KILL)

    def _receive(self) -> None:
        try:
            data = self._channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._line += data
        report = Report.from_bytes(self._line)
        if report is not None or not data:
            self._finish(report)

    def _finish(self, report: Report | None) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self._output.drain()
        self._channel.close()
        if self._failure is not None:
            self.done.set_exception(self._failure)
        elif report is None or report.ending == "lost":
            self.done.set_result(Exit(None, None, 0.0, 0.0, 0, lost=self._why_lost(report)))
        else:
            self.done.set_result(exit_of(report))

    def _why_lost(self, report: Report | None) -> str:
        if report is None:
            return "Its guard is gone and left no report."
        complaint = self._zygote.complaint()
        return f"The process that watched it failed: {complaint}" if complaint else "It killed its guard."


_encoded = lru_cache(maxsize=4096)(os.fsencode)  # steps have most of their variables in common


def request_of(job: Job) -> Request:
    """A job as its guard hears of it."""
    return Request(
        os.fsencode(job.script),
        [os.fsencode(argument) for argument in job.argv],
        os.fsencode(job.cwd),
        {_encoded(name): _encoded(value) for name, value in job.env.items()},
        job.memory or 0,
    )


def exit_of(report: Report) -> Exit:
    """What a guard's report says."""
    return Exit(
        code=report.status if report.status >= 0 else None,
        signal=-report.status if report.status < 0 else None,
        wall=report.wall,
        cpu=report.user + report.system,
        peak_bytes=report.peak,
        out_of_memory=report.ending == "memory",
    )
