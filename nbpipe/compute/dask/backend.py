"""A Dask cluster as a backend: Dask places jobs, the agents of its workers run them."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from nbpipe.compute.base import (
    Backend,
    Capacity,
    Handle,
    Job,
    Offsets,
    Phase,
    Sink,
    Tell,
    tell_nobody,
)
from nbpipe.compute.channel import Channel
from nbpipe.compute.dask.cluster import Cluster, Place, Slot
from nbpipe.compute.dask.handle import DaskHandle
from nbpipe.compute.dask.worker_channel import WorkerChannel
from nbpipe.compute.far import FarBackend
from nbpipe.compute.lock import Lock
from nbpipe.errors import NbpipeError, UsageError

Answered = TypeVar("Answered")

_AWAY = 4.0  # seconds for which a worker may be away before its job is begun elsewhere
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
        memory: the Dask resource that counts bytes of memory, where workers declare one.
        direct: workers are spoken with directly, or through the scheduler; None to find out.

    Example::

        backend = DaskBackend("cluster", "tcp://10.0.0.5:8786")
    """

    def __init__(
        self, name: str, address: str, tls: Mapping[str, Any] | None = None, *, memory: str | None = None,
        direct: bool | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._memory = memory
        self._cluster = Cluster(name, address, tls or {}, direct=direct)
        self._workers: dict[str, FarBackend] = {}
        self._handles: dict[str, DaskHandle] = {}
        self._locks: dict[str, Lock] = {}

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
        return await self._somewhere(lambda worker: worker.run_script(python, script, env))

    async def resolve(self, python: str, packages: Sequence[str], version: str = "") -> Lock:
        """As one of the workers resolves it for all; see `Backend.resolve`."""
        return await self._somewhere(lambda worker: worker.resolve(python, packages, version))

    async def make_environment(self, lock: Lock, tell: Tell = tell_nobody) -> str:
        """What stands for its interpreter: the worker that gets a job with it makes it there, once."""
        del tell
        name = f"nbpipe-environment-{hashlib.sha256(repr(lock).encode()).hexdigest()[:16]}"
        self._locks[name] = lock
        return name

    async def _somewhere(self, ask: Callable[[FarBackend], Awaitable[Answered]]) -> Answered:
        """What a worker answers; some clusters grow when asked.

        Raises:
            NbpipeError: there is none, and comes none.
        """
        await self._cluster.client()
        with suppress(ConnectionError):  # it has just left, as those of clusters that shrink do
            if self._cluster.workers:
                return await ask(self._on(next(iter(self._cluster.workers))))
        slot = await self._cluster.claim(f"look-{secrets.token_hex(8)}", {})
        try:
            place = await self._brought(slot)
            return await ask(self._on(place.worker))
        finally:
            self._cluster.release(slot)

    async def _brought(self, slot: Slot) -> Place:
        try:
            async with asyncio.timeout(_BRINGING):
                place: Place = await self._cluster.or_gone(slot.places.get())
        except TimeoutError:
            remedy = f"dask worker {self._cluster.address}"
            raise NbpipeError(f"{self.name} has no worker.", remedy=remedy) from None
        return place

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Claim a slot and start the job where it is; see `Backend.start`."""
        if job.nodes > 1:
            raise UsageError(f"{self.name}: a step on Dask has one machine, not {job.nodes}.")
        if (known := await self.attach(job, sink, tell)) is not None:
            return known
        tell(Phase("connecting", self.name))
        handle = DaskHandle(
            self._cluster, self._on, job, self._resources(job), sink, tell, self._locks.get(job.python)
        )
        self._handles[job.attempt_id] = handle
        try:
            await handle.begin()
        except BaseException:
            del self._handles[job.attempt_id]
            await handle.cancel(0.0)
            raise
        return handle

    async def attach(
        self, job: Job, sink: Sink, tell: Tell = tell_nobody, offsets: Offsets | None = None
    ) -> Handle | None:
        """Follow one that was started here, too; others end with whoever started them."""
        known = self._handles.get(job.attempt_id)
        return None if known is None else await known.followed(sink, tell, offsets)

    def _resources(self, job: Job) -> dict[str, float]:
        """What Dask counts of what a job wants."""
        wanted = {"GPU": float(job.gpus)} if job.gpus else {}
        return {**wanted, self._memory: float(job.memory)} if self._memory and job.memory else wanted

    def _on(self, worker: str) -> FarBackend:
        if worker not in self._workers:

            async def open_channel() -> Channel:
                return WorkerChannel(self._cluster, worker)

            self._workers[worker] = FarBackend(self.name, open_channel, patience=_AWAY, outlives=False)
        return self._workers[worker]

    async def aclose(self) -> None:
        """End what is left, and leave the cluster."""
        await asyncio.gather(*(handle.cancel(0.0) for handle in self._handles.values()))
        for backend in self._workers.values():
            await backend.aclose()
        await self._cluster.aclose()


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
