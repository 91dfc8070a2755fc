"""Another machine as a backend: everything above a channel to the agent that works there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import (
    Backend,
    Capacity,
    Handle,
    Job,
    Offsets,
    Parcel,
    Phase,
    Sink,
    Tell,
    tell_nobody,
)
from nbpipe.compute.channel import Refused
from nbpipe.compute.detour import Detour
from nbpipe.compute.far_handle import FarHandle
from nbpipe.compute.line import Line, OpenChannel
from nbpipe.compute.lock import Lock
from nbpipe.compute.sending import Sender
from nbpipe.errors import NbpipeError

PATIENCE = 3600.0
"""Seconds for which a machine may be away before what runs there is given up."""

_BRIEF = 20.0  # seconds to wait for a line that was lost, for what somebody waits for in front of a screen
_ENVIRONMENT_WAIT = 10.0  # seconds an answer may take while an environment is made
_SENT_AGAIN = 3  # times that objects are sent which were removed there before the job began


class FarBackend(Backend):
    """Runs jobs through an agent on another machine (`nbpipe.compute.agent`), which sees none of our files.

    When the channel breaks, jobs go on, and it is opened again for as long as there is patience: output,
    results and transfers go on where they were. Nothing is connected before the first question.

    Args:
        name: how the target is called, in messages.
        open_channel: opens a channel to the agent; raises `NbpipeError` or `OSError` where it does not succeed.
        patience: seconds for which the machine may be away before jobs there are given up.
        outlives: the agent and its jobs go on when this process ends.
        remedy: what to do when the machine does not answer.

    Example::

        backend = FarBackend("gpu-box", open_channel)
        handle = await backend.start(job, lambda stream, data: log.write(data), print)
        ended = await handle.wait()
        await handle.collect(folder)
        await handle.forget({})
        await backend.aclose()
    """

    shares_files = False

    def __init__(
        self,
        name: str,
        open_channel: OpenChannel,
        *,
        patience: float = PATIENCE,
        outlives: bool = True,
        remedy: str | None = None,
    ) -> None:
        self.name = name
        self.outlives = outlives
        self._line = Line(name, open_channel, patience, remedy)
        self._detour = Detour(self._line, self._see_to)
        self._sender = Sender(self._line, self._detour)
        self._handles: set[FarHandle] = set()
        self._chores: set[asyncio.Task[None]] = set()

    async def probe(self) -> Capacity:
        """What the machine has; see `Backend.probe`."""
        told, _ = await self._line.ask("hello", {}, patience=_BRIEF)
        return Capacity(
            cpus=int(told["cpus"]),
            memory=int(told["memory"]),
            gpus=int(told.get("gpus") or 0),
            disk=told.get("disk"),
            python=str(told["python"]),
            machine=str(told["machine"]),
        )

    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        """What a script prints there; see `Backend.run_script`."""
        told = {"python": python, "env": dict(env), "text": script.read_text("utf-8")}
        _, printed = await self._line.ask("script", told, patience=_BRIEF)
        return printed

    async def resolve(self, python: str, packages: Sequence[str], version: str = "") -> Lock:
        """A lock as the machine resolves it; see `Backend.resolve`."""
        told = {"token": secrets.token_hex(8), "python": python, "packages": [*packages], "version": version}
        while True:
            answer, _ = await self._line.ask("lock", {**told, "wait": _ENVIRONMENT_WAIT})
            if answer:
                return Lock.from_json(answer)

    async def make_environment(self, lock: Lock, tell: Tell = tell_nobody) -> str:
        """An environment over there; see `Backend.make_environment`."""
        told = {"python": lock.python, "version": lock.version, "lines": [*lock.lines], "wait": 0.0}
        while True:
            answer, _ = await self._line.ask("environment", told)
            if answer["python"]:
                return str(answer["python"])
            count = "1 package" if len(lock.lines) == 1 else f"{len(lock.lines)} packages"
            tell(Phase("preparing", self._line.machine, f"an environment with {count}"))
            told["wait"] = _ENVIRONMENT_WAIT

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Send what is missing and start a process; see `Backend.start`."""
        announcer = self._announcer(tell)
        try:
            await self._line.channel()
            await self._admit(job, announcer)
            await self._sent_and_started(job, sink, announcer)
        except BaseException:
            self._line.leave(announcer)
            raise
        return self._follow(job, sink, announcer, {})

    async def attach(
        self, job: Job, sink: Sink, tell: Tell = tell_nobody, offsets: Offsets | None = None
    ) -> Handle | None:
        """Take up a job that runs there, or has ended; see `Backend.attach`."""
        announcer = self._announcer(tell)
        told = {"attempt": job.attempt_id, "offsets": dict(offsets or {}), "wait": 0, "most": 1}
        try:
            await self._line.ask("read", told)
        except Refused as error:
            self._line.leave(announcer)
            if error.kind == "unknown":
                return None
            raise
        except BaseException:
            self._line.leave(announcer)
            raise
        return self._follow(job, sink, announcer, offsets or {})

    async def aclose(self) -> None:
        """Let go of the machine; see `Backend.aclose`."""
        for handle in tuple(self._handles):
            if not self.outlives:
                await handle.cancel(0.0)
            await handle.let_go()
        for chore in tuple(self._chores):
            chore.cancel()
        if self._chores:
            await asyncio.wait(self._chores)
        await self._line.aclose()

    async def _admit(self, job: Job, announcer: Announcer) -> None:
        """Wait until the job may have the machine: for a kind of target with a queue."""

    def _announcer(self, tell: Tell) -> Announcer:
        announcer = Announcer(tell)
        self._line.listen(announcer)
        if not self._line.up:
            announcer.phase(Phase("connecting", self.name))
        return announcer

    def _follow(self, job: Job, sink: Sink, announcer: Announcer, offsets: Offsets) -> FarHandle:
        handle = FarHandle(self._line, job, sink, announcer, offsets, self._see_to, self._sender.offer)
        self._handles.add(handle)
        handle.done.add_done_callback(lambda _: self._handles.discard(handle))
        return handle

    async def _sent_and_started(self, job: Job, sink: Sink, announcer: Announcer) -> None:
        parcel = job.parcel or Parcel()
        objects = {placed.digest: parcel.objects[placed.digest] for placed in parcel.files.values()}
        for tries_left in reversed(range(_SENT_AGAIN)):
            await self._sender.send(objects, announcer, parcel.depots, (job.python, ""))
            for text in self._detour.news():
                sink("stderr", f"[nbpipe: {text}]\n".encode())
            announcer.phase(Phase("preparing", self._line.machine))
            starting = asyncio.ensure_future(self._line.ask("start", _order(job, parcel)))
            try:
                await asyncio.shield(starting)
                return
            except asyncio.CancelledError:
                self._see_to(self._undo(starting, job.attempt_id))
                raise
            except Refused as error:
                if error.kind != "missing" or not tries_left:
                    raise

    async def _undo(self, starting: asyncio.Future[Any], attempt_id: str) -> None:
        """End a job whose start was not waited for."""
        await asyncio.wait({starting})
        if not starting.cancelled() and starting.exception() is None:
            await self._line.ask("cancel", {"attempt": attempt_id, "grace": 0.0})

    def _see_to(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for, while the backend is open."""
        task = asyncio.ensure_future(_quietly(chore))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


async def _quietly(chore: Coroutine[Any, Any, None]) -> None:
    try:
        await chore
    except NbpipeError:
        return  # nobody waits for it, and whoever asks for the machine next hears the same


def _order(job: Job, parcel: Parcel) -> dict[str, Any]:
    """What the agent is told of a job."""
    files = {path: [placed.digest, placed.mode, placed.link] for path, placed in parcel.files.items()}
    return {
        "attempt": job.attempt_id,
        "parcel": {
            "files": files,
            "folders": list(parcel.folders),
            "links": dict(parcel.links),
            "results": list(parcel.results),
        },
        "request": {
            "python": job.python,
            "script": job.script,
            "argv": list(job.argv),
            "cwd": str(job.cwd),
            "env": dict(job.env),
            "memory": job.memory,
        },
        "place": job.place,
    }
