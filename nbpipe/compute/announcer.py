"""Tells where a job stands: its phases, their progress a few times a second, and that its line is lost meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from nbpipe.compute.base import Phase, Tell

_PAUSE = 0.25  # seconds between two words of progress


class Announcer:
    """What one job's listener hears.

    While the line to the machine is lost, nothing but that is told; afterwards, where the job stands now.

    Args:
        tell: the listener.
        clock: seconds, of a clock that nobody sets.
    """

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._phase: Phase | None = None
        self._told = float("-inf")
        self._away = False

    def phase(self, phase: Phase) -> None:
        """A phase begins, or what is known of it has changed."""
        if phase != self._phase:
            self._phase = phase
            self._say()

    def progress(self, phase: Phase) -> None:
        """A phase goes on; told when that is due, and when all is done."""
        if phase.done >= phase.total or self._clock() - self._told >= _PAUSE:
            self.phase(phase)
        else:
            self._phase = phase

    def away(self, where: str, why: str) -> None:
        """The line is lost."""
        self._away = True
        self._tell(Phase("away", where, why))

    def back(self) -> None:
        """The line is there again."""
        if self._away:
            self._away = False
            self._say()

    def _say(self) -> None:
        if self._phase is not None and not self._away:
            self._told = self._clock()
            self._tell(self._phase)


class Progress:
    """How much of some bytes came over.

    Args:
        announcer: tells it.
        phase: the phase as it begins, with its total.
    """

    def __init__(self, announcer: Announcer, phase: Phase) -> None:
        self._announcer = announcer
        self._phase = phase
        self._done = phase.done
        announcer.phase(phase)

    def add(self, count: int) -> None:
        """More came over; less than nothing where it has to come again."""
        self._done += count
        phase = self._phase
        self._announcer.progress(Phase(phase.name, phase.where, phase.why, self._done, phase.total))
