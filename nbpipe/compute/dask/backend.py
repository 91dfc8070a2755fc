"""A Dask cluster as a backend: Dask places jobs, the agents of its workers run them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbpipe.compute.base import (
    Backend,
    Capacity,
    Collected,
    Exit,
    Handle,
    Job,
    Phase,
    Sink,
    Tell,
    tell_nobody,
)
from nbpipe.compute.channel import Channel
from nbpipe.compute.dask.cluster import Cluster, SchedulerGone
from nbpipe.compute.far import FarBackend
from nbpipe.errors import NbpipeError, UsageError

_AWAY = 4.0  # seconds for which a worker may be away before its job is begun elsewhere
_LOOK = 0.5  # seconds between two looks why a job waits
_BRINGING = 120.0  # seconds in which a cluster that grows when asked has a first worker


class DaskBackend(Backend):
    """Runs jobs on the workers of a Dask cluster.

    A small task claims a slot and tells which worker has it; the job itself is a process of that worker's agent,
    spoken to directly. So nothing of a step is ever a result of Dask's: one that has finished is never run again.
    When a worker is lost, Dask places the claim elsewhere, and the job begins there anew.

    Args:
        name: how the target is called, in messages.
        address: of the scheduler.
        tls: settings of `distributed.Security`, by name.

    Example::

        backend = DaskBackend("cluster", "tcp://10.0.0.5:8786")
    """

    def __init__(self, name: str, address: str, tls: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._cluster = Cluster(name, address, tls or {})
        self._workers: dict[str, FarBackend] = {}
        self._handles: set[DaskHandle] = set()

    async def probe(self) -> Capacity:
        """What all workers have together; see `Backend.probe`."""
        await self._cluster.client()
        workers = self._cluster.workers.values()
        python = ""
        if workers:
            python = (await self._on(next(iter(self._cluster.workers))).probe()).python
        return Capacity(
            cpus=sum(int(each["nthreads"]) for each in workers),
            memory=sum(int(each["memory_limit"] or 0) for each in workers),
            gpus=int(sum(each["resources"].get("GPU", 0) for each in workers)),
            python=python,
            machine=await self._described(),
        )

    async def _described(self) -> str:
        """How many workers there are, and which versions differ from those here."""
        client = await self._cluster.client()
        count = len(self._cluster.workers)
        told = f"{count} worker{'' if count == 1 else 's'}"
        with suppress(Exception):  # what cannot be compared is not told
            versions: Any = client.get_versions(check=False)
            differing = differing_versions(await versions)
            return f"{told} ({differing})" if differing else told
        return told

    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        """Run it on a worker; see `Backend.run_script`."""
        await self._cluster.client()
        if self._cluster.workers:
            return await self._on(next(iter(self._cluster.workers))).run_script(python, script, env)
        task, queue = await self._cluster.claim(
            f"nbpipe-look-{id(script)}", {}
        )  # some clusters grow when asked
        try:
            worker = await self._cluster.or_gone(asyncio.wait_for(queue.get(), _BRINGING))
        except TimeoutError:
            await self._cluster.withdraw(task.key, task)
            raise NbpipeError(
                f"{self.name} has no worker.", remedy=f"dask worker {self._cluster.address}"
            ) from None
        try:
            return await self._on(worker).run_script(python, script, env)
        finally:
            await self._cluster.release(task.key, task, worker)

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Claim a slot and start the job where it is; see `Backend.start`."""
        if job.nodes > 1:
            raise UsageError(f"{self.name}: a step on Dask has one machine, not {job.nodes}.")
        tell(Phase("connecting", self.name))
        handle = DaskHandle(self._cluster, self._on, job, sink, tell)
        await handle.begin()
        self._handles.add(handle)
        handle.done.add_done_callback(lambda _: self._handles.discard(handle))
        return handle

    def _on(self, worker: str) -> FarBackend:
        if worker not in self._workers:

            async def open_channel() -> Channel:
                return self._cluster.channel(worker)

            self._workers[worker] = FarBackend(self.name, open_channel, patience=_AWAY, outlives=False)
        return self._workers[worker]

    async def aclose(self) -> None:
        """End what is left, and leave the cluster."""
        for handle in tuple(self._handles):
            await handle.cancel(0.0)
        for backend in self._workers.values():
            await backend.aclose()
        await self._cluster.aclose()


class DaskHandle(Handle):
    """A job that waits for a worker, runs on one, or is begun again on another.

    Args:
        cluster: the connection to the scheduler.
        on: gives the backend of a worker.
        job: what is to be started.
        sink: takes its output.
        tell: hears where it stands.
    """

    def __init__(
        self, cluster: Cluster, on: Callable[[str], FarBackend], job: Job, sink: Sink, tell: Tell
    ) -> None:
        self._cluster = cluster
        self._on = on
        self._job = job
        self._sink = sink
        self._tell = tell
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
        waited: set[asyncio.Future[Any]] = {self._begun, self.done}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self.done.done():
            self.done.result()

    async def wait(self) -> Exit:
        """See `Handle.wait`."""
        return await asyncio.shield(self.done)

    async def cancel(self, grace: float) -> None:
        """See `Handle.cancel`."""
        self._grace = grace
        self._cancelled.set()
        if self._inner is not None:
            await self._inner.cancel(grace)
        await asyncio.wait({self.done})

    async def collect(self, into: Path) -> Collected:
        """See `Handle.collect`."""
        return await self._inner.collect(into) if self._inner is not None else Collected()

    async def forget(self, kept: Mapping[str, str]) -> None:
        """See `Handle.forget`; the slot is given back when the job has ended."""
        if self._inner is not None:
            with suppress(NbpipeError):  # its worker is gone, and all it held with it
                await self._inner.forget(kept)

    async def _run(self) -> Exit:
        key = self._job.attempt_id
        task, queue = await self._cluster.claim(key, self._resources())
        try:
            while True:
                worker = await self._placed(task, queue)
                if not worker:
                    return Exit(None, signal.SIGTERM, 0.0, 0.0, 0)
                ended = await self._ran_on(worker)
                if ended.signal == signal.SIGKILL and not self._cancelled.is_set():
                    await self._cluster.assure()  # a worker that loses its scheduler ends what it runs
                if not ended.lost or self._cancelled.is_set() or not await self._is_gone(worker):
                    return ended
                self._say_lost(worker)
        except SchedulerGone as error:
            return Exit(None, None, 0.0, 0.0, 0, lost=f"{error.fact} {error.remedy}")
        finally:
            await (
                self._cluster.release(key, task, self._worker)
                if self._worker
                else self._cluster.withdraw(key, task)
            )

    def _resources(self) -> dict[str, float]:
        return {"GPU": float(self._job.gpus)} if self._job.gpus else {}

    async def _placed(self, task: Any, queue: asyncio.Queue[str]) -> str:
        """The worker that has the slot, as soon as one has; empty when the job was cancelled before.

        Raises:
            SchedulerGone: the scheduler is.
            NbpipeError: too many workers were lost under it.
        """
        cancelled: asyncio.Future[Any] = asyncio.ensure_future(self._cancelled.wait())
        placed: asyncio.Future[Any] = asyncio.ensure_future(queue.get())
        try:
            while True:
                waiting = asyncio.wait(
                    {placed, cancelled}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                await self._cluster.or_gone(waiting)
                if cancelled.done():
                    return ""
                if placed.done():
                    self._worker = str(placed.result())
                    return self._worker
                if task.status == "error":
                    raise NbpipeError(
                        f"{self._cluster.name}: several workers were lost while they ran this step.",
                        remedy="It may need more memory than a worker has.",
                    )
                self._tell_waiting()
        finally:
            cancelled.cancel()
            placed.cancel()

    def _tell_waiting(self) -> None:
        workers = self._cluster.workers.values()
        fits = [each for each in workers if each["resources"].get("GPU", 0) >= self._job.gpus]
        why = (
            "all workers are busy"
            if fits
            else f"no worker with GPU {self._job.gpus}"
            if workers
            else "no worker"
        )
        self._tell(Phase("queued", why=why))
        if not self._begun.done():
            self._begun.set_result(None)

    async def _ran_on(self, worker: str) -> Exit:
        """The job's end on one worker."""
        tell = self._on_worker(worker)
        try:
            self._inner = await self._on(worker).start(self._job, self._sink, tell)
        except NbpipeError as error:
            if isinstance(error, ConnectionError) and await self._is_gone(worker):
                return Exit(None, None, 0.0, 0.0, 0, lost=error.fact)
            raise
        if not self._begun.done():
            self._begun.set_result(None)
        if self._cancelled.is_set():
            await self._inner.cancel(self._grace)
        ended: Exit = await self._cluster.or_gone(self._inner.wait())
        return ended

    def _on_worker(self, worker: str) -> Tell:
        """A listener that hears which worker it is, and no word of the line to it."""
        name = str(self._cluster.workers.get(worker, {}).get("name") or worker)

        def tell(phase: Phase) -> None:
            if phase.name not in ("connecting", "away"):
                self._tell(replace(phase, where=name))

        return tell

    async def _is_gone(self, worker: str) -> bool:
        """Whether a worker has left its cluster; it may take the scheduler a moment to see it."""
        for _ in range(int(_AWAY / _LOOK)):
            if worker not in self._cluster.workers:
                return True
            await self._cluster.or_gone(asyncio.sleep(_LOOK))
        return worker not in self._cluster.workers

    def _say_lost(self, worker: str) -> None:
        self._worker, self._inner = "", None
        text = f"[nbpipe: the worker {worker} was lost; the step begins anew on another one]\n"
        self._sink("stderr", text.encode())
        self._tell(Phase("queued", why="its worker was lost"))


def differing_versions(told: Mapping[str, Any]) -> str:
    """Which of Python and distributed are other versions on scheduler or workers than here, or empty.

    Example:
        >>> here = {"host": {"python": "3.11.7.final.0"}, "packages": {"distributed": "2026.8.0"}}
        >>> there = {"host": {"python": "3.10.1.final.0"}, "packages": {"distributed": "2026.8.0"}}
        >>> differing_versions({"client": here, "scheduler": here, "workers": {"tcp://a:1": there}})
        'python 3.11 here, 3.10 there'
    """
    ours = _versions(told["client"])
    found = []
    for what, version in ours.items():
        others = {_versions(each)[what] for each in (told["scheduler"], *told["workers"].values()) if each}
        if others - {version}:
            found.append(f"{what} {version} here, {', '.join(sorted(others - {version}))} there")
    return "; ".join(found)


def _versions(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        "python": ".".join(str(told["host"]["python"]).split(".")[:2]),
        "distributed": str(told["packages"]["distributed"]),
    }
