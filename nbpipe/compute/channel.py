"""One way to ask a machine's agent: over a stream of frames, or of an agent in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, Protocol

from nbpipe.compute.agent import frames, refusal
from nbpipe.errors import EnvironmentProbeError, NbpipeError, UsageError

SILENCE = 30.0
"""Seconds without a word, while something is asked, after which the other side is asked for a sign of life."""

_PIECE = 1 << 16  # bytes that are written at once
_CLOSING = 2.0  # seconds in which a stream is closed in good order


Answer = tuple[dict[str, Any], bytes]
"""What an agent says, as JSON, and the bytes beside it."""


class ChannelBroken(NbpipeError, ConnectionError):
    """A channel is gone; what of the last questions was done is not known."""

    __str__ = NbpipeError.__str__


class Refused(NbpipeError):
    """An agent says that something cannot be done.

    Attributes:
        kind: the kind of error, a word of the protocol.
    """

    def __init__(self, kind: str, fact: str, *, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(fact, place=place, remedy=remedy)
        self.kind = kind


class Channel(Protocol):
    """A way to ask one agent."""

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        """What the agent answers, and the bytes beside it; many questions can be on their way at once.

        Args:
            verb: what is asked (``hello``, ``missing``, ``put``, ``start``, ...).
            told: what belongs to it, as JSON.
            data: bytes beside it.

        Raises:
            ChannelBroken: the channel is gone.
            NbpipeError: what the agent says is wrong.
        """

    async def aclose(self) -> None:
        """Close the channel; what is asked still is answered by `ChannelBroken`."""


class Writer(Protocol):
    """What is needed of `asyncio.StreamWriter`; other libraries have their own."""

    def write(self, data: bytes) -> None:
        """Take some bytes."""

    async def drain(self) -> None:
        """Wait until there is room for more."""

    def close(self) -> None:
        """Begin to close."""

    async def wait_closed(self) -> None:
        """Wait until it is closed."""


class Answering(Protocol):
    """An agent."""

    async def answer(self, verb: str, told: dict[str, Any], data: bytes) -> Answer:
        """Do what is asked."""


def opened(name: str, head: Mapping[str, Any]) -> dict[str, Any]:
    """What the head of an answer tells.

    Raises:
        NbpipeError: that something cannot be done; the machine is named.
    """
    if "error" not in head:
        return dict(head["told"])
    fact, place, remedy = f"{name}: {head['fact']}", head.get("place"), head.get("remedy")
    if head["error"] == "environment":
        raise EnvironmentProbeError(fact, place=place, remedy=remedy)
    if head["error"] == "usage":
        raise UsageError(fact, place=place, remedy=remedy)
    raise Refused(head["error"], fact, place=place, remedy=remedy)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class StreamChannel:
    """A channel over a stream of frames, whose other end is an agent or a relay to one.

    A stream may fall silent without an end, when a machine or a network goes. So, while something is asked
    and nothing comes, the other side is asked for a sign of life; without one, the channel counts as broken.

    Args:
        name: how the machine is called, in messages.
        reader, writer: the two directions.
        silence: seconds without a word after which a sign is asked for, and then waited for.
        why_ended: says what else is known when the stream ends (the last words of a process).
    """

    def __init__(
        self,
        name: str,
        reader: asyncio.StreamReader,
        writer: Writer,
        *,
        silence: float = SILENCE,
        why_ended: Callable[[], str] = str,
    ) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer
        self._silence = silence
        self._why_ended = why_ended
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count()
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue()
        self._broken: ChannelBroken | None = None
        self._heard = monotonic()
        self._tasks = [asyncio.create_task(work) for work in (self._read(), self._write(), self._watch())]

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        """See `Channel.ask`."""
        if self._broken is not None:
            raise self._broken
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self._asked:
            self._heard = monotonic()
        self._asked[number] = answer
        try:
            self._unsent.put_nowait(frames.pack({"id": number, "verb": verb, "told": told}, data))
            head, beside = await answer
        finally:
            del self._asked[number]
        return opened(self._name, head), beside

    async def aclose(self) -> None:
        """See `Channel.aclose`."""
        self._break("it was closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        with suppress(Exception):  # it is gone, in whatever way
            async with asyncio.timeout(_CLOSING):
                await self._writer.wait_closed()

    async def _write(self) -> None:
        """Write frame after frame: each as a whole, whoever stops waiting for its answer."""
        try:
            while True:
                left = memoryview(await self._unsent.get())
                while left:
                    self._writer.write(bytes(left[:_PIECE]))
                    await self._writer.drain()
                    left = left[_PIECE:]
                    if (
                        left
                    ):  # a large frame is on its way; a small one fits into a buffer that nobody empties
                        self._heard = monotonic()
        except Exception as error:  # noqa: BLE001 - whatever it is called by who made the stream
            self._break(_reason(error))

    async def _read(self) -> None:
        try:
            while True:
                head, data = await frames.read(self._reader)
                self._heard = monotonic()
                answer = self._asked.get(head.get("id", -1))
                if answer is not None and not answer.done():
                    answer.set_result((head, data))
        except asyncio.IncompleteReadError:
            self._break(self._why_ended() or "its other end is gone")
        except frames.BadFrame as error:
            self._break(f"what came is no answer of an agent ({error})")
        except Exception as error:  # noqa: BLE001 - as above
            self._break(_reason(error))

    async def _watch(self) -> None:
        """Break a channel whose other end says nothing any more."""
        while self._broken is None:
            await asyncio.sleep(self._silence / 4)
            if self._asked and monotonic() - self._heard > 2 * self._silence:
                self._break(f"nothing came for {2 * self._silence:g} s")
            elif self._asked and monotonic() - self._heard > self._silence:
                self._unsent.put_nowait(frames.pack({"id": -1, "verb": "hello", "told": {}}))

    def _break(self, why: str) -> ChannelBroken:
        """Count as broken from now on, and let all who wait know."""
        if self._broken is None:
            self._broken = ChannelBroken(f"The connection to {self._name} is gone: {why}.")
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._broken)
        return self._broken


class AgentChannel:
    """A channel to an agent in this process.

    Args:
        name: how the target is called, in messages.
        agent: whom to ask.
    """

    def __init__(self, name: str, agent: Answering) -> None:
        self._name = name
        self._agent = agent
        self._asked: set[asyncio.Future[Answer]] = set()
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        """See `Channel.ask`; what was asked is done whether or not somebody waits for the answer."""
        if self._closed:
            raise self._broken()
        asked = asyncio.ensure_future(self._agent.answer(verb, json.loads(json.dumps(told)), data))
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.add(asked)
        self._waiting.add(waiting)
        asked.add_done_callback(lambda _: self._answered(asked, waiting))
        try:
            await waiting
            return asked.result()
        except ChannelBroken:
            raise
        except NbpipeError as error:
            return opened(self._name, refusal.told(error)), b""  # raises what an agent elsewhere makes of it
        finally:
            self._waiting.discard(waiting)

    async def aclose(self) -> None:
        """See `Channel.aclose`; the agent goes on with what it does."""
        self._closed = True
        for waiting in tuple(self._waiting):
            if not waiting.done():
                waiting.set_exception(self._broken())

    def _answered(self, asked: asyncio.Future[Answer], waiting: asyncio.Future[None]) -> None:
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()  # nobody may be waiting for it
        if not waiting.done():
            waiting.set_result(None)

    def _broken(self) -> ChannelBroken:
        return ChannelBroken(f"The connection to {self._name} is gone: it was closed.")
