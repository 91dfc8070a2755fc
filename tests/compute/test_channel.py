"""Questions and answers cross a stream in any order, and a stream that is gone is noticed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from nbpipe.compute.agent import frames
from nbpipe.compute.channel import AgentChannel, ChannelBroken, Refused, StreamChannel
from nbpipe.errors import EnvironmentProbeError, UsageError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def talk(serve: Serve, ask: Callable[[StreamChannel], Awaitable[object]], silence: float = 30.0) -> object:
    """Ask over a channel whose other end is served."""

    async def go() -> object:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        serving = asyncio.create_task(serve(reader, writer))
        channel = StreamChannel("gpu-box", *await asyncio.open_connection(sock=ours), silence=silence)
        try:
            return await asyncio.wait_for(ask(channel), 60)
        finally:
            await channel.aclose()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            writer.close()

    return asyncio.run(go())


async def answer(writer: asyncio.StreamWriter, head: dict, data: bytes = b"", **told: object) -> None:
    writer.write(frames.pack({"id": head["id"], "told": told}, data))
    await writer.drain()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head, data = await frames.read(reader)
        await answer(writer, head, data[::-1], verb=head["verb"], **head["told"])


def test_an_answer_and_its_bytes_come_back():
    async def ask(channel: StreamChannel) -> object:
        return await channel.ask("put", {"path": "\udcff\u2603"}, b"abc")

    assert talk(echo, ask) == ({"verb": "put", "path": "\udcff\u2603"}, b"cba")


def test_many_questions_are_on_their_way_and_answered_in_any_order():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads = [(await frames.read(reader))[0] for _ in range(20)]
        for head in reversed(heads):
            await answer(writer, head, **head["told"])

    async def ask(channel: StreamChannel) -> object:
        return await asyncio.gather(*(channel.ask("x", {"n": n}) for n in range(20)))

    assert talk(serve, ask) == [({"n": n}, b"") for n in range(20)]


def test_who_stops_waiting_spoils_nothing_for_others():
    async def ask(channel: StreamChannel) -> object:
        large = asyncio.create_task(channel.ask("large", {}, bytes(20_000_000)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        large.cancel()
        return await channel.ask("small", {}, b"ab")

    assert talk(echo, ask) == ({"verb": "small"}, b"ba")


@pytest.mark.parametrize(
    ("kind", "error"), [("environment", EnvironmentProbeError), ("usage", UsageError), ("missing", Refused)]
)
def test_what_cannot_be_done_is_raised_with_the_machine_named(kind: str, error: type[Exception]):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await frames.read(reader)
        refusal = {"error": kind, "fact": "No room.", "place": "disk", "remedy": "Free some."}
        writer.write(frames.pack({"id": head["id"], **refusal}))
        await reader.read()

    with pytest.raises(error) as raised:
        talk(serve, lambda channel: channel.ask("x", {}))
    assert str(raised.value).splitlines() == ["gpu-box: No room.", "  disk", "  Free some."]


def test_all_who_ask_hear_that_the_stream_ended():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await frames.read(reader)
        writer.close()

    async def ask(channel: StreamChannel) -> list[BaseException | tuple]:
        outcomes = await asyncio.gather(*(channel.ask("x", {}) for _ in range(3)), return_exceptions=True)
        return [*outcomes, *await asyncio.gather(channel.ask("x", {}), return_exceptions=True)]

    outcomes = talk(serve, ask)
    assert [type(outcome) for outcome in outcomes] == [ChannelBroken] * 4
    assert "gpu-box" in str(outcomes[0])


@pytest.mark.parametrize(
    "noise", [b"Welcome to gpu-box!\n" * 9, frames.pack({"id": 0})[:-1] + b"x", b"\0" * 40]
)
def test_what_is_no_frame_breaks_the_channel(noise: bytes):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        await reader.read()

    with pytest.raises(ChannelBroken, match="no answer of an agent"):
        talk(serve, lambda channel: channel.ask("x", {}))


def test_a_stream_that_fell_silent_is_noticed():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(ChannelBroken, match="nothing came"):
        talk(serve, lambda channel: channel.ask("x", {}), silence=0.05)


def test_a_slow_answer_is_waited_for_while_there_are_signs_of_life():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slow, _ = await frames.read(reader)
        for _ in range(5):
            sign, _ = await frames.read(reader)
            assert sign["verb"] == "hello"
            await answer(writer, sign)
        await answer(writer, slow, at="last")

    assert talk(serve, lambda channel: channel.ask("x", {}), silence=0.2) == ({"at": "last"}, b"")


def test_an_agent_in_this_process_is_told_what_json_can_carry():
    class Agent:
        async def answer(self, verb: str, told: dict, data: bytes) -> tuple[dict, bytes]:
            return {"told": told}, data

    async def go() -> object:
        channel = AgentChannel("here", Agent())
        return await channel.ask("x", {"t": (1, 2), "n": {1: None}}, b"z")

    assert asyncio.run(go()) == ({"told": {"t": [1, 2], "n": {"1": None}}}, b"z")


def test_what_an_agent_in_this_process_began_it_ends_though_nobody_waits():
    done = []

    class Agent:
        async def answer(self, verb: str, told: dict, data: bytes) -> tuple[dict, bytes]:
            await asyncio.sleep(0.01)
            done.append(verb)
            return {}, b""

    async def go() -> None:
        channel = AgentChannel("here", Agent())
        asked = asyncio.create_task(channel.ask("start", {}))
        await asyncio.sleep(0)
        asked.cancel()
        await channel.ask("next", {})

    asyncio.run(go())
    assert done == ["start", "next"]
