"""The practice remote: this machine behaving as another one, with a queue, a slow line and losses that can be set.

Jobs run through a real agent in a folder of its own, so all that is seen of other machines is seen here too,
without an account and without a network.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import Backend, Job, Phase
from nbpipe.compute.channel import Answer, Channel, ChannelBroken
from nbpipe.compute.far import FarBackend
from nbpipe.compute.registered import BackendKind, Setting, at_least
from nbpipe.compute.relayed import open_here
from nbpipe.platform import private_folder


class PracticeBackend(FarBackend):
    """Another machine, played.

    Args:
        name: how the target is called.
        root: the folder that plays its disk.
        queue: seconds that a job waits in a queue.
        cold_start: seconds that the machine takes to be there when it is first asked.
        latency: seconds that a question takes on its way.
        rate: bytes a second of what is sent and fetched, or None for what the machine can do.
        drop: seconds after its first answer at which the line breaks, each time, or None for never.
        away: seconds for which the machine is then not to be reached.

    Example::

        backend = PracticeBackend("practice", folder, queue=2.0, rate=1e6)
    """

    def __init__(
        self, name: str, root: Path, *, queue: float = 0.0, cold_start: float = 0.0, latency: float = 0.0,
        rate: float | None = None, drop: float | None = None, away: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(
            name, self._open, remedy="It is a practice remote: its losses are settings of its own."
        )
        self._root = root
        self._queue = queue
        self._cold_start = cold_start
        self._latency = latency
        self._rate = rate
        self._drop = drop
        self._away = away
        self._back = 0.0

    async def _open(self) -> Channel:
        loop = asyncio.get_running_loop()
        if loop.time() < self._back:
            raise ConnectionError(None, f"{self.name} is away")
        await asyncio.sleep(self._cold_start)
        self._cold_start = 0.0
        private_folder(self._root)
        channel = await open_here(self.name, self._root)
        return _SlowChannel(self.name, channel, self._latency, self._rate, self._drop, self._lose)

    def _lose(self) -> None:
        self._back = asyncio.get_running_loop().time() + self._away

    async def _admit(self, job: Job, announcer: Announcer) -> None:
        if self._queue > 0:
            announcer.phase(Phase("queued", why="Resources"))
            await asyncio.sleep(self._queue)


class _SlowChannel:
    """A channel that takes its time, and breaks some seconds after its first answer."""

    def __init__(
        self, name: str, channel: Channel, latency: float, rate: float | None, drop: float | None, lose: Any
    ) -> None:
        self._name = name
        self._channel = channel
        self._latency = latency
        self._rate = rate
        self._drop = drop
        self._lose = lose
        self._turn = asyncio.Lock()
        self._gone = asyncio.Event()

    def _break(self) -> None:
        if not self._gone.is_set():
            self._gone.set()
            self._lose()

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        """See `Channel.ask`; what was on its way when the line broke may have been done, or not."""
        if self._gone.is_set():
            raise self._broken()
        asking = asyncio.ensure_future(self._asked(verb, told, data))
        breaking = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({asking, breaking}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return await asking
            raise self._broken()
        finally:
            asking.cancel()
            breaking.cancel()
            await asyncio.wait({asking, breaking})

    async def _asked(self, verb: str, told: Mapping[str, Any], data: bytes) -> Answer:
        await asyncio.sleep(self._latency)
        await self._travel(len(data))
        answer, beside = await self._channel.ask(verb, told, data)
        if self._drop is not None:
            asyncio.get_running_loop().call_later(self._drop, self._break)
            self._drop = None
        await self._travel(len(beside) if verb == "get" else 0)
        return answer, beside

    async def _travel(self, count: int) -> None:
        """Let bytes take the time of the line, which they share."""
        if self._rate is not None and count:
            async with self._turn:
                await asyncio.sleep(count / self._rate)

    def _broken(self) -> ChannelBroken:
        return ChannelBroken(f"The connection to {self._name} is gone: it was lost, for practice.")

    async def aclose(self) -> None:
        """See `Channel.aclose`."""
        self._gone.set()
        await self._channel.aclose()


def _wrong_rate(value: float) -> str | None:
    return None if value > 0 else f"is more than 0, not {value:g}"


class PracticeKind(BackendKind):
    """Targets of type ``practice``."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "queue": Setting(float, "seconds in a queue", 0.0, wrong=at_least(0)),
        "cold_start": Setting(float, "seconds until the machine is there", 0.0, wrong=at_least(0)),
        "latency": Setting(float, "seconds that a question travels", 0.0, wrong=at_least(0)),
        "rate": Setting(float, "bytes a second that are sent or fetched", wrong=_wrong_rate),
        "drop": Setting(float, "seconds after which the line breaks, each time", wrong=_wrong_rate),
        "away": Setting(float, "seconds for which the machine is then away", 1.0, wrong=at_least(0)),
        "root": Setting(str, "a folder that plays the machine's disk"),
    }
    slots: ClassVar[int] = 2

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
        """This machine, played as another; see `BackendKind.open`."""
        told = {word: settings[word] for word in self.settings if word != "root"}
        root = Path(settings["root"]).expanduser() if settings["root"] else _usual_root(name, environ)
        return PracticeBackend(name, root, **told)


def _usual_root(name: str, environ: Mapping[str, str]) -> Path:
    """A folder of the user's own caches, one a name."""
    home = environ.get("HOME") or tempfile.gettempdir()
    caches = Path(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"))
    return caches / "nbpipe" / "practice" / hashlib.sha256(name.encode()).hexdigest()[:12]


KIND = PracticeKind()
