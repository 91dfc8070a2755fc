"""A line that breaks is had back, for as long as there is patience, and everybody hears where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import Phase
from nbpipe.compute.channel import ChannelBroken
from nbpipe.compute.line import Line, MachineAway
from nbpipe.errors import NbpipeError


class Scripted:
    """A channel that answers so many questions and then breaks."""

    def __init__(self, answers: float) -> None:
        self.left = answers
        self.closed = False

    async def ask(
        self, verb: str, told: Mapping[str, Any], data: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        await asyncio.sleep(0)
        self.left -= 1
        if self.left < 0:
            raise ChannelBroken("The cable was cut.")
        return ({"machine": "node-7"} if verb == "hello" else {"did": verb}), data

    async def aclose(self) -> None:
        self.closed = True


def over(
    channels: list[Scripted | Exception], work: Callable[[Line], Awaitable[object]], patience: float = 60.0
) -> object:
    """Ask over a line whose channels are these, one after the other."""
    left = iter(channels)

    async def open_channel() -> Scripted:
        channel = next(left)
        if isinstance(channel, Exception):
            raise channel
        return channel

    async def go() -> object:
        line = Line("gpu-box", open_channel, patience, "Is it switched on?")
        try:
            return await asyncio.wait_for(work(line), 60)
        finally:
            await line.aclose()

    return asyncio.run(go())


FOREVER = float("inf")


def test_nothing_is_opened_before_somebody_asks():
    async def work(line: Line) -> bool:
        return line.up

    assert over([], work) is False


def test_what_is_asked_is_answered_over_the_next_channel_when_one_breaks():
    channels = [Scripted(2), OSError(111, "Connection refused"), Scripted(FOREVER)]

    async def work(line: Line) -> list[dict]:
        return [(await line.ask(verb, {}))[0] for verb in ("a", "b", "c")]

    assert over(channels, work) == [{"did": verb} for verb in "abc"]
    assert channels[0].closed


def test_many_who_ask_share_one_channel_and_its_successor():
    channels = [Scripted(5), Scripted(FOREVER)]

    async def work(line: Line) -> list:
        return await asyncio.gather(*(line.ask(str(n), {}) for n in range(20)))

    assert over(channels, work) == [({"did": str(n)}, b"") for n in range(20)]


def test_a_machine_that_never_answered_is_said_at_once():
    with pytest.raises(MachineAway) as error:
        over([OSError(113, "No route to host")], lambda line: line.ask("a", {}))
    assert str(error.value).splitlines() == [
        "gpu-box does not answer: No route to host.",
        "  Is it switched on?",
    ]


def test_what_the_opener_says_is_handed_on():
    with pytest.raises(NbpipeError, match="host key"):
        over([NbpipeError("The host key changed.")], lambda line: line.ask("a", {}))


def test_when_patience_is_over_it_is_said_and_the_next_who_asks_hears_it_at_once():
    gone = OSError(113, "No route to host")

    async def work(line: Line) -> None:
        with pytest.raises(MachineAway, match="gpu-box does not answer, for 1 s now"):
            await line.ask("a", {})
        with pytest.raises(MachineAway, match="No route to host"):
            await line.ask("b", {})
        assert await line.ask("c", {}) == ({"did": "c"}, b"")

    over([Scripted(1), gone, gone, gone, gone, Scripted(FOREVER)], work, patience=1.0)


def test_who_has_less_patience_is_not_kept_and_the_line_is_tried_on():
    class Slow(Scripted):
        async def ask(
            self, verb: str, told: Mapping[str, Any], data: bytes = b""
        ) -> tuple[dict[str, Any], bytes]:
            await asyncio.sleep(0.3)
            return await super().ask(verb, told, data)

    async def work(line: Line) -> object:
        with pytest.raises(MachineAway):
            await line.ask("a", {}, patience=0.05)
        return await line.ask("b", {})

    assert over([Scripted(1), Slow(FOREVER)], work) == ({"did": "b"}, b"")


def test_listeners_hear_that_it_is_lost_and_where_they_stand_when_it_is_back():
    heard: list[Phase] = []

    async def work(line: Line) -> None:
        announcer = Announcer(heard.append)
        line.listen(announcer)
        await line.ask("a", {})
        announcer.phase(Phase("running", line.machine))
        await line.ask("b", {})

    over([Scripted(2), OSError(111, "Connection refused"), Scripted(FOREVER)], work)
    assert heard == [
        Phase("running", "node-7"),
        Phase("away", "gpu-box", "The cable was cut."),
        Phase("away", "gpu-box", "gpu-box does not answer: Connection refused."),
        Phase("running", "node-7"),
    ]


def test_a_line_that_is_closed_while_it_is_tried_says_so():
    async def work(line: Line) -> None:
        asking = asyncio.create_task(line.ask("a", {}))
        while not line._lost:  # noqa: ASYNC110 - the line tells listeners alone
            await asyncio.sleep(0)
        await line.aclose()
        with pytest.raises(MachineAway, match="closed"):
            await asking

    over([Scripted(1), *[OSError(111, "Connection refused")] * 9], work)
