"""The connection to a Dask scheduler: claims of slots, channels to the agents of workers, and what is there."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any

from distributed import Client, Security

from nbpipe.compute.agent.archive import archive
from nbpipe.compute.dask import worker as on_worker
from nbpipe.compute.dask.worker import AgentPlugin, Claim
from nbpipe.errors import NbpipeError

_CONNECTING = 15.0  # seconds in which a scheduler answers
_LOOK = 1.0  # seconds between two looks at the workers
_ANSWER = 4.0  # seconds in which a scheduler says which workers it has
_SILENT = 2  # looks without an answer, one after the other, after which a scheduler counts as gone
_KEPT = 0.3  # seconds that a slot is kept for a next step: to ask for one takes as long as a step that does nothing
_REACHING = 5.0  # seconds in which a worker is reached that can be reached from here
_ENDED_FOR_MEMORY = "worker-restart-memory"  # what nannies call it


@lru_cache(maxsize=1)
def _plugin() -> AgentPlugin:
    source, packed = Path(on_worker.__file__).read_text("utf-8"), archive()
    digest = hashlib.sha256(source.encode() + packed).hexdigest()[:12]
    return AgentPlugin(source, f"nbpipe-agent-{digest}", packed)


@dataclass(frozen=True)
class Place:
    """Where a claim is.

    Attributes:
        worker: address of the worker.
        gpus: names of its GPUs that are the claim's, for ``CUDA_VISIBLE_DEVICES``; none where it has no more
            than the claim wants.
    """

    worker: str
    gpus: tuple[str, ...] = ()


@dataclass(eq=False)
class Slot:
    """A slot that was asked for.

    Attributes:
        key: of the task that holds it.
        task: Dask's future of it.
        resources: what it holds of its worker, by name.
        attempt_id: whom it is for now; empty for nobody.
        placed: it is somewhere.
        places: where it comes to be, one place after another if workers are lost.
    """

    key: str
    task: Any
    resources: Mapping[str, float]
    attempt_id: str = ""
    placed: bool = False
    places: asyncio.Queue[Place] = field(default_factory=asyncio.Queue)


class SlotTakenBack(NbpipeError):
    """A slot is not held any more where a job was to start in it."""


class SchedulerGone(NbpipeError):
    """The scheduler does not answer any more."""


class Cluster:
    """One scheduler, connected to at the first question.

    Args:
        name: how the target is called, in messages.
        address: of the scheduler.
        tls: settings of `distributed.Security`; empty for none.
        direct: workers are spoken with directly, or through the scheduler; None to find out.

    Attributes:
        workers: what the scheduler says of each of its workers, by address; as of a moment ago.
        out_of_memory: addresses of workers that were ended because they had too much of it.
    """

    def __init__(
        self, name: str, address: str, tls: Mapping[str, Any], *, direct: bool | None = None
    ) -> None:
        self.name = name
        self.address = address
        self._tls = tls
        self._direct = direct
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._slots: dict[str, Slot] = {}
        self._kept: dict[str, asyncio.TimerHandle] = {}  # by the keys of their slots
        self.workers: Mapping[str, Mapping[str, Any]] = {}
        self.out_of_memory: set[str] = set()
        self._seen: set[str] = set()
        self.gone: asyncio.Future[SchedulerGone] | None = None

    async def client(self) -> Client:
        """The connection.

        Raises:
            NbpipeError: there is none to be had.
        """
        async with self._connecting:
            if self._client is None:
                self._client = await self._connected()
            return self._client

    async def _connected(self) -> Client:
        security = Security(**self._tls)
        await self._knock(security)
        client = Client(
            self.address, security=security, asynchronous=True, set_as_default=False, timeout=_CONNECTING,
            name="nbpipe",
        )  # fmt: skip
        try:
            await client
            with suppress(TimeoutError):  # of a worker that says nothing; the others have it
                async with asyncio.timeout(_CONNECTING):
                    await client.register_plugin(_plugin())
            self.workers = await self._workers(client)
        except Exception as error:  # whatever its libraries raise
            with suppress(Exception):
                await client.close(timeout=1)
            raise self._refusal(error) from error
        self._topic = f"nbpipe-{client.id}"
        client.subscribe_topic(self._topic, self._hear)
        client.subscribe_topic(_ENDED_FOR_MEMORY, self._hear_of_memory)
        self.gone = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch(client, self.gone))
        return client

    async def _knock(self, security: Security) -> None:
        """See at once that nobody listens there, for which Dask takes its time.

        Raises:
            NbpipeError: nobody does.
        """
        protocol, _, rest = self.address.partition("://")
        host, _, port = rest.rpartition(":")
        if protocol not in ("tcp", "tls"):
            return
        try:
            tls = security.get_connection_args("client")["ssl_context"] if protocol == "tls" else None
            async with asyncio.timeout(_CONNECTING):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=tls)
        except (OSError, TimeoutError) as error:
            raise self._refusal(error) from error
        writer.close()

    def _refusal(self, error: Exception) -> NbpipeError:
        told = str(error) or type(error).__name__
        untrusted = "certificate does not match" in told or isinstance(error, SSLCertVerificationError)
        fact = (
            f"{self.name}: the certificate of {self.address} is not vouched for by tls_ca_file."
            if untrusted
            else f"{self.name}: no Dask scheduler answers at {self.address}."
        )
        remedy = "Is it running there, and are its certificates those the target was attached with?"
        return NbpipeError(fact, place=told.splitlines()[0][:300], remedy=remedy)

    async def _hear(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        _, told = event
        if (slot := self._slots.get(str(told.get("claim")))) is not None:
            slot.placed = True
            slot.places.put_nowait(Place(str(told["worker"]), tuple(map(str, told["gpus"]))))

    async def _hear_of_memory(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        self.out_of_memory.add(str(event[1].get("worker")))

    async def _workers(self, client: Client) -> Mapping[str, Mapping[str, Any]]:
        scheduler: Any = client.scheduler
        async with asyncio.timeout(_ANSWER):
            told = await scheduler.identity(n_workers=-1)
        workers: Mapping[str, Mapping[str, Any]] = told["workers"]
        return workers

    async def _watch(self, client: Client, gone: asyncio.Future[SchedulerGone]) -> None:
        """Look at the workers again and again, until the scheduler is gone.

        A connection that broke is not waited for: the scheduler took back what was claimed over it.
        """
        silent, why = 0, "the connection broke"
        while client.status == "running" and silent < _SILENT:
            try:
                self.workers = await self._workers(client)
                self._seen.update(self.workers)
                silent = 0
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                silent, why = silent + 1, str(error) or type(error).__name__
            await asyncio.sleep(_LOOK)
        gone.set_result(self._lost(why))
        self._client = None  # who asks next connects anew
        await _closed(client)

    def _lost(self, why: str) -> SchedulerGone:
        return SchedulerGone(
            f"The Dask scheduler of {self.name} at {self.address} is gone.",
            place=why,
            remedy="Start the cluster again, and run again: what was finished is reused.",
        )

    async def claim(self, attempt_id: str, resources: Mapping[str, float]) -> Slot:
        """Ask for a slot, or take one that an attempt before has just left.

        Args:
            attempt_id: whom it is for; its job is ended when the slot is taken back.
            resources: what the task wants of its worker.
        """
        client = await self.client()
        slot = self._take_kept(resources) or self._submitted(client, resources)
        slot.attempt_id = attempt_id
        return slot

    def _take_kept(self, resources: Mapping[str, float]) -> Slot | None:
        """A slot that is kept and fits; without one, none is kept any longer, since they may be in the way."""
        for key in tuple(self._kept):
            slot = self._slots[key]
            stands = slot.task.status == "pending" and slot.places.qsize() == 1
            if stands and slot.resources == resources:
                self._kept.pop(key).cancel()
                return slot
        for key in tuple(self._kept):
            self.release(self._slots[key])
        return None

    def _submitted(self, client: Client, resources: Mapping[str, float]) -> Slot:
        key = f"nbpipe-{secrets.token_hex(12)}"
        plugin, gpus = _plugin(), int(resources.get("GPU", 0))
        task = client.submit(
            Claim(plugin.source, plugin.name, key, self._topic, gpus),
            key=key, pure=False, resources=dict(resources) or None,
        )  # fmt: skip
        self._slots[key] = slot = Slot(key, task, dict(resources))
        return slot

    def leave(self, slot: Slot, place: Place) -> None:
        """Give back a slot in which nothing runs: at once where steps wait, else in a moment, if no step takes it.

        Args:
            slot: the slot.
            place: where it is.
        """
        waiting = any(not each.placed for each in self._slots.values())
        if waiting or slot.task.status != "pending" or not slot.places.empty():
            self.release(slot)
            return
        slot.attempt_id = ""
        slot.places.put_nowait(place)
        self._kept[slot.key] = asyncio.get_running_loop().call_later(_KEPT, self.release, slot)

    def release(self, slot: Slot) -> None:
        """Give a slot back, or take back that it was asked for; what its job has left running there is ended."""
        if kept := self._kept.pop(slot.key, None):
            kept.cancel()
        self._slots.pop(slot.key, None)
        slot.task.release()

    def slot_of(self, attempt_id: str) -> str:
        """The key of the slot that an attempt has.

        Raises:
            SlotTakenBack: it has none any more.
        """
        for slot in self._slots.values():
            if slot.attempt_id == attempt_id:
                return slot.key
        raise self.taken_back()

    def taken_back(self) -> SlotTakenBack:
        """What is wrong where a job starts without a slot."""
        return SlotTakenBack(f"{self.name}: its slot was taken back.", remedy="Run again.")

    async def assure(self) -> None:
        """See that the scheduler is there.

        Raises:
            SchedulerGone: it is not.
        """
        while True:
            with suppress(OSError, TimeoutError, RuntimeError, ValueError):
                client = await self.client()
                await self.or_gone(self._workers(client))
                return
            await self.or_gone(asyncio.sleep(_LOOK))

    async def ask(self, worker: str, question: str, data: bytes, claim: str = "") -> Mapping[str, Any]:
        """Ask the agent of a worker: directly, or through the scheduler where that alone can be reached.

        Args:
            worker: its address.
            question: for its agent.
            data: bytes beside it.
            claim: key of the slot in which a job is to start by it.

        Raises:
            OSError: the worker, or the scheduler, is not to be reached.
        """
        client = await self.client()
        if self._direct is None:
            self._direct = await self._reaches(client, worker)
        told, op = {"question": question, "data": data, "claim": claim}, _plugin().name
        answer: Mapping[str, Any]
        if self._direct:
            answer = await getattr(client.rpc(worker), op)(**told)
        else:
            scheduler: Any = client.scheduler
            answer = (await scheduler.broadcast(msg={"op": op, **told}, workers=[worker]))[worker]
        return answer

    async def _reaches(self, client: Client, worker: str) -> bool | None:
        """Whether workers can be reached from here; None where this one is gone."""
        pool: Any = client.rpc
        try:
            async with asyncio.timeout(_REACHING):
                pool.reuse(worker, await pool.connect(worker))
        except (OSError, TimeoutError):
            self.workers = await self._workers(client)
            return None if worker not in self.workers else False
        return True

    def has_left(self, worker: str) -> bool:
        """Whether a worker was there and is no more."""
        return worker in self._seen and worker not in self.workers

    async def or_gone(self, work: Awaitable[Any]) -> Any:
        """What is awaited, unless the scheduler goes first.

        Raises:
            SchedulerGone: it did.
        """
        working, gone = asyncio.ensure_future(work), self.gone
        waited: set[asyncio.Future[Any]] = {working} if gone is None else {working, gone}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if gone is None or working.done():
                return working.result()
            raise gone.result()
        finally:
            working.cancel()

    async def aclose(self) -> None:
        """Close the connection; claims that are left go with it."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._client is not None:
            await _closed(self._client)


async def _closed(client: Client) -> None:
    with suppress(Exception):  # nothing is left to lose
        async with asyncio.timeout(_CONNECTING):
            closing: Any = client.close(timeout=2)
            await closing
