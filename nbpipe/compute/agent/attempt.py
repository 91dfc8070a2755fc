"""One job on this machine: its folder, its process, what it printed and how it ended."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbpipe.compute.agent.leavings import hold, is_held, remove_whole
from nbpipe.compute.agent.log import Log
from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.place import SPOOL, Place
from nbpipe.compute.agent.refusal import Refusal, working_in
from nbpipe.compute.base import Exit, Handle, Job, Stream
from nbpipe.compute.checked import check_job
from nbpipe.compute.forked import ForkedHandle, Zygotes

_LOOK = 0.1  # seconds between two looks at what a step's runtime records
_ASKED = 60.0  # seconds between two notes that somebody asked
_LOST = "The agent on this machine ended while it ran."
_STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


class Attempt:
    """A job, from its order to its end.

    Its folder holds ``held`` (locked while it runs), ``parcel.json``, ``place/`` (the job's own folder),
    ``stdout.*`` and ``stderr.*``, and at the end ``ended.json``; its environment stays in memory.

    Args:
        folder: the attempt's folder.
        parcel: what the job's folder holds.
        objects: what the machine keeps.
    """

    def __init__(self, folder: str, parcel: Mapping[str, Any], objects: Objects) -> None:
        self.folder = folder
        self.place = Place(os.path.join(folder, "place"), objects, parcel)
        self.ended: dict[str, Any] | None = None
        self._parcel = parcel
        self._logs: dict[Stream, Log] = {}
        self._handle: ForkedHandle | None = None
        self._news = asyncio.Event()
        self._held = -1
        self._asked = float("-inf")

    @classmethod
    def found(cls, folder: str, objects: Objects) -> Attempt:
        """One that an earlier agent started; if nobody saw its end, it is lost.

        Raises:
            Refusal: its folder cannot be read, or another agent runs it.
        """
        with working_in(folder):
            with open(os.path.join(folder, "parcel.json"), encoding="ascii") as file:
                attempt = cls(folder, json.load(file), objects)
            attempt._logs = {stream: Log(folder, stream, writing=False) for stream in _STREAMS}
            try:
                with open(os.path.join(folder, "ended.json"), encoding="ascii") as file:
                    attempt.ended = json.load(file)
            except FileNotFoundError:
                if is_held(folder):
                    raise Refusal("refused", "Another agent on this machine runs it.") from None
                attempt._end(Exit(None, None, 0.0, 0.0, 0, lost=_LOST))
        return attempt

    async def start(self, order: Mapping[str, Any], zygotes: Zygotes) -> None:
        """Lay its folder out and start its process.

        Raises:
            NbpipeError: it cannot be started; nothing of it is left.
        """
        try:
            await asyncio.to_thread(self._lay_out)
            job = _job(order, self.place.root)
            python = check_job(job)
            self._handle = await zygotes.start(python, job, self._take)
            self._let_wait()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._let_go()
            raise
        self._watching = asyncio.ensure_future(self._watch(self._handle))

    def _lay_out(self) -> None:
        with working_in(self.folder):
            os.makedirs(self.folder, 0o700)
            self._held = hold(self.folder)
            _write(os.path.join(self.folder, "parcel.json"), self._parcel)
            self._logs = {stream: Log(self.folder, stream) for stream in _STREAMS}
        self.place.lay_out()

    def _take(self, stream: Stream, data: bytes) -> None:
        with working_in(self.folder):
            self._logs[stream].write(data)
        self._let_wait()
        self._news.set()

    def _let_wait(self) -> None:
        """Let the job wait with what it prints as long as too much of it is unread, for hours if need be."""
        if self._handle is not None and self.ended is None:
            for stream, log in self._logs.items():
                (self._handle.hold if log.full else self._handle.go_on)(stream)

    async def _watch(self, handle: Handle) -> None:
        try:
            ended = await handle.wait()
        except Exception as error:  # noqa: BLE001 - its log could not be written: that ended it
            ended = Exit(None, None, 0.0, 0.0, 0, lost=str(getattr(error, "fact", error)))
        self._end(ended)

    def _end(self, ended: Exit) -> None:
        for log in self._logs.values():
            log.close()
        told = asdict(ended)
        with suppress(OSError):  # no room: it is known here as long as this agent lives
            _write(os.path.join(self.folder, "ended.json"), told)
        self.ended = told
        self._let_go()
        self._news.set()

    def _let_go(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def asked_for(self) -> None:
        """Note that somebody wants to know of it, so that it is kept."""
        if time.monotonic() - self._asked > _ASKED:
            self._asked = time.monotonic()
            with suppress(OSError):
                os.utime(os.path.join(self.folder, "parcel.json"))

    async def read(self, offsets: Mapping[str, int], wait: float, most: int) -> tuple[dict[str, Any], bytes]:
        """What is new of its streams; where nothing is, after some seconds or as soon as something comes.

        Args:
            offsets: bytes of each stream that were read; what was is not kept for ever.
            wait: seconds.
            most: bytes in one answer.
        """
        if self.ended is None:
            for stream, log in self._logs.items():
                log.take(int(offsets.get(stream, 0)))
            self._let_wait()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            self._news.clear()
            ended = self.ended
            parts, data = self._new(offsets, most)
            if data or ended is not None or loop.time() >= deadline:
                # All that was printed before the end is read before the end is told.
                whole = len(data) < most
                return {"parts": parts, "ended": ended if whole else None}, data
            try:
                await asyncio.wait_for(self._news.wait(), min(_LOOK, max(deadline - loop.time(), 0.0)))
            except asyncio.TimeoutError:
                continue

    def _new(self, offsets: Mapping[str, int], most: int) -> tuple[list[Any], bytes]:
        parts: list[Any] = []
        found = b""
        for stream in (*_STREAMS, "spool"):
            wanted = max(int(offsets.get(stream, 0)), 0)
            while len(found) < most:
                start, data = self._read(stream, wanted, most - len(found))
                if not data:
                    break
                parts.append([stream, start, len(data)])
                found += data
                wanted = start + len(data)
        return parts, found

    def _read(self, stream: str, offset: int, most: int) -> tuple[int, bytes]:
        if stream != "spool":
            return self._logs[stream].read(offset, most)  # type: ignore[index]
        try:
            flags = (
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )  # a script may put anything there
            with open(os.open(os.path.join(self.place.root, SPOOL), flags), "rb", buffering=0) as file:
                file.seek(offset)
                return offset, file.read(most) or b""
        except OSError:
            return offset, b""

    async def cancel(self, grace: float) -> None:
        """End the process and all it started; see `Handle.cancel`."""
        if self._handle is not None and self.ended is None:
            await self._handle.cancel(grace)
            await asyncio.wait({self._watching})

    def remove(self, kept: Mapping[str, str]) -> None:
        """Keep some results as objects, and remove the rest."""
        with working_in(self.folder):
            self.place.adopt(kept)
            remove_whole(self.folder)


def _write(path: str, told: Any) -> None:
    """Write JSON that nobody sees half of."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with open(os.open(path + ".new", flags, 0o600), "w", encoding="ascii") as file:
        json.dump(told, file)
    os.replace(path + ".new", path)


def _job(order: Mapping[str, Any], place: str) -> Job:
    """The job of an order, its folder in the place of what stands for it."""
    request, token = order["request"], order.get("place") or ""

    def here(text: str) -> str:
        return text.replace(token, place) if token else text

    env = {name: value for name, value in os.environ.items() if not name.startswith("NBPIPE_")}
    env.update({name: here(value) for name, value in request["env"].items()})
    return Job(
        attempt_id=order["attempt"],
        python=here(request["python"]) or "python3",
        script=here(request["script"]),
        argv=tuple(map(here, request["argv"])),
        cwd=Path(here(request["cwd"])),
        env=env,
        memory=request["memory"],
    )
