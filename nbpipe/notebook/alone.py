"""Methods during which no other thread reads or changes what is declared."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

_Method = TypeVar("_Method", bound=Callable[..., Any])


def alone(act: _Method) -> _Method:
    """Let a method of an object that has a ``lock`` hold it; one such method may call another."""

    @wraps(act)
    def acting(self: Any, *args: Any, **options: Any) -> Any:
        with self.lock:
            return act(self, *args, **options)

    return cast("_Method", acting)
