"""Brings what lies elsewhere to the steps of a run that read it: data behind URLs, and results that are shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from nbpipe.compute.base import Phase
from nbpipe.core.events import Event, StepNoted
from nbpipe.core.plan import Decision
from nbpipe.errors import StoreError
from nbpipe.execution.far_data import FarFile
from nbpipe.execution.means import Means
from nbpipe.execution.progress import Progress as Phases
from nbpipe.execution.workplace import BoundInput
from nbpipe.store.transfer import Listener, Meter, Progress, in_parallel


class Arrivals:
    """What has to be here before a step can start, or be reused.

    Args:
        means: the run's.
        emit: records an event.
    """

    def __init__(self, means: Means, emit: Callable[[Event], None]) -> None:
        self._means = means
        self._emit = emit
        graph = means.frozen.graph
        planned = {each["node"]: each.get("action") for each in means.frozen.plan}
        self._read = {
            port.source_id
            for node in graph.nodes
            for port in node.inputs
            if port.source_port and planned.get(node.node_id) != "reuse"
        }
        self._read |= {node.node_id for node in graph.nodes if any(port.destination for port in node.outputs)}

    async def decide(self, node: str, ask: Callable[[], Decision]) -> Decision:
        """Decide on a step; a shared result counts only once its data are here, where a step will read them.

        One whose data are not what they should be is refused, and it is decided anew.

        Args:
            node: id of the step.
            ask: decides.
        """
        while True:
            decision = await asyncio.to_thread(ask) if self._means.memory.sharing_in_use else ask()
            self._tell_notes(node)
            result = decision.result
            if result is None or not result.shared_from or node not in self._read:
                return decision
            try:
                await self._bring(node, [*result.outputs.values()])
                return decision
            except StoreError as error:
                self._means.memory.refuse(result.key)
                text = f"its shared result is not used, so it runs: {error.fact}"
                self._emit(StepNoted(time.time(), node, text))

    async def inputs(self, node: str, bound: Mapping[str, BoundInput]) -> dict[str, BoundInput]:
        """What a step reads, all of it here.

        Raises:
            NbpipeError: some of it cannot be had, or is not what it should be.
        """
        await self._bring(node, [each.digest for each in bound.values() if each.found is None])
        return {name: await self._fetched(node, each) for name, each in bound.items()}

    async def _fetched(self, node: str, bound: BoundInput) -> BoundInput:
        """An input whose files behind URLs are here; the copies are watched, not the URLs."""
        found, far = bound.found, self._means.far_data
        if found is None or not found.far:
            return bound
        total = sum(file.size for file in found.far.values())
        meter = Meter(total, self._listener(node, "its datastore"))
        files: dict[str, Path] = {}

        def fetch(name: str, file: FarFile) -> None:
            files[name] = far.fetch(file, meter)

        calls = [partial(fetch, name, file) for name, file in found.far.items()]
        await asyncio.to_thread(in_parallel, calls)
        ordered = {name: files[name] for name in found.far}

        def changed() -> bool:
            return not all(map(far.unchanged, ordered.values()))

        return BoundInput(bound.digest, replace(found, files=ordered), changed)

    async def _bring(self, node: str, trees: list[str]) -> None:
        objects, sharing = self._means.objects, self._means.memory.sharing
        if sharing is None or not self._means.memory.sharing_in_use:
            return
        missing = [digest for digest in dict.fromkeys(trees) if not objects.complete(digest)]
        for digest in missing:
            await asyncio.to_thread(sharing.bring, digest, self._listener(node, "the shared store"))

    def _listener(self, node: str, where: str) -> Listener:
        """Tells a transfer as a phase of the step, from the thread that makes it."""
        loop = asyncio.get_running_loop()
        phases = Phases(node, self._emit)

        def tell(progress: Progress) -> None:
            phase = Phase("fetching", where, "", progress.done, progress.total)
            loop.call_soon_threadsafe(phases.tell, phase)

        return tell

    def _tell_notes(self, node: str) -> None:
        while self._means.notes:
            self._emit(StepNoted(time.time(), node, self._means.notes.pop(0)))
