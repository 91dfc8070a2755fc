"""The line to one machine: a channel that is opened when it is needed, and anew when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from nbpipe.compute.announcer import Announcer
from nbpipe.compute.channel import Channel, ChannelBroken
from nbpipe.errors import NbpipeError

OpenChannel = Callable[[], Awaitable[Channel]]
"""Opens a channel to a machine.

Raises `NbpipeError` or `OSError` where that does not succeed."""

_FIRST_PAUSE = 0.2  # seconds between losing a line and the first try to have it back
_LONGEST_PAUSE = 15.0  # seconds between two tries
_ANSWER = 60.0  # seconds in which a machine that was reached says hello


class MachineAway(NbpipeError, ConnectionError):
    """A machine did not answer for as long as that was to be borne."""

    __str__ = NbpipeError.__str__


class Line:
    """Asks one machine, over one channel after another.

    What is asked must bear being asked twice: when a channel breaks, nobody knows what of the last questions
    was done.

    Args:
        name: how the target is called, in messages.
        open_channel: opens a channel.
        patience: seconds for which a line that stood is tried to be had back.
        remedy: what to do about a machine that does not answer.

    Attributes:
        hello: what the machine said of itself when the line was last opened.
    """

    def __init__(
        self, name: str, open_channel: OpenChannel, patience: float, remedy: str | None = None
    ) -> None:
        self.name = name
        self.hello: Mapping[str, Any] = {}
        self._open_channel = open_channel
        self._patience = patience
        self._remedy = remedy
        self._channel: Channel | None = None
        self._opening: asyncio.Task[Channel] | None = None
        self._lost: NbpipeError | None = None
        self._listeners: set[Announcer] = set()
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether there is a channel."""
        return self._channel is not None

    @property
    def machine(self) -> str:
        """How the machine calls itself; until it answered, how the target is called."""
        return str(self.hello.get("machine") or self.name)

    def listen(self, announcer: Announcer) -> None:
        """Let somebody hear when the line is lost and when it is back."""
        self._listeners.add(announcer)

    def leave(self, announcer: Announcer) -> None:
        """Let somebody hear no more."""
        self._listeners.discard(announcer)

    async def ask(
        self, verb: str, told: Mapping[str, Any], data: bytes = b"", *, patience: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """Ask, over the next channel when one breaks.

        Args:
            verb, told, data: see `Channel.ask`.
            patience: seconds to wait for a channel, where that is less than the line's own.

        Raises:
            MachineAway: there was no channel for so long.
            NbpipeError: what the machine says is wrong.
        """
        while True:
            channel = await self.channel(patience)
            try:
                return await channel.ask(verb, told, data)
            except ChannelBroken as error:
                await self.lose(channel, error)

    async def channel(self, patience: float | None = None) -> Channel:
        """The channel there is, or the next one.

        Raises:
            MachineAway: there is none, for as long as `ask` says.
            NbpipeError: none can be opened at all.
        """
        if self._channel is not None:
            return self._channel
        if self._closed:
            raise MachineAway(f"The connection to {self.name} was closed.")
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        await asyncio.wait({self._opening}, timeout=patience)
        if not self._opening.done():
            raise self._given_up()
        try:
            return self._opening.result()
        except asyncio.CancelledError:
            raise MachineAway(f"The connection to {self.name} was closed.") from None

    async def lose(self, channel: Channel, error: NbpipeError) -> None:
        """A channel broke; the first to notice lets everybody know."""
        if channel is not self._channel:
            return
        self._channel, self._lost = None, error
        for listener in tuple(self._listeners):
            listener.away(self.name, error.fact)
        with suppress(NbpipeError, OSError):
            await channel.aclose()

    async def aclose(self) -> None:
        """Close the channel and open no more."""
        self._closed = True
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._channel is not None:
            channel, self._channel = self._channel, None
            with suppress(NbpipeError, OSError):
                await channel.aclose()

    async def _open(self) -> Channel:
        """Open a channel; where one stood before, for as long as there is patience."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._patience if self._lost is not None else 0.0)
        pause = _FIRST_PAUSE
        if self._lost is not None:
            await asyncio.sleep(pause)
        while True:
            try:
                return await self._try()
            except NbpipeError as error:
                if loop.time() + pause > deadline:
                    if self._lost is None:
                        raise
                    self._lost, lost = None, error  # the next who asks hears at once what is wrong
                    raise self._given_up(lost) from error
                self._lost = error
                self._tell_away(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _try(self) -> Channel:
        try:
            channel = await self._open_channel()
        except NbpipeError:
            raise
        except OSError as error:
            raise self._silent(error.strerror or str(error)) from error
        try:
            async with asyncio.timeout(_ANSWER):
                self.hello, _ = await channel.ask("hello", {})
        except TimeoutError:
            await channel.aclose()
            raise self._silent(f"nothing came in {_ANSWER:.0f} s") from None
        except BaseException:
            await channel.aclose()
            raise
        self._channel, self._lost = channel, None
        for listener in tuple(self._listeners):
            listener.back()
        return channel

    def _tell_away(self, error: NbpipeError) -> None:
        for listener in tuple(self._listeners):
            listener.away(self.name, error.fact)

    def _silent(self, why: str) -> MachineAway:
        return MachineAway(f"{self.name} does not answer: {why}.", remedy=self._remedy)

    def _given_up(self, error: NbpipeError | None = None) -> MachineAway:
        known = error or self._lost
        return MachineAway(
            f"{self.name} does not answer" + (f", for {_span(self._patience)} now." if error else "."),
            place=known.fact if known else None,
            remedy=(known.remedy if known else None) or self._remedy,
        )


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
