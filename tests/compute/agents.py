"""An agent in this process, reached over channels that break or lie."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from nbpipe.compute.agent.agent import Agent
from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import Job, Parcel, Placed, tell_nobody
from nbpipe.compute.channel import AgentChannel, Answer, Channel, ChannelBroken
from nbpipe.compute.far import FarBackend

Alter = Callable[[str, dict[str, Any], Answer], Answer]
PLACE = "/nbpipe-place-of-tests"


class Breaking:
    """A channel that breaks at one of its questions: before it arrives, or before its answer does.

    Args:
        channel: what it is made of.
        at: the number of the question, from 0; hello is one.
        done: whether what was asked is done all the same.
        alter: what becomes of answers.
    """

    def __init__(
        self, channel: Channel, at: float, *, done: bool = False, alter: Alter | None = None
    ) -> None:
        self._channel = channel
        self._left = at
        self._done = done
        self._alter = alter

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        self._left -= 1
        if self._left < 0:
            if self._done and self._left == -1:
                await self._channel.ask(verb, told, data)
            raise ChannelBroken("The cable was cut.")
        answer = await self._channel.ask(verb, told, data)
        return self._alter(verb, dict(told), answer) if self._alter else answer

    async def aclose(self) -> None:
        await self._channel.aclose()


class Machine:
    """Another machine, played: an agent, and how the channels to it behave, one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.agent: Agent | None = None
        self.breaks: list[tuple[float, bool]] = []
        self.gone = False
        self.alter: Alter | None = None
        self.asked: list[str] = []

    async def open(self) -> Channel:
        if self.gone:
            raise OSError(113, "No route to host")
        self.agent = self.agent or Agent(os.fspath(self.root))
        at, done = self.breaks.pop(0) if self.breaks else (float("inf"), False)
        return Breaking(AgentChannel("gpu-box", self.agent), at, done=done, alter=self._seen)

    def _seen(self, verb: str, told: dict[str, Any], answer: Answer) -> Answer:
        self.asked.append(verb)
        return self.alter(verb, told, answer) if self.alter else answer

    def run(self, work: Callable[[FarBackend], Awaitable[object]], patience: float = 60.0) -> Any:
        """Do something with a backend of the machine."""

        async def go() -> object:
            backend = FarBackend("gpu-box", self.open, patience=patience)
            try:
                return await asyncio.wait_for(work(backend), 100)
            finally:
                await backend.aclose()
                if self.agent is not None:
                    await self.agent.aclose()

        return asyncio.run(go())


def job(folder: Path, source: str, data: bytes = b"", results: tuple[str, ...] = ()) -> Job:
    """A job that runs a script over `in/data`."""
    files, objects = {}, {}
    for path, content in (("script.py", source.encode()), ("in/data", data)):
        digest = blake3(content).hexdigest()
        objects[digest] = folder / f"object-{digest[:12]}"
        objects[digest].write_bytes(content)
        files[path] = Placed(digest)
    parcel = Parcel(files=files, objects=objects, results=results)
    return Job("1.train.1", "python3", "script.py", (), Path(PLACE), {}, parcel=parcel, place=PLACE)


def nobody() -> Announcer:
    """An announcer that nobody hears."""
    return Announcer(tell_nobody)
