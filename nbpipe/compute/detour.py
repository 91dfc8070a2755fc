"""The way past the line: a machine carries objects between a datastore and itself, where it can."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from nbpipe.compute.base import Depot, Moved
from nbpipe.compute.channel import Refused
from nbpipe.compute.line import Line

AWAY = 60.0
"""Seconds for which a depot that did not answer is not tried again."""

WORTH = 1 << 16
"""Bytes from which on it is worth it: what is less is carried sooner than a program begins there."""

_WAIT = 0.5  # seconds an answer may take while nothing is over
_STOPPING = 5.0  # seconds in which a machine that is away may come back to stop what it carries

Way = Literal["fetch", "put"]


@dataclass(frozen=True)
class Cargo:
    """One object to carry.

    Attributes:
        name: in the depot.
        size: bytes.
        sha256: of its content, by which the machine compares it.
        have: bytes of it that the machine has already.
    """

    name: str
    size: int
    sha256: str
    have: int = 0


class Detour:
    """Lets one machine carry objects; what it cannot do is asked once as long as the line stands.

    Args:
        line: the line to the machine.
        see_to: does what nobody waits for.
    """

    def __init__(self, line: Line, see_to: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._line = line
        self._see_to = see_to
        self._closed: dict[str, tuple[Mapping[str, Any], float]] = {}
        self._news: dict[str, str] = {}
        self._told: set[str] = set()

    def is_open(self, depot: Depot) -> bool:
        """Whether a depot is worth a try."""
        hello, until = self._closed.get(depot.url, ({}, 0.0))
        return hello is not self._line.hello or monotonic() >= until

    def news(self) -> list[str]:
        """What went another way, and why: each sentence once."""
        fresh = [text for text in self._news.values() if text not in self._told]
        self._told.update(fresh)
        self._news.clear()
        return fresh

    async def carry(
        self, way: Way, depot: Depot, cargo: Mapping[str, Cargo], pythons: Sequence[str], moved: Moved,
        witness: str = "",
    ) -> set[str]:  # fmt: skip
        """Let the machine carry some objects.

        Args:
            way: from the depot, or to it.
            depot: the datastore.
            cargo: digest -> what it needs to know.
            pythons: interpreters there that may have the driver's packages; empty for the agent's own.
            moved: hears of bytes.
            witness: name of what lies in the depot for sure.

        Returns:
            Digests of what is where it was to go; whatever kept the rest from it is no error.

        Raises:
            Unreachable: the machine does not answer.
        """
        name = secrets.token_hex(8)
        order = {
            "id": name, "way": way, "program": depot.program[0],
            "pythons": [*dict.fromkeys(pythons)],
            "depot": {"url": depot.url, "options": dict(depot.options), "witness": witness},
            "objects": {digest: [each.name, each.size, each.sha256] for digest, each in cargo.items()},
        }  # fmt: skip
        count = _Count(moved, sum(each.have for each in cargo.values()) if way == "fetch" else 0)
        try:
            ended = await self._carried(order, count)
        except asyncio.CancelledError:
            self._see_to(self._stop(name))
            raise
        except Refused as error:  # an agent of another version, or one that has no room
            ended = {"there": [], "failed": {}, "unable": ["failed", error.fact]}
        there = set(ended["there"]) & cargo.keys()
        if way == "fetch":
            count.is_at(sum(cargo[digest].size - cargo[digest].have for digest in there))
        self._look_at(way, depot, ended)
        return there

    async def _carried(self, order: Mapping[str, Any], count: _Count) -> dict[str, Any]:
        """Ask until it is over; an agent that knows nothing of it is told again."""
        asked: Mapping[str, Any] = order
        while True:
            try:
                answer, _ = await self._line.ask("carry", {**asked, "wait": _WAIT})
            except Refused as error:
                if error.kind != "unknown":
                    raise
                asked = order
                continue
            count.reached(int(answer["bytes"]))
            if answer["over"]:
                return answer
            asked = {"id": order["id"]}

    async def _stop(self, name: str) -> None:
        await self._line.ask("carry", {"id": name, "stop": True}, patience=_STOPPING)

    def _look_at(self, way: Way, depot: Depot, ended: Mapping[str, Any]) -> None:
        """Remember what does not work, and say so."""
        machine = self._line.machine
        what = "inputs come" if way == "fetch" else "results go"
        if ended["unable"]:
            kind, why = ended["unable"]
            until = monotonic() + AWAY if kind == "away" else float("inf")
            self._closed[depot.url] = self._line.hello, until
            self._news[depot.url] = (
                f"{machine} does not use {depot.url} by itself, so {what} over the line: {why}"
            )
        elif ended["failed"]:
            why = _most_told(ended["failed"].values())
            count = len(ended["failed"])
            things = "1 object" if count == 1 else f"{count} objects"
            way_to = "had from" if way == "fetch" else "put into"
            self._news[depot.url] = f"{things} could not be {way_to} {depot.url} by {machine}: {why}"


class _Count:
    """Bytes that went, as a carrier counts them, told as how many more."""

    def __init__(self, moved: Moved, before: int) -> None:
        self._moved = moved
        self._before = before
        self._done = 0

    def reached(self, total: int) -> None:
        """So many went in all, with those that were there before."""
        self.is_at(max(total - self._before, 0))

    def is_at(self, done: int) -> None:
        """So many went."""
        if done != self._done:
            self._moved(done - self._done)
            self._done = done


def _most_told(reasons: Iterable[str]) -> str:
    told = sorted(reasons)
    return max(told, key=told.count)
