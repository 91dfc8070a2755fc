"""Work on many things, some of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


async def abreast(limit: int, things: Iterable[Thing], work: Callable[[Thing], Awaitable[None]]) -> None:
    """Work on each thing, on at most `limit` at a time, beginning with the first ones.

    Raises:
        Exception: what the first that failed raised; the others have been cancelled by then.
    """
    queue = iter(things)

    async def worker() -> None:
        for thing in queue:
            await work(thing)

    tasks = [asyncio.create_task(worker()) for _ in range(limit)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
