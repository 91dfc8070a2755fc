"""A channel to the agent of one worker of a Dask cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Any

from nbpipe.compute.channel import SILENCE, Answer, ChannelBroken, opened
from nbpipe.compute.dask.cluster import Cluster

_LOOK = 1.0  # seconds between two looks whether the worker is there
_SIGN = json.dumps({"verb": "hello", "told": {}})


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
        question = json.dumps({"verb": verb, "told": dict(told)})
        claim = self._cluster.slot_of(told["attempt"]) if verb == "start" else ""
        try:
            answer = await self._while_alive(self._cluster.ask(self._worker, question, data, claim))
        except TimeoutError as error:
            raise self._broken(f"nothing came for {2 * SILENCE:g} s") from error
        except (OSError, RuntimeError, AttributeError, KeyError, TypeError) as error:
            raise self._broken(str(error) or type(error).__name__) from error
        if answer is None:  # what Dask says of a question that a worker does not know
            raise self._broken("it has no agent, or none any more")
        if "gone" in answer:
            raise self._broken(answer["gone"])
        if "taken_back" in answer:
            raise self._cluster.taken_back()
        return opened(self._cluster.name, json.loads(answer["head"])), bytes(answer["data"])

    def _broken(self, why: str) -> ChannelBroken:
        return ChannelBroken(f"The connection to the worker {self._worker} is gone: {why}.")

    async def _while_alive(self, work: Awaitable[Any]) -> Any:
        """What is awaited, as long as the worker is there and its agent says something.

        Dask tries long to connect to a worker that has left, and waits for ever for one that has stopped.

        Raises:
            OSError: the worker has left its cluster, or is not to be reached.
            TimeoutError: nothing came, neither what is awaited nor a sign of life.
        """
        working: asyncio.Future[Any] = asyncio.ensure_future(work)
        living = asyncio.ensure_future(self._lives())
        try:
            while True:
                await asyncio.wait({working, living}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    return working.result()
                if living.done():
                    living.result()
                if self._cluster.has_left(self._worker):
                    raise ConnectionError(None, "it has left its cluster")
        finally:
            working.cancel()
            living.cancel()

    async def _lives(self) -> None:
        """Ask for a sign of life, again and again, until there is none in time."""
        while True:
            await asyncio.sleep(SILENCE)
            async with asyncio.timeout(SILENCE):
                await self._cluster.ask(self._worker, _SIGN, b"")

    async def aclose(self) -> None:
        """See `Channel.aclose`; the connections are Dask's."""
