"""From code that waits to code that awaits: answers of backends, where an event loop may run already or none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def asked(question: Callable[[], Coroutine[Any, Any, Answer]], name: str = "nbpipe-ask") -> Future[Answer]:
    """Ask in a thread with a loop of its own, since a kernel's loop may be the one that waits.

    Args:
        question: begins what is awaited.
        name: of the thread, which ends with the answer and holds no process up.
    """
    answer: Future[Answer] = Future()

    def ask() -> None:
        try:
            answer.set_result(asyncio.run(question()))
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            answer.set_exception(error)

    threading.Thread(target=ask, name=name, daemon=True).start()
    return answer


def answer_of(question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Ask, and wait for the answer.

    Example:
        >>> async def sum() -> int:
        ...     return 1 + 1
        >>> answer_of(sum)
        2
    """
    return asked(question).result()
