"""Brings to a machine what it lacks of a job's objects."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

from blake3 import blake3

from nbpipe.compute.abreast import abreast
from nbpipe.compute.announcer import Announcer, Progress
from nbpipe.compute.base import Depot, Moved, Offer, Phase, Put, tell_nobody
from nbpipe.compute.channel import Channel, ChannelBroken, Refused
from nbpipe.compute.detour import WORTH, Cargo, Detour
from nbpipe.compute.line import Line
from nbpipe.errors import NbpipeError

_ABREAST = 8  # objects that travel at a time
_ASKED = 4096  # objects that are asked for at once
_TRIES = 3  # of an object that arrives as something else
_SMALL = 1 << 16  # bytes that are read and hashed sooner than a thread begins
_LEAST, _FIRST, _MOST = 1 << 16, 1 << 18, 1 << 22  # bytes that travel at once
_BRISK, _SLOW = 0.5, 2.0  # seconds a part is on its way, below and above which the next is larger or smaller


class DamagedObject(NbpipeError):
    """What lies under a digest on this machine is something else.

    Attributes:
        digest: what it should be.
        path: where it lies.
    """

    def __init__(self, digest: str, path: Path) -> None:
        super().__init__(
            f"{path.name} cannot be sent: it has changed, or is damaged.",
            place=f"{path} should have the digest {digest[:12]}.",
        )
        self.digest = digest
        self.path = path


class Sender:
    """Sends objects over one line; jobs that need the same one wait for each other.

    Args:
        line: the line to the machine.
        detour: lets the machine fetch by itself what lies in a depot.
    """

    def __init__(self, line: Line, detour: Detour) -> None:
        self._line = line
        self._detour = detour
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._part = _FIRST

    async def send(
        self,
        objects: Mapping[str, Path],
        announcer: Announcer,
        depots: Sequence[Depot] = (),
        pythons: Sequence[str] = ("",),
    ) -> int:
        """Send what the machine has not, and cannot fetch from a depot.

        Args:
            objects: digest -> where the content lies here.
            announcer: hears of it, where there is something to send.
            depots: where some of them can be had, too.
            pythons: interpreters there that may have the packages for it.

        Returns:
            Bytes that were to be sent.

        Raises:
            DamagedObject: an object is not what its digest says.
            NbpipeError: one cannot be read here, or there is no room for it there.
        """
        missing = await self._missing(objects)
        if not missing:
            return 0
        total = sum(each.left for each in missing)
        progress = Progress(announcer, Phase("sending", self._line.machine, total=total))
        for depot in depots:
            missing = await self._left_after_detour(missing, depot, pythons, progress)

        async def send(each: _Missing) -> None:
            await self._send(each, progress)

        await abreast(_ABREAST, sorted(missing, key=lambda each: -each.left), send)
        return total

    async def _left_after_detour(
        self, missing: list[_Missing], depot: Depot, pythons: Sequence[str], progress: Progress
    ) -> list[_Missing]:
        """What is still missing when the machine has fetched from a depot what it could."""
        if sum(each.left for each in missing) < WORTH or not self._detour.is_open(depot):
            return missing
        names = await asyncio.to_thread(depot.names, [each.digest for each in missing])
        there = {each.digest: each for each in missing if each.digest in names and each.left}
        if sum(each.left for each in there.values()) < WORTH:
            return missing
        await self.send(dict([depot.program]), Announcer(tell_nobody))
        async with AsyncExitStack() as turns:
            cargo: dict[str, Cargo] = {}
            for digest, each in sorted(there.items()):  # in one order, so that no two wait for each other
                turn = self._turn(digest)
                taken = turn.locked()
                await turns.enter_async_context(turn)
                if not taken or await self._look_again(each, progress):
                    sha256 = await _sha256(each)
                    cargo[digest] = Cargo(names[digest], each.size, sha256, each.have)
            if cargo:
                await self._detour.carry("fetch", depot, cargo, pythons, progress.add)
            left = {each.digest: each.have for each in await self._missing(_paths(there.values()))}
        for digest in left.keys() & cargo.keys():  # what came of it is not sent
            progress.add(left[digest] - there[digest].have)
            there[digest].have = left[digest]
        return [each for each in missing if each.digest not in there or each.digest in left]

    async def offer(self, offer: Offer, pythons: Sequence[str], moved: Moved) -> Put:
        """Let the machine put objects that it has into a depot; see `Handle.put`.

        Raises:
            DamagedObject: one is not what its digest says.
            NbpipeError: one cannot be read here, or the machine does not answer.
        """
        offered = [_Missing(digest, path) for digest, path in offer.objects.items()]
        if sum(each.size for each in offered) < WORTH or not self._detour.is_open(offer.depot):
            return Put()
        await self.send(dict([offer.depot.program]), Announcer(tell_nobody))
        cargo = {
            each.digest: Cargo(offer.names[each.digest], each.size, await _sha256(each)) for each in offered
        }
        there = await self._detour.carry("put", offer.depot, cargo, pythons, moved, offer.witness)
        return Put(there, self._detour.news())

    async def _missing(self, objects: Mapping[str, Path]) -> list[_Missing]:
        known = {digest: _Missing(digest, path) for digest, path in objects.items()}
        lacking: list[_Missing] = []
        digests = list(known)
        for start in range(0, len(digests), _ASKED):
            asked = {digest: known[digest].size for digest in digests[start : start + _ASKED]}
            answer, _ = await self._line.ask("missing", {"objects": asked})
            for digest, have in answer["missing"].items():
                known[digest].have = int(have)
                lacking.append(known[digest])
        return lacking

    async def _send(self, missing: _Missing, progress: Progress) -> None:
        """Send one object, from where the last try ended, until it is there."""
        turn = self._turn(missing.digest)
        sure, refused = not turn.locked(), 0
        async with turn:
            while sure or await self._look_again(missing, progress):
                channel, sure = await self._line.channel(), False
                try:
                    return await self._upload(channel, missing, progress)
                except ChannelBroken as error:
                    await self._line.lose(channel, error)
                except Refused as error:
                    refused += 1
                    if error.kind not in ("offset", "digest") or refused == _TRIES:
                        raise
            return None

    def _turn(self, digest: str) -> asyncio.Lock:
        return self._turns.setdefault(digest, asyncio.Lock())

    async def _look_again(self, missing: _Missing, progress: Progress) -> bool:
        """Whether it is missing still, and how much is there: somebody else may have sent it meanwhile."""
        now = await self._missing({missing.digest: missing.path})
        have = now[0].have if now else missing.size
        progress.add(have - missing.have)
        missing.have = have
        return bool(now)

    async def _upload(self, channel: Channel, missing: _Missing, progress: Progress) -> None:
        with _Source(missing) as source:
            await source.skip(missing.have)
            while True:
                data = await source.read(self._part)
                told = {"digest": missing.digest, "offset": missing.have, "size": missing.size}
                last = missing.have + len(data) >= missing.size
                if last:
                    told["sha256"] = source.sha256()
                before = monotonic()
                answer, _ = await channel.ask("put", told, data)
                self._adapt(len(data), monotonic() - before)
                ahead = int(answer["have"]) - missing.have - len(data)  # somebody else sends it, too
                missing.have += len(data) + max(ahead, 0)
                progress.add(len(data) + max(ahead, 0))
                if last or missing.have >= missing.size:
                    return
                await source.skip(ahead)

    def _adapt(self, count: int, seconds: float) -> None:
        """Let parts be as large as travels in about a second: a line may be of a modem or of a data centre."""
        if count == self._part and seconds < _BRISK:
            self._part = min(2 * self._part, _MOST)
        elif seconds > _SLOW:
            self._part = max(self._part // 2, _LEAST)


def _paths(missing: Iterable[_Missing]) -> dict[str, Path]:
    return {each.digest: each.path for each in missing}


async def _sha256(missing: _Missing) -> str:
    """SHA-256 of an object, once it is sure that it is what its digest says."""
    with _Source(missing) as source:
        await source.skip(missing.size)
        return source.sha256()


class _Missing:
    """An object that is not there as a whole."""

    __slots__ = ("digest", "have", "path", "size")

    def __init__(self, digest: str, path: Path) -> None:
        self.digest = digest
        self.path = path
        self.have = 0
        try:
            self.size = path.stat().st_size
        except OSError as error:
            raise NbpipeError(f"{path} cannot be sent: {error.strerror}.") from error

    @property
    def left(self) -> int:
        return self.size - self.have


class _Source:
    """The content of an object, read once from its beginning, with both its digests."""

    def __init__(self, missing: _Missing) -> None:
        self._missing = missing
        self._left = missing.size
        self._sha256, self._blake3 = hashlib.sha256(), blake3()
        try:
            self._file = open(missing.path, "rb", buffering=0)  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise NbpipeError(f"{missing.path} cannot be sent: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    async def skip(self, count: int) -> None:
        """Read what is there already, for the digests."""
        while count > 0:
            count -= len(await self.read(min(count, _MOST)))

    async def read(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            DamagedObject: there are fewer than there were, or, at the end, the whole is something else.
        """
        if min(count, self._left) <= _SMALL:
            return self._read(count)
        return await asyncio.to_thread(self._read, count)

    def _read(self, count: int) -> bytes:
        wanted = min(count, self._left)
        try:
            data = self._file.read(wanted)
        except OSError as error:
            raise NbpipeError(f"{self._missing.path} cannot be read: {error.strerror}.") from error
        self._left -= len(data)
        self._sha256.update(data)
        self._blake3.update(data)
        if len(data) < wanted or (not self._left and self._blake3.hexdigest() != self._missing.digest):
            raise DamagedObject(self._missing.digest, self._missing.path)
        return data

    def sha256(self) -> str:
        """SHA-256 of all that was read, as 64 hex digits."""
        return self._sha256.hexdigest()
