"""The flusher: the one thread that sends, some twenty times a second, and never more than a page can bear."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from nbpipe.live.views import QUIET, Channel, View, Views
from nbpipe.live.wire import plain

INTERVAL = 0.05
"""Seconds between two rounds at least."""
QUIET_INTERVAL = 0.5
"""The same for a view that has long said nothing."""
LOG_INTERVAL = 0.1
"""Seconds between two looks at the logs that views follow."""
MOST_A_SECOND = 90
"""Messages in any second; Jupyter's server drops every message of a kernel that sends a thousand."""
_SHARE = 5.0  # of the time: a round that took long is followed by a pause so many times as long


class Pace:
    """Keeps to so many messages a second.

    Example:
        >>> pace = Pace(2)
        >>> [pace.room(0.0), pace.take(0.0), pace.take(0.5), pace.room(0.6), pace.room(1.1)]
        [0.0, None, None, 0.4, 0.0]
    """

    def __init__(self, most: int = MOST_A_SECOND) -> None:
        self._sent: deque[float] = deque(maxlen=most)

    def room(self, now: float) -> float:
        """Seconds until one more may be sent."""
        full = len(self._sent) == self._sent.maxlen
        return max(0.0, self._sent[0] + 1.0 - now) if full else 0.0

    def take(self, now: float) -> None:
        """One is sent."""
        self._sent.append(now)


class Flusher:
    """Sends answers as they come, and to every visible view in turn what is new on its board.

    Args:
        views: whom to tell.
        wake: lets the thread that calls ``look`` look soon.
    """

    def __init__(self, views: Views, wake: Callable[[], None]) -> None:
        self._views = views
        self._wake = wake
        self._waiting: deque[tuple[Channel, Any]] = deque()
        self._pace = Pace()
        self._dirty = False
        self._next = 0.0
        self._took = 0.0

    def send(self, channel: Channel, message: Any) -> None:
        """Send a message soon: an answer, or a greeting."""
        self._waiting.append((channel, message))
        self._wake()

    def touch(self) -> None:
        """Something may be new on a board."""
        self._dirty = True
        self._wake()

    def look(self) -> float | None:
        """Send what is to be sent; the seconds until the next look, or None while nothing is awaited."""
        while self._waiting:
            wait = self._pace.room(time.monotonic())
            if wait:
                return wait
            self._deliver(*self._waiting.popleft())
        now = time.monotonic()
        if now < self._next:
            return self._next - now
        seen = self._views.visible()
        if self._dirty or any(view.log.following for view in seen):
            self._dirty = False
            begun = time.thread_time()  # what it took from others, not what others took from it
            sent = sum(self._tell(view, now) for view in seen)
            before, self._took = self._took, time.thread_time() - begun
            # Of two rounds the shorter: in the other one Python may have collected its garbage.
            self._next = now + max(INTERVAL, _SHARE * min(before, self._took), sent / MOST_A_SECOND)
        return self._pause(seen)

    def _pause(self, seen: list[View]) -> float | None:
        if self._dirty:
            return max(self._next - time.monotonic(), INTERVAL)
        return LOG_INTERVAL if any(view.log.following for view in seen) else None

    def _tell(self, view: View, now: float) -> int:
        """Tell one view what is new; how many messages that were."""
        if now - view.heard > QUIET and now - view.told < QUIET_INTERVAL:
            self._dirty = True
            return 0
        if self._pace.room(time.monotonic()):
            self._dirty = True
            return 0
        view.told = now
        news: list[Any] = list(view.news())
        grown = view.log.poll()
        if grown is not None:
            news.append(grown)
        return sum(self._deliver(view.channel, message) for message in news)

    def _deliver(self, channel: Channel, message: Any) -> bool:
        """Send a message; a page that cannot be reached is forgotten."""
        told = plain(message)
        self._pace.take(time.monotonic())
        try:
            channel.send(told)
        except Exception:  # noqa: BLE001 - a closed comm, a socket that is gone: each library raises its own
            self._views.leave(channel)
            return False
        return True
