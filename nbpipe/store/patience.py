"""Asking a datastore again, after ever longer pauses, while it or the way to it is in trouble."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from nbpipe.errors import Unreachable

Answer = TypeVar("Answer")

_TRIES = 4
_PAUSE = 0.2  # seconds before the second try; each further one waits three times as long


def patiently(ask: Callable[[], Answer]) -> Answer:
    """What a datastore answers.

    Raises:
        Unreachable: it did not answer, several times.
    """
    for number in range(_TRIES):
        try:
            return ask()
        except Unreachable:
            if number == _TRIES - 1:
                raise
            time.sleep(_PAUSE * 3**number * random.uniform(0.5, 1.5))  # noqa: S311 - no secret: a pause
    raise AssertionError  # pragma: no cover - the last try returns or raises
