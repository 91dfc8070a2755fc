"""What runs in a Dask worker: an agent beside it, and the task that claims a slot for a job."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from nbpipe.compute.agent.agent import Agent

NAME = "nbpipe-agent"
"""Name of the plugin in its worker."""

ASK, RELEASE = "nbpipe_ask", "nbpipe_release"
"""Handlers of a worker: ask its agent, and let a claim end."""


class AgentPlugin(WorkerPlugin):
    """Gives a worker an agent, which ends with it.

    A claim holds one of the worker's threads, and what resources its task names, while its job runs there. When
    the scheduler takes the claim back, since whoever made it is gone, the job is ended.
    """

    name = NAME

    def setup(self, worker: Worker) -> None:
        """Begin; called in the worker's event loop."""
        self._worker = worker
        self._agent = Agent(os.path.join(worker.local_directory, "nbpipe"))
        self._claims: dict[str, threading.Event] = {}
        worker.handlers[ASK] = self._ask
        worker.handlers[RELEASE] = self._release

    async def teardown(self, worker: Worker) -> None:
        """End every job, and let every claim end."""
        for claimed in self._claims.values():
            claimed.set()
        await self._agent.aclose()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """A task goes from one state to another; called in the worker's event loop."""
        if key in self._claims and finish in ("cancelled", "released", "forgotten"):
            self._claims[key].set()
            self._worker.loop.add_callback(self._end, key)

    async def _end(self, key: str) -> None:
        await self._agent.frame({"verb": "cancel", "told": {"attempt": key, "grace": 0.0}}, b"")

    async def _ask(self, head: str, data: bytes) -> tuple[str, bytes]:
        # As JSON, which carries file names that are no text; what Dask packs with does not.
        answer, beside = await self._agent.frame(json.loads(head), bytes(data))
        return json.dumps(answer), beside

    async def _release(self, key: str) -> None:
        if key in self._claims:
            self._claims[key].set()

    def hold(self, key: str, topic: str) -> None:
        """Say where a claim is, and wait until it is released."""
        claimed = self._claims[key] = threading.Event()
        self._worker.log_event(topic, {"claim": key, "worker": self._worker.address})
        claimed.wait()
        self._claims.pop(key, None)


def claim(key: str, topic: str) -> None:
    """Hold a slot of a worker: the task that Dask places.

    Args:
        key: of this task, and the id of the attempt it is for.
        topic: where to say which worker it is.
    """
    plugin: Any = get_worker().plugins[NAME]
    plugin.hold(key, topic)
