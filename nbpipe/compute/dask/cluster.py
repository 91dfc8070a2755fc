"""The connection to a Dask scheduler: claims of slots, channels to the agents of workers, and what is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any

from distributed import Client, Security

from nbpipe.compute.channel import Answer, ChannelBroken, opened
from nbpipe.compute.dask.worker import ASK, RELEASE, AgentPlugin, claim
from nbpipe.errors import NbpipeError

_CONNECTING = 15.0  # seconds in which a scheduler answers
_LOOK = 1.0  # seconds between two looks at the workers
_GONE = 8.0  # seconds without an answer of the scheduler after which it counts as gone


class SchedulerGone(NbpipeError):
    """The scheduler does not answer any more."""


class Cluster:
    """One scheduler, connected to at the first question.

    Args:
        name: how the target is called, in messages.
        address: of the scheduler.
        tls: settings of `distributed.Security`; empty for none.
    """

    def __init__(self, name: str, address: str, tls: Mapping[str, Any]) -> None:
        self.name = name
        self.address = address
        self._tls = tls
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._announced: dict[str, asyncio.Queue[str]] = {}
        self.workers: Mapping[str, Mapping[str, Any]] = {}
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
        await self._knock()
        security = Security(**self._tls) if self._tls else None
        client = Client(
            self.address, security=security, asynchronous=True, set_as_default=False, timeout=_CONNECTING,
            name="nbpipe",
        )  # fmt: skip
        try:
            await client
            await client.register_plugin(AgentPlugin())
            self.workers = await self._workers(client)
        except Exception as error:  # whatever its libraries raise
            with suppress(Exception):
                await client.close(timeout=1)
            raise self._refusal(error) from error
        self._topic = f"nbpipe-{client.id}"
        client.subscribe_topic(self._topic, self._hear)
        self.gone = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch(client, self.gone))
        return client

    async def _knock(self) -> None:
        """See at once that nobody listens there, for which Dask takes its time.

        Raises:
            NbpipeError: nobody does.
        """
        host, _, port = self.address.partition("://")[2].rpartition(":")
        if not self.address.startswith(("tcp:", "tls:")):
            return
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(host.strip("[]"), int(port)), _CONNECTING
            )
        except (OSError, TimeoutError) as error:
            raise self._refusal(error) from error
        writer.close()

    def _refusal(self, error: Exception) -> NbpipeError:
        told = f"{type(error).__name__}: {error}" if not isinstance(error, OSError) else str(error)
        if "No module named 'nbpipe" in told:
            return NbpipeError(
                f"{self.name}: its workers have no nbpipe.",
                remedy="On each of them:  pip install nbpipe-steps",
            )
        return NbpipeError(
            f"{self.name}: no Dask scheduler answers at {self.address}.",
            place=told.splitlines()[0][:300] if told else None,
            remedy="Is it running there, and are its certificates those the target was attached with?",
        )

    async def _hear(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        _, told = event
        if (queue := self._announced.get(str(told.get("claim")))) is not None:
            queue.put_nowait(str(told["worker"]))

    async def _workers(self, client: Client) -> Mapping[str, Mapping[str, Any]]:
        scheduler: Any = client.scheduler
        told = await scheduler.identity(n_workers=-1)
        workers: Mapping[str, Mapping[str, Any]] = told["workers"]
        return workers

    async def _watch(self, client: Client, gone: asyncio.Future[SchedulerGone]) -> None:
        """Look at the workers again and again; a scheduler that says nothing is gone."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while not gone.done():
            try:
                self.workers = await asyncio.wait_for(self._workers(client), _GONE / 2)
                self._seen.update(self.workers)
                last = loop.time()
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                if loop.time() - last > _GONE or client.status in ("closed", "closing"):
                    gone.set_result(self._lost(error))
                    return
            await asyncio.sleep(_LOOK)

    def _lost(self, error: Exception) -> SchedulerGone:
        return SchedulerGone(
            f"The Dask scheduler of {self.name} at {self.address} is gone.",
            place=str(error) or type(error).__name__,
            remedy="Start the cluster again, and run again: what was finished is reused.",
        )

    async def claim(self, attempt_id: str, resources: Mapping[str, float]) -> tuple[Any, asyncio.Queue[str]]:
        """Ask for a slot; the task that holds it, and the workers it comes to, one after another if some are lost."""
        client = await self.client()
        queue = self._announced[attempt_id] = asyncio.Queue()
        task = client.submit(
            claim, attempt_id, self._topic, key=attempt_id, pure=False, resources=dict(resources) or None
        )
        return task, queue

    async def release(self, attempt_id: str, task: Any, worker: str) -> None:
        """Give a slot back; nothing of it is kept anywhere."""
        self._announced.pop(attempt_id, None)
        client = await self.client()
        with suppress(Exception):  # the worker is gone, and the slot with it
            await asyncio.wait_for(getattr(client.rpc(worker), RELEASE)(key=attempt_id), _GONE)
        task.release()

    async def withdraw(self, attempt_id: str, task: Any) -> None:
        """Take a claim back that no worker has."""
        self._announced.pop(attempt_id, None)
        with suppress(Exception):  # the scheduler is gone, and the claim with it
            await asyncio.wait_for(task.cancel(force=True), _GONE)

    async def assure(self) -> None:
        """See that the scheduler is there.

        Raises:
            SchedulerGone: it is not.
        """
        client = await self.client()
        while True:
            with suppress(OSError, TimeoutError, RuntimeError, ValueError):
                await asyncio.wait_for(self._workers(client), _GONE / 2)
                return
            await self.or_gone(asyncio.sleep(_LOOK))

    def has_left(self, worker: str) -> bool:
        """Whether a worker was there and is no more."""
        return worker in self._seen and worker not in self.workers

    def channel(self, worker: str) -> WorkerChannel:
        """A channel to the agent of a worker."""
        return WorkerChannel(self, worker)

    async def or_gone(self, work: Awaitable[Any]) -> Any:
        """What is awaited, unless the scheduler goes first.

        Raises:
            SchedulerGone: it did.
        """
        await self.client()
        working = asyncio.ensure_future(work)
        waited: set[asyncio.Future[Any]] = {working, self.gone} if self.gone is not None else {working}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
        finally:
            working.cancel()
        raise self.gone.result() if self.gone is not None else AssertionError

    async def aclose(self) -> None:
        """Close the connection; claims that are left go with it."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._client is not None:
            with suppress(Exception):  # nothing is left to lose
                closing: Any = self._client.close(timeout=2)
                await asyncio.wait_for(closing, _CONNECTING)


class WorkerChannel:
    """A channel to the agent of one worker, over connections that Dask keeps.

    Args:
        cluster: the connection to its scheduler.
        worker: its address.
    """

    def __init__(self, cluster: Cluster, worker: str) -> None:
        self._cluster = cluster
        self._worker = worker

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        """See `Channel.ask`."""
        client = await self._cluster.client()
        try:
            question = json.dumps({"verb": verb, "told": dict(told)})
            answer = await self._unless_left(getattr(client.rpc(self._worker), ASK)(head=question, data=data))
        except (OSError, RuntimeError, AttributeError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise ChannelBroken(f"The connection to the worker {self._worker} is gone: {why}.") from error
        head, beside = answer
        return opened(self._cluster.name, json.loads(head)), bytes(beside)

    async def _unless_left(self, work: Awaitable[Any]) -> Any:
        """What is awaited, unless the worker leaves: Dask tries long to connect to one that is not there."""
        working = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({working}, timeout=_LOOK))[0]:
                if self._cluster.has_left(self._worker):
                    raise ConnectionError(None, "it has left its cluster")
            return working.result()
        finally:
            working.cancel()

    async def aclose(self) -> None:
        """See `Channel.aclose`; the connections are Dask's."""
