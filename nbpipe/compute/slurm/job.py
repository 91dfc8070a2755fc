"""One job of a SLURM cluster, followed through the folder that its keeper writes."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from nbpipe.compute.base import Exit, Handle, Offsets, Phase, Sink, Stream, Tell
from nbpipe.compute.forked import exit_of
from nbpipe.compute.slurm.queue import QueuedJob, SlurmQueue
from nbpipe.errors import NbpipeError
from nbpipe.platform import open_private
from nbpipe.runtime.wire import Report

LATE = 8.0
"""Seconds that a file may take to be seen from another machine."""

_LOOK = 0.03  # seconds between two looks at the folder
_ASK = 0.3  # seconds between two questions how a job ended
_CHUNK = 1 << 20  # bytes of a stream handed on at once
_OBEYED = 3.0  # seconds in which a keeper has killed everything, unless it cannot
_KEPT = 2**30  # bytes of a stream that stay in the folder for whoever reads from the beginning
_SAID_EACH = 8 * 2**20  # bytes after which the keeper hears what was taken

_ENDINGS = {
    "TIMEOUT": "SLURM ended it at its time limit.",
    "NODE_FAIL": "The machine it ran on failed.",
    "OUT_OF_MEMORY": "SLURM ended it for its memory.",
    "PREEMPTED": "SLURM ended it for another job.",
    "CANCELLED": "Somebody cancelled its job.",
    "BOOT_FAIL": "The machine for it did not start.",
    "DEADLINE": "SLURM ended it at its deadline.",
}
_NOT_BEGUN = (
    "Its job was cancelled before it began on {0}: by somebody, or by SLURM, which could not start it there; "
    "slurmd's log on {0} tells."
)


class SlurmHandle(Handle):
    """A job in the queue or on a machine.

    Args:
        queue: where it is.
        number: its number there.
        folder: its control folder.
        sink: takes its output.
        tell: hears where it stands.
        offsets: bytes of its output that were taken before.
    """

    def __init__(
        self, queue: SlurmQueue, number: str, folder: Path, sink: Sink, tell: Tell, offsets: Offsets
    ) -> None:
        self._queue = queue
        self._number = number
        self._folder = folder
        self._sink = sink
        self._tell = tell
        self._streams = [OutputRead(folder, "stdout", offsets), OutputRead(folder, "stderr", offsets)]
        self._phase: Phase | None = None
        self._cancelled = False
        self.done: asyncio.Task[Exit] = asyncio.create_task(self._watch())

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`."""
        self._cancelled = True
        if not self._machine():
            await self._queue.cancel(self._number)
            await asyncio.wait({self.done}, timeout=LATE)
        if grace > 0 and not self.done.done():
            await self._queue.signal(self._number, "USR1")
            await asyncio.wait({self.done}, timeout=grace)
        if not self.done.done():
            await self._queue.signal(self._number, "USR2")
            await asyncio.wait({self.done}, timeout=_OBEYED)
        while not self.done.done():
            await self._queue.cancel(self._number)
            await asyncio.wait({self.done}, timeout=LATE)

    def _machine(self) -> str:
        """The machine its keeper has begun on, or empty."""
        try:
            return (self._folder / "started").read_text("utf-8", "replace")
        except OSError:
            return ""

    async def _watch(self) -> Exit:
        gone: float | None = None
        try:
            while True:
                report = await asyncio.to_thread(self._report)
                taken = await self._hand_on()
                if report is not None and not taken:
                    return await self._ended(report)
                job = await self._queue.look(self._number)
                self._show(job)
                if report is None and (job is None or not job.open):
                    gone = gone or time.monotonic()
                    if self._cancelled or time.monotonic() - gone > LATE:
                        return self._ended_unseen(job)
                await asyncio.sleep(0 if taken else _LOOK)
        except Exception:
            await self._abandon()
            raise
        finally:
            self._queue.leave(self._number)

    async def _abandon(self) -> None:
        """End the job because nobody takes its output, and see that it is gone."""
        await self._queue.signal(self._number, "USR2")
        for _ in range(int(_OBEYED / _LOOK)):
            if self._report() is not None:
                break
            await asyncio.sleep(_LOOK)
        await self._queue.cancel(self._number)

    async def _hand_on(self) -> bool:
        """Give what is new to the sink; False when there is nothing."""
        anything = False
        for stream in self._streams:
            data = await asyncio.to_thread(stream.read)
            if data:
                self._sink(stream.name, data)
                anything = True
        if anything and any(stream.unsaid > _SAID_EACH for stream in self._streams):
            await asyncio.to_thread(self._say_taken)
        return anything

    def _say_taken(self) -> None:
        """Let the keeper know what was taken, and remove what nobody asks for any more."""
        text = " ".join(str(stream.offset) for stream in self._streams)
        place = self._folder / "taken"
        with open(
            open_private(place.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb"
        ) as file:
            file.write(text.encode())
        os.replace(place.with_suffix(".new"), place)
        for stream in self._streams:
            stream.said()

    def _report(self) -> Report | None:
        try:
            return Report.from_bytes((self._folder / "report").read_bytes())
        except OSError:
            return None

    def _show(self, job: QueuedJob | None) -> None:
        if job is None:
            return
        machine = self._machine()
        phase = Phase("running", job.nodes or machine) if machine else Phase("queued", why=job.reason)
        if phase != self._phase:
            self._phase = phase
            self._tell(phase)

    async def _ended(self, report: Report) -> Exit:
        """What its keeper reports; where a signal ended it or its guard, SLURM may have sent it, and knows why."""
        ended = _lost("It killed its guard.") if report.ending == "lost" else exit_of(report)
        killed = bool(ended.lost or ended.signal) and not ended.out_of_memory
        if killed and not self._cancelled:
            return replace(ended, lost=await self._ended_by_slurm() or ended.lost)
        return ended

    async def _ended_by_slurm(self) -> str:
        """Why SLURM ended it, which is known when its job has left the queue; empty where it did not."""
        with suppress(NbpipeError):
            for _ in range(int(LATE / _ASK)):
                job = await self._queue.ask(self._number)
                if job is None or not job.open:
                    return _ENDINGS.get(job.state, "") if job else ""
                await asyncio.sleep(_ASK)
        return ""

    def _ended_unseen(self, job: QueuedJob | None) -> Exit:
        if self._cancelled:
            return Exit(None, 15, 0.0, 0.0, 0)
        if job is None:
            return _lost("Its job is not in the queue any more.")
        if job.state == "CANCELLED" and job.nodes and not self._machine():
            return _lost(_NOT_BEGUN.format(job.nodes))
        why = f" ({job.reason})" if job.reason and job.reason != "NonZeroExitCode" else ""
        return _lost(_ENDINGS.get(job.state, f"Its job ended as {job.state}{why} and left no report."))


def _lost(why: str) -> Exit:
    return Exit(None, None, 0.0, 0.0, 0, lost=why)


class OutputRead:
    """One stream in the pieces its keeper writes, and how much of it was taken.

    Attributes:
        offset: bytes of the stream before what is read next.
    """

    def __init__(self, folder: Path, name: Stream, offsets: Offsets) -> None:
        self.name = name
        self._folder = folder
        begins = sorted(self._pieces()) or [0]
        self.offset = max(offsets.get(name, 0), begins[0])
        self._piece = max(begin for begin in begins if begin <= self.offset)
        self._sizes = {begin: end - begin for begin, end in pairwise(begins) if begin < self._piece}
        self._told = self.offset

    @property
    def unsaid(self) -> int:
        """Bytes taken since the keeper last heard of it."""
        return self.offset - self._told

    def read(self) -> bytes:
        """What is new, at most a chunk."""
        data = b""
        with suppress(OSError), open(self._file(self._piece), "rb") as file:
            file.seek(self.offset - self._piece)
            data = file.read(_CHUNK)
        self.offset += len(data)
        if data or self.offset == self._piece or not self._file(self.offset).exists():
            return data
        self._sizes[self._piece] = (
            self.offset - self._piece
        )  # the next one begins here: this one is read to its end
        self._piece = self.offset
        return self.read()

    def said(self) -> None:
        """Note that the keeper has heard; pieces beyond what is kept go."""
        self._told = self.offset
        while self._sizes and sum(self._sizes.values()) > _KEPT:
            oldest = min(self._sizes)
            self._file(oldest).unlink(missing_ok=True)
            del self._sizes[oldest]

    def _file(self, begin: int) -> Path:
        return self._folder / f"{self.name}.{begin}"

    def _pieces(self) -> list[int]:
        names = (path.name.rpartition(".") for path in self._folder.glob(f"{self.name}.*"))
        return [int(number) for _, _, number in names if number.isdigit()]
