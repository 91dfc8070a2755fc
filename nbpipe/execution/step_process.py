"""The process of one attempt: started on its target or taken up there, stopped, waited for within its time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from nbpipe.compute.base import Backend, Exit, Handle, Job, Sink, tell_nobody
from nbpipe.errors import NbpipeError
from nbpipe.execution.away import Away, Started
from nbpipe.execution.progress import Progress
from nbpipe.execution.workplace import Workplace

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL when a step is stopped."""

NEVER_BEGUN = Exit(None, None, 0.0, 0.0, 0, lost="it was stopped before it had begun")


class StepProcess:
    """One process, wherever it runs.

    Args:
        backend: of the target.
        job: what is started.
        place: where it works, or takes up an earlier attempt's work.
        sink: takes its output.
        progress: hears where it stands.
        limit: seconds it may run, or None; what it waits for on its target does not count.
        away: where it is written down, for a target on which it outlives its runner; else None.
        forced: an earlier attempt that still runs there is ended, not taken up.

    Attributes:
        stopped_by: who stopped it ("you", "time-out after 10 s"), or empty.
        timed_out: it took too long.
        handle: the process, once it is started.
        taken_up: it had been started by an earlier run.
    """

    def __init__(
        self, backend: Backend, job: Job, place: Workplace, sink: Sink, progress: Progress, *,
        limit: float | None = None, away: Away | None = None, forced: bool = False,
    ) -> None:  # fmt: skip
        self._backend = backend
        self._job = job
        self._place = place
        self._sink = sink
        self._progress = progress
        self._limit = limit
        self._away = away
        self._forced = forced
        self._starting: asyncio.Task[Handle] | None = None
        self.stopped_by = ""
        self.timed_out = False
        self.handle: Handle | None = None
        self.taken_up = False

    async def run(self) -> Exit:
        """Start it and wait for its end.

        Raises:
            NbpipeError: it cannot be started, or its target is gone for good.
        """
        if self.stopped_by:
            return NEVER_BEGUN
        self._starting = starting = asyncio.create_task(self._begin())
        await asyncio.wait({starting})
        if starting.cancelled():
            return await self._end_what_began()
        self.handle = handle = starting.result()
        await self._end_if_stopped(handle)
        return await self._wait(handle)

    async def _end_if_stopped(self, handle: Handle) -> None:
        if self.stopped_by:
            await handle.cancel(GRACE)

    async def stop(self, by: str) -> None:
        """End it and all it started."""
        self.stopped_by = self.stopped_by or by
        if self.handle is not None:
            await self.handle.cancel(GRACE)
        elif self._starting is not None and not self._backend.shares_files:
            self._starting.cancel()  # what is sent may take hours

    async def _begin(self) -> Handle:
        before = self._away.find() if self._away else None
        if before and (handle := await self._attach(before)):
            self.taken_up = True
            return handle
        if self._away:
            self._away.started(self._job.attempt_id, self._job.cwd, self._place.seen)
        handle = await self._backend.start(self._job, self._sink, self._progress.tell)
        self._progress.started()
        return handle

    async def _attach(self, before: Started) -> Handle | None:
        """An earlier attempt at the same, its output from the beginning; None where it is gone.

        One that is not wished for, or that reads what was touched meanwhile, is ended.
        """
        job, place = replace(self._job, attempt_id=before.attempt_id, cwd=before.cwd), self._place
        fits = not self._forced and await asyncio.to_thread(place.fits, before.cwd, before.seen)
        sink = self._sink if fits else lambda _stream, _data: None
        handle = await self._backend.attach(job, sink, self._progress.tell if fits else tell_nobody)
        if fits and handle is not None:
            await asyncio.to_thread(place.take_over, before.cwd)
            return handle
        if handle is not None:
            await handle.cancel(GRACE)
            await handle.wait()
            await handle.forget({})
        await asyncio.to_thread(place.clear_away, before.cwd)
        return None

    async def _end_what_began(self) -> Exit:
        """Whether it was started before its start was given up is known on its target alone."""
        with suppress(NbpipeError, TimeoutError):
            async with asyncio.timeout(GRACE):
                handle = await self._backend.attach(self._job, self._sink)
            if handle is not None:
                self.handle = handle
                await handle.cancel(GRACE)
                return await handle.wait()
        return NEVER_BEGUN

    async def _wait(self, handle: Handle) -> Exit:
        if self._limit is None:
            return await handle.wait()
        waiting = asyncio.create_task(handle.wait())
        begun = asyncio.create_task(self._progress.running.wait())
        await asyncio.wait({waiting, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        done, _ = await asyncio.wait({waiting}, timeout=self._limit)
        if not done:
            self.timed_out = not self.stopped_by
            self.stopped_by = self.stopped_by or f"time-out after {self._limit:g} s"
            await handle.cancel(GRACE)
        return await waiting
