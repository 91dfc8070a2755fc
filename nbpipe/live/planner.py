"""The planner: plans anew what somebody sees, when it was registered anew, a run ended, or a file was touched."""

from __future__ import annotations

import time

from nbpipe.live.views import Views

WATCH = 2.0
"""Seconds between two looks at the files of a plan."""


class Planner:
    """Keeps the plans of visible boards true; what nobody sees costs nothing.

    Args:
        views: who sees what.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._next = 0.0

    def look_for_changes_now(self) -> None:
        """Let the next look be one for changes."""
        self._next = 0.0

    def look(self) -> float | None:
        """Plan what is stale; the seconds until the next look, or None while nobody sees anything."""
        boards = [board for board in self._views.boards() if not board.fixed]
        if not boards:
            return None
        for board in boards:
            if board.stale:
                board.replan()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + WATCH
            for board in boards:
                if board.look_for_changes():
                    board.replan()
        return max(self._next - time.monotonic(), 0.01)
