"""The planner: plans anew what somebody sees, when it was registered anew, a run ended, or a file was touched."""

from __future__ import annotations

import time

from nbpipe.live.views import Views

WATCH = 2.0
"""Seconds between two looks at the files of a plan."""


class Planner:
    """Keeps the plans of visible boards true; what nobody sees costs nothing.

    A plan that a cell made of its own edit is shown at once, and followed by a whole one at the next regular look.

    Args:
        views: who sees what.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._next = 0.0
        self._soon = False
        self._running_since: float | None = None

    def cell_begins(self) -> None:
        """A cell runs from now on: what it changes is looked at once it has ended, or goes on for long."""
        self._running_since = time.monotonic()

    def cell_ended(self) -> None:
        """A cell has run: it may have changed anything."""
        self._running_since, self._soon = None, True

    def look(self) -> float | None:
        """Plan what is stale; the seconds until the next look, or None while nobody sees anything."""
        boards = [board for board in self._views.boards() if not board.fixed]
        if not boards:
            return None
        for board in boards:
            if board.stale:
                board.replan()
        now = time.monotonic()
        left = self._left_to_cell(now)
        if left:
            return left
        regular = now >= self._next
        if regular or self._soon:
            self._soon = False
            changed = [board for board in boards if board.has_changed(whole=regular)]
            left = self._left_to_cell(now)
            if left:  # it has begun since, and what it has written by now is half of it
                return left
            if regular:
                self._next = now + WATCH
            for board in changed:
                board.expect_changes()
                board.replan()
        return max(self._next - time.monotonic(), 0.01)

    def _left_to_cell(self, now: float) -> float:
        """Seconds in which the cell that runs is let alone; 0 where none runs, or has gone on for long."""
        since = self._running_since
        return 0.0 if since is None else max(since + WATCH - now, 0.0)
