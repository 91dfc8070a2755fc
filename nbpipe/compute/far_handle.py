"""A job on another machine, followed by asking its agent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import Collected, Exit, Handle, Job, Moved, Offer, Offsets, Phase, Put, Sink, Stream
from nbpipe.compute.collecting import Collector
from nbpipe.compute.line import Line, MachineAway
from nbpipe.errors import NbpipeError

_WAIT = 10.0  # seconds an answer may take when there is nothing to say
_MOST = 1 << 21  # bytes of output in one answer
_CANCEL_PATIENCE = 5.0  # seconds in which a machine that is away may come back to end a job


class FarHandle(Handle):
    """A job that runs, or has ended, over there.

    Args:
        line: the line to the machine.
        job: what was started.
        sink: takes its output.
        announcer: tells its phases.
        offsets: bytes of each stream that were taken already.
        see_to: does what nobody waits for.
        put: lets the machine put what it keeps into a depot.

    Attributes:
        done: how it ended.
    """

    def __init__(
        self,
        line: Line,
        job: Job,
        sink: Sink,
        announcer: Announcer,
        offsets: Offsets,
        see_to: Callable[[Coroutine[Any, Any, None]], None],
        put: Callable[[Offer, Sequence[str], Moved], Awaitable[Put]],
    ) -> None:
        self._line = line
        self._attempt_id = job.attempt_id
        self._results = job.parcel.results if job.parcel is not None else ()
        self._sink: Sink = sink
        self._announcer = announcer
        self._offsets: dict[Stream, int] = {"stdout": 0, "stderr": 0, "spool": 0, **offsets}
        self._see_to = see_to
        self._pythons = (job.python, "")
        self._put = put
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Exit] = loop.create_future()
        announcer.phase(Phase("running", line.machine))
        self._following = loop.create_task(self._follow())

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`.

        Where the machine is away, it is waited for a few seconds; then the job counts as lost, and is ended
        when the machine is back while this backend is open.
        """
        if self.done.done():
            return
        try:
            await self._end(grace, _CANCEL_PATIENCE)
        except MachineAway as error:
            self._see_to(self._end(grace))
            self._settle(_lost(f"{error.fact} The step is ended as soon as it does."))
            return
        await asyncio.wait({self.done})

    async def collect(self, into: Path) -> Collected:
        """See `Handle.collect`."""
        collector = Collector(self._line, self._attempt_id, self._results, self._announcer)
        self._line.listen(self._announcer)
        try:
            return await collector.collect(into)
        finally:
            self._line.leave(self._announcer)

    async def forget(self, kept: Mapping[str, str]) -> None:
        """See `Handle.forget`; a machine that is away keeps what it has until it tidies up by itself."""
        told = {"attempt": self._attempt_id, "kept": dict(kept)}
        try:
            await self._line.ask("forget", told, patience=_CANCEL_PATIENCE)
        except MachineAway:
            return

    async def put(self, offer: Offer, moved: Moved) -> Put:
        """See `Handle.put`."""
        return await self._put(offer, self._pythons, moved)

    async def let_go(self) -> None:
        """Follow it no longer."""
        self._following.cancel()
        await asyncio.wait({self._following})
        self._settle(_lost(f"nbpipe let go of {self._line.name} while it ran there."))

    async def _end(self, grace: float, patience: float | None = None) -> None:
        told = {"attempt": self._attempt_id, "grace": grace}
        await self._line.ask("cancel", told, patience=patience)

    async def _follow(self) -> None:
        try:
            ended = await self._read_to_the_end()
        except _SinkFailed as failed:
            await self._abandon()
            self._settle(failed.error)
        except MachineAway as error:
            self._settle(_lost(error.fact))
        except NbpipeError as error:
            if getattr(error, "kind", "") == "unknown":
                self._settle(_lost(f"The agent on {self._line.name} knows it no longer."))
            else:
                await self._abandon()
                self._settle(_lost(error.fact))
        else:
            lost = str(ended.pop("lost", ""))
            self._settle(Exit(**ended, lost=lost and f"{self._line.name}: {lost}"))

    async def _read_to_the_end(self) -> dict[str, Any]:
        """Hand on the output, one answer after the other, until it has ended; what is known of its end."""
        while True:
            told = {"attempt": self._attempt_id, "offsets": self._offsets, "wait": _WAIT, "most": _MOST}
            answer, data = await self._line.ask("read", told)
            self._take(answer, data)
            if answer.get("ended") is not None:
                return dict(answer["ended"])

    def _take(self, answer: Mapping[str, Any], data: bytes) -> None:
        """Hand on what is new of an answer; a stream that begins later than it was read has lost what is between."""
        start = 0
        for stream, offset, length in answer["parts"]:
            part, known = data[start : start + length], self._offsets[stream]
            start += length
            if offset > known and stream != "spool":
                self._hand_on(stream, _gap(offset - known, self._line.name))
            self._offsets[stream] = max(known, offset + length)
            if new := part[max(0, known - offset) :]:
                self._hand_on(stream, new)

    def _hand_on(self, stream: Stream, data: bytes) -> None:
        try:
            self._sink(stream, data)
        except Exception as error:
            raise _SinkFailed(error) from error

    async def _abandon(self) -> None:
        """End the job because nobody takes its output."""
        try:
            await self._end(0.0, _CANCEL_PATIENCE)
        except MachineAway:
            self._see_to(self._end(0.0))
        except NbpipeError:
            return

    def _settle(self, result: Exit | Exception) -> None:
        self._line.leave(self._announcer)
        self._following.cancel()
        if self.done.done():
            return
        if isinstance(result, Exit):
            self.done.set_result(result)
        else:
            self.done.set_exception(result)
            self.done.exception()  # who waits hears it; nobody has to


class _SinkFailed(Exception):
    """Nobody takes the output any more: it ends the job, and who waits hears why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _lost(why: str) -> Exit:
    return Exit(None, None, 0.0, 0.0, 0, lost=why)


def _gap(count: int, machine: str) -> bytes:
    return f"[nbpipe: {count} bytes of this output are no longer kept on {machine}]\n".encode()
