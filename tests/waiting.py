"""Waiting in tests: poll the thing itself until it holds, never sleep and hope."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen], seconds: float = 30.0) -> Seen:
    """Call `look` until it answers something true, and hand that back.

    Args:
        look: what is polled, every 10 ms; must be free to call often.
        seconds: how long to wait; generous, since a test that passes never waits it out.

    Raises:
        AssertionError: the time is over; names what was looked at and what it answered last.

    Example:
        >>> ready = iter([None, None, "ready"])
        >>> eventually(lambda: next(ready))
        'ready'
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            name = getattr(look, "__qualname__", repr(look))
            raise AssertionError(f"{name} still answers {seen!r} after {seconds:g} s")
        time.sleep(0.01)
