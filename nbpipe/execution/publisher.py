"""Shares the results that a run makes, while it goes on; what could not be shared is left for the next run."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from nbpipe.compute.base import Moved, Offer, Put
from nbpipe.core.events import Event, StepMoved, StepNoted
from nbpipe.core.result import StepResult
from nbpipe.errors import NbpipeError, StoreError, Unreachable
from nbpipe.execution.depots import Depots
from nbpipe.execution.kept_here import KeptHere
from nbpipe.execution.sharing import Sharing
from nbpipe.store.layout import StateFolder
from nbpipe.store.results import Results
from nbpipe.store.transfer import Meter, Progress

_OFTEN = 1.0  # seconds between two lines about one transfer in the run's record
_WORTH_TELLING = 1 << 20  # bytes


PutThere = Callable[[Offer, Moved], Awaitable[Put]]
"""See `Handle.put`."""


class _Waiting(NamedTuple):
    """A result that is to be shared."""

    node: str
    key: str
    run: str
    put: PutThere | None = None


class Publisher:
    """Puts results into the shared store one after another, beside the steps.

    What is to be shared is written down before and struck off after, so that a crash or a store that is away
    loses nothing: the next run of the workspace shares it.

    Args:
        sharing: the shared store; None where there is none, and nothing is ever added.
        depots: says what the machine that made a result may put there by itself.
        state: where it is written down, so that only what was made in this place goes out: ``registry/to-share/``.
        results: where results are read.
        emit: records an event.
    """

    def __init__(
        self, sharing: Sharing | None, depots: Depots, state: StateFolder, results: Results,
        emit: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self._sharing = sharing
        self._depots = depots
        self._left = KeptHere(state, "to-share")
        self._results = results
        self._emit = emit
        self._waiting: deque[_Waiting] = deque()
        self._work: asyncio.Task[None] | None = None
        self._putting: asyncio.Future[Put] | None = None
        self._given_up = False
        self._told = 0.0

    def begin(self) -> None:
        """Take up what earlier runs left."""
        with suppress(StoreError):
            self._waiting.extend(
                _Waiting("", str(each["key"]), str(each["run"])) for each in self._left.all().values()
            )
        self._go_on()

    def add(self, node: str, key: str, run: str, put: PutThere | None = None) -> None:
        """Share a result that was just made.

        Args:
            node: id of the step, which hears how it goes.
            key, run: name the result.
            put: lets the machine put it there that it was made on; None where that is this one.
        """
        self._left.remember(f"{key} {run}", {"key": key, "run": run})
        self._waiting.append(_Waiting(node, key, run, put))
        self._go_on()

    def give_up(self) -> None:
        """Leave the rest to the next run: somebody wants this one to end."""
        self._given_up = True
        if self._putting is not None:
            self._putting.cancel()

    @property
    def busy(self) -> bool:
        """Whether anything is still to be shared by this run."""
        return self._work is not None and not self._work.done()

    async def finish(self) -> None:
        """Wait until all is shared, or cannot be now."""
        while self.busy and self._work is not None:
            await asyncio.shield(self._work)

    def _go_on(self) -> None:
        if not self.busy and self._waiting and not self._given_up:
            self._work = asyncio.create_task(self._share_all())

    async def _share_all(self) -> None:
        while self._waiting and not self._given_up:
            each = self._waiting.popleft()
            try:
                await self._share(each)
            except Unreachable as error:
                self._given_up = True
                self._note(each.node, f"its result is not shared yet: {error.fact}; the next run does it")
            except (NbpipeError, OSError) as error:
                if not self._given_up:
                    fact = getattr(error, "fact", None) or str(error)
                    self._note(each.node, f"its result is not shared: {fact}")

    async def _share(self, each: _Waiting) -> None:
        found = next((known for known in self._results.all(each.key) if known.run == each.run), None)
        if found is not None and not found.record.get("shared_from") and self._sharing is not None:
            result = StepResult.from_json({**found.record, "key": each.key, "run": each.run})
            there = await self._put_there(each, result) if each.put else ()
            if self._given_up:
                return
            loop = asyncio.get_running_loop()

            def tell(progress: Progress) -> None:
                if self._given_up:
                    raise StoreError("The run was stopped.")
                loop.call_soon_threadsafe(self._tell, each.node, progress)

            await asyncio.to_thread(self._sharing.publish, result, there, tell)
        with suppress(OSError):
            self._left.forget(f"{each.key} {each.run}")

    async def _put_there(self, each: _Waiting, result: StepResult) -> Collection[str]:
        """Digests of what the machine that made a result has put into the store, before anything names it.

        Raises:
            StoreError: the store does not answer or does not take it, or a part of the result is gone here.
        """
        offer = await asyncio.to_thread(self._depots.offer, result)
        if offer is None or each.put is None or self._given_up:
            return ()
        total = sum(path.stat().st_size for path in offer.objects.values())
        meter = Meter(total, lambda progress: self._tell(each.node, progress))
        self._putting = asyncio.ensure_future(each.put(offer, meter.add))
        await asyncio.wait({self._putting})
        if self._putting.cancelled() or isinstance(self._putting.exception(), NbpipeError):
            return ()
        put = self._putting.result()
        for text in put.said:
            self._note(each.node, text)
        return put.there

    def _tell(self, node: str, progress: Progress) -> None:
        now = time.time()
        if not node or progress.total < _WORTH_TELLING or now - self._told < _OFTEN:
            return
        self._told = now
        self._emit(StepMoved(
            now, node, "sending", "the shared store", done=progress.done, total=progress.total, rate=progress.rate,
        ))  # fmt: skip

    def _note(self, node: str, text: str) -> None:
        if node:
            self._emit(StepNoted(time.time(), node, text))
