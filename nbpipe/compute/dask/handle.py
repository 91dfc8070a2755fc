"""A job on a Dask cluster: it waits for a worker, runs on one, and is begun again where that one is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from distributed import KilledWorker

from nbpipe.compute.base import (
    Backend,
    Collected,
    Exit,
    Handle,
    Job,
    Moved,
    Offer,
    Offsets,
    Phase,
    Put,
    Sink,
    Tell,
)
from nbpipe.compute.dask.cluster import Cluster, Place, SchedulerGone, Slot, SlotTakenBack
from nbpipe.compute.far_handle import FarHandle
from nbpipe.compute.lock import Lock
from nbpipe.errors import NbpipeError

_AWAY = 4.0  # seconds in which the scheduler sees that a worker is gone
_LOOK = 0.5  # seconds between two looks why a job waits
_STOPPED = Exit(None, signal.SIGTERM, 0.0, 0.0, 0)  # before it began


class DaskHandle(Handle):
    """A job that waits for a worker, runs on one, or is begun again on another.

    Its slot is given back when it has ended and what it left is here: a cluster that shrinks ends no worker
    that still has results.

    Args:
        cluster: the connection to the scheduler.
        on: gives the backend of a worker.
        job: what is to be started.
        resources: what it wants of its worker, as Dask counts it.
        sink: takes its output.
        tell: hears where it stands.
        lock: of the environment that it runs in, made where it comes to be; None for an interpreter that is there.
    """

    def __init__(
        self, cluster: Cluster, on: Callable[[str], Backend], job: Job, resources: Mapping[str, float],
        sink: Sink, tell: Tell, lock: Lock | None = None,
    ) -> None:  # fmt: skip
        self._cluster = cluster
        self._on = on
        self._job = job
        self._resources = resources
        self._sink = sink
        self._tell = tell
        self._lock = lock
        self._slot: Slot | None = None
        self._place: Place | None = None
        self._worker = ""
        self._inner: Handle | None = None
        self._cancelled = asyncio.Event()
        self._grace = 0.0
        loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Task[Exit] = loop.create_task(self._run())

    async def begin(self) -> None:
        """Wait until the job waits in the queue, or runs.

        Raises:
            NbpipeError: it cannot be started.
        """
        waited: set[asyncio.Future[Exit] | asyncio.Future[None]] = {self._begun, self.done}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self.done.done():
            self.done.result()

    async def followed(self, sink: Sink, tell: Tell, offsets: Offsets | None) -> Handle:
        """One more that takes its output, or the job itself while it waits for a worker."""
        if self._inner is None:
            return self
        found = await self._on(self._worker).attach(self._job, sink, tell, offsets)
        return self if found is None else found

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`."""
        self._grace = grace
        self._cancelled.set()
        if self._inner is not None and not self.done.done():
            await self._inner.cancel(grace)
        await asyncio.wait({self.done})
        self._let_go()

    async def collect(self, into: Path) -> Collected:
        """See `Handle.collect`."""
        if self._inner is None:
            return Collected()
        try:
            collected = await self._inner.collect(into)
            self._leave_slot()
            return collected
        except ConnectionError as error:
            raise NbpipeError(
                f"{self._cluster.name}: the worker {self._worker} was lost, and with it what the step made.",
                place=str(error).splitlines()[0],
                remedy="Run again: the step begins anew.",
            ) from error
        finally:
            self._let_go()

    async def forget(self, kept: Mapping[str, str]) -> None:
        """See `Handle.forget`."""
        self._let_go()
        if self._inner is not None:
            with suppress(NbpipeError):  # its worker is gone, and all it held with it
                await self._inner.forget(kept)

    async def put(self, offer: Offer, moved: Moved) -> Put:
        """See `Handle.put`; a worker that is gone puts nothing."""
        if self._inner is not None:
            with suppress(NbpipeError):
                return await self._inner.put(offer, moved)
        return Put()

    def _leave_slot(self) -> None:
        """Let the next step have the slot, since this one ended well."""
        if self._slot is not None and self._place is not None:
            self._cluster.leave(self._slot, self._place)
            self._slot = None

    def _let_go(self) -> None:
        if self._slot is not None:
            self._cluster.release(self._slot)
            self._slot = None

    async def _run(self) -> Exit:
        brings = self._job.parcel is not None and self._job.parcel.results
        ended = None
        try:
            ended = await self._ran_somewhere(await self._claimed())
        except SchedulerGone as error:
            await self._leave()
            return Exit(None, None, 0.0, 0.0, 0, lost=f"{error.fact} {error.remedy}")
        finally:
            if ended is None or ended.lost or self._cancelled.is_set():
                self._let_go()
            elif not brings:
                self._leave_slot()
        return ended

    async def _claimed(self) -> Slot:
        """Ask for a slot, in the place of any that there was."""
        self._let_go()
        self._slot = await self._cluster.claim(self._job.attempt_id, self._resources)
        return self._slot

    async def _ran_somewhere(self, slot: Slot) -> Exit:
        while True:
            while (place := await self._placed(slot)) is None:
                if self._cancelled.is_set():
                    return _STOPPED
                slot = await self._claimed()
            try:
                ended = await self._ran_on(place, slot)
            except SlotTakenBack:
                if self._cancelled.is_set():
                    return _STOPPED
                slot = await self._claimed()
                continue
            if self._cancelled.is_set():
                return ended
            if ended.signal == signal.SIGKILL and await self._was_taken_back(slot):
                await self._begin_anew(
                    f"Dask took back its slot on the worker {place.worker}", "its slot was taken back"
                )
            elif not ended.lost or (slot.places.empty() and not await self._is_gone(place.worker)):
                return ended
            elif place.worker in self._cluster.out_of_memory:
                told = f"the worker {place.worker} was ended, since it had more memory than it may"
                await self._begin_anew(told, "its worker ran out of memory")
            else:
                await self._begin_anew(f"the worker {place.worker} was lost", "its worker was lost")

    async def _placed(self, slot: Slot) -> Place | None:
        """Where a slot is, as soon as it is somewhere; None when the job was cancelled before, or the slot taken back.

        Raises:
            SchedulerGone: the scheduler is.
            NbpipeError: too many workers were lost under it.
        """
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        placed = asyncio.ensure_future(slot.places.get())
        try:
            while True:
                waiting = asyncio.wait(
                    {placed, cancelled}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                await self._cluster.or_gone(waiting)
                if cancelled.done():
                    return None
                if placed.done():
                    return placed.result()
                if slot.task.status == "error":
                    raise await self._refused(slot)
                if slot.task.done():  # as when somebody restarts the cluster
                    return None
                self._tell(Phase("queued", why=self._why()))
                self._has_begun()
        finally:
            cancelled.cancel()
            placed.cancel()

    async def _refused(self, slot: Slot) -> NbpipeError:
        """Why there is no slot, and will be none."""
        error = await slot.task.exception()
        if isinstance(error, KilledWorker):
            return NbpipeError(
                f"{self._cluster.name}: several workers were lost while they ran this step.",
                remedy="It may need more memory than a worker has.",
            )
        told = f"{type(error).__name__}: {error}"
        return NbpipeError(f"{self._cluster.name}: Dask gives this step no slot.", place=told[:300])

    def _why(self) -> str:
        """What the job waits for."""
        workers = self._cluster.workers.values()
        if not workers:
            return "no worker"
        if any(_has(worker, self._resources) for worker in workers):
            return "all workers are busy"
        return f"no worker with {', '.join(f'{name} {count:g}' for name, count in self._resources.items())}"

    def _has_begun(self) -> None:
        if not self._begun.done():
            self._begun.set_result(None)

    async def _ran_on(self, place: Place, slot: Slot) -> Exit:
        """The job's end on one worker, unless its slot comes to be on another."""
        self._place, self._worker = place, place.worker
        running = asyncio.ensure_future(self._started_and_ended(place))
        moved = asyncio.ensure_future(slot.places.get())
        try:
            waiting = asyncio.wait({running, moved}, return_when=asyncio.FIRST_COMPLETED)
            await self._cluster.or_gone(waiting)
            if running.done():
                return running.result()
            return Exit(None, None, 0.0, 0.0, 0, lost=f"The worker {place.worker} is gone.")
        finally:
            running.cancel()
            if moved.done():
                slot.places.put_nowait(moved.result())
            moved.cancel()

    async def _started_and_ended(self, place: Place) -> Exit:
        try:
            self._inner = await self._started(place)
        except NbpipeError as error:
            if isinstance(error, ConnectionError) and await self._is_gone(place.worker):
                return Exit(None, None, 0.0, 0.0, 0, lost=error.fact)
            raise
        self._has_begun()
        if self._inner is None:
            return _STOPPED
        if self._cancelled.is_set():
            await self._inner.cancel(self._grace)
        return await self._inner.wait()

    async def _started(self, place: Place) -> Handle | None:
        """The job on its worker; None when it was cancelled before it began there."""
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        starting = asyncio.ensure_future(self._begun_on(place))
        try:
            await asyncio.wait({starting, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                return starting.result()
        finally:
            cancelled.cancel()
            starting.cancel()
        await asyncio.wait({starting})
        # Whether it began, its worker alone knows.
        return await self._on(place.worker).attach(self._job, self._sink)

    async def _begun_on(self, place: Place) -> Handle:
        job, backend, tell = self._job, self._on(place.worker), self._on_worker(place.worker)
        if place.gpus:
            job = replace(job, env={**job.env, "CUDA_VISIBLE_DEVICES": ",".join(place.gpus)})
        if self._lock is not None:
            job = replace(job, python=await backend.make_environment(self._lock, tell))
        return await backend.start(job, self._sink, tell)

    def _on_worker(self, worker: str) -> Tell:
        """A listener that hears which worker it is, and no word of the line to it."""
        name = str(self._cluster.workers.get(worker, {}).get("name") or worker)

        def tell(phase: Phase) -> None:
            if phase.name not in ("connecting", "away") and worker == self._worker:
                self._tell(replace(phase, where=name))

        return tell

    async def _is_gone(self, worker: str) -> bool:
        """Whether a worker has left its cluster; it may take the scheduler a moment to see it."""
        for _ in range(int(_AWAY / _LOOK)):
            if worker not in self._cluster.workers:
                return True
            await self._cluster.or_gone(asyncio.sleep(_LOOK))
        return worker not in self._cluster.workers

    async def _was_taken_back(self, slot: Slot) -> bool:
        """Whether a slot was taken back under its job, which was ended for it: somebody restarts the cluster.

        Raises:
            SchedulerGone: the scheduler is; a worker that loses it ends what it runs.
        """
        await self._cluster.assure()
        return bool(slot.task.done())

    async def _leave(self) -> None:
        """Follow nothing any more on a worker that is gone."""
        inner, self._inner, self._worker = self._inner, None, ""
        if isinstance(inner, FarHandle):
            await inner.let_go()

    async def _begin_anew(self, fact: str, why: str) -> None:
        """Leave a worker, and say why."""
        await self._leave()
        self._sink("stderr", f"[nbpipe: {fact}; the step begins anew]\n".encode())
        self._tell(Phase("queued", why=why, anew=True))


def _has(worker: Mapping[str, Mapping[str, float]], resources: Mapping[str, float]) -> bool:
    """Whether a worker has so much in all."""
    return all(worker["resources"].get(name, 0) >= count for name, count in resources.items())
