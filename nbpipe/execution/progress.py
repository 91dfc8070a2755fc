"""What a target tells of a step's way there and back, as events: phases at once, bytes a few times a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from nbpipe.compute.base import Phase
from nbpipe.core.events import Event, StepMoved

OFTEN = 0.25
"""Seconds between two events of one phase."""


class Progress:
    """Hears of the phases of one attempt.

    Args:
        node: id of the step.
        emit: records an event.
        clock: seconds that only go forward.
        anew: is called when the step begins again from nothing.

    Attributes:
        running: set when the step has begun to run, which is when its time begins to count.
    """

    def __init__(
        self, node: str, emit: Callable[[Event], None], clock: Callable[[], float] = time.monotonic,
        anew: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._node = node
        self._emit = emit
        self._clock = clock
        self._anew = anew
        self._last: Phase | None = None
        self._begun = self._told = clock()
        self._done = 0
        self.running = asyncio.Event()

    def started(self) -> None:
        """The process has been started; a target that tells no phases has no others."""
        if self._last is None:
            self.running.set()

    def tell(self, phase: Phase) -> None:
        """Take a phase, or how far it has come."""
        now = self._clock()
        if phase.name == "running":
            self.running.set()
        if phase.anew:
            self._anew()
        if self._last is None or _place(phase) != _place(self._last):
            self._begun, self._done = now, phase.done
        elif phase == self._last or (now - self._told < OFTEN and phase.done < phase.total):
            return
        self._last, self._told = phase, now
        elapsed = now - self._begun
        rate = (phase.done - self._done) / elapsed if elapsed > 0 else 0.0
        self._emit(StepMoved(
            time.time(), self._node, phase.name, phase.where, phase.why, phase.done, phase.total, max(rate, 0.0),
            phase.anew,
        ))  # fmt: skip


def _place(phase: Phase) -> tuple[str, str, str, bool]:
    """What makes a phase another one."""
    return phase.name, phase.where, phase.why, phase.anew
