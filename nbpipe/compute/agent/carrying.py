"""Runs the program that carries objects between this machine and a datastore, past the line to whoever asked."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.refusal import Refusal, working_in
from nbpipe.compute.checked import find_python
from nbpipe.errors import EnvironmentProbeError

_REMEMBERED = 64  # carryings that are over, of which it can still be asked how they ended
_UNASKED = 120.0  # seconds after which one that nobody asks about is ended
_SILENT = 600.0  # seconds without a word after which a program is ended
_LOOK = 5.0  # seconds between two looks whether that is so
_SAID = 300  # characters of the last words of a program that failed


class Carryings:
    """What is carried, and was of late.

    Args:
        root: the agent's folder.
        objects: what the machine keeps.
    """

    def __init__(self, root: str, objects: Objects) -> None:
        self._root = root
        self._objects = objects
        self._known: dict[str, _Carrying] = {}
        self._able: dict[tuple[str, ...], str] = {}

    @property
    def busy(self) -> bool:
        """Whether something is carried now."""
        return any(not each.over for each in self._known.values())

    async def carry(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to carry, or say how far it is.

        Args:
            asked: ``id``; ``wait``, seconds until there must be an answer; ``stop`` to end it; and, to begin,
                ``way`` (``fetch`` or ``put``), ``depot`` (``url``, ``options``, ``witness``), ``program`` (the digest
                of an object), ``pythons`` (which may have what the program needs) and ``objects``
                (digest -> its name in the depot, size, SHA-256).

        Returns:
            ``bytes``, and ``over``. When it is over also ``there`` (digests), ``failed`` (digest -> why) and
            ``unable`` (kind and why, or nothing).

        Raises:
            Refusal: nothing is known of it here, and it does not say what to carry.
        """
        known = self._known.get(str(asked["id"]))
        if known is None:
            if "way" not in asked:
                raise Refusal("unknown", "Nothing is known here of what is to be carried.")
            known = self._known[str(asked["id"])] = _Carrying(self._root, self._objects, asked, self._able)
            for name in [name for name, each in self._known.items() if each.over][:-_REMEMBERED]:
                del self._known[name]
        if asked.get("stop"):
            await known.stop()
        return await known.told(float(asked.get("wait") or 0.0))

    async def aclose(self) -> None:
        """End everything."""
        await asyncio.gather(*(each.stop() for each in self._known.values()))


class _Carrying:
    """Some objects on their way."""

    def __init__(
        self,
        root: str,
        objects: Objects,
        asked: Mapping[str, Any],
        able: dict[tuple[str, ...], str],
    ) -> None:
        self.over = False
        self._root = root
        self._objects = objects
        self._asked = asked
        self._able = able
        self._bytes = 0
        self._there: list[str] = []
        self._failed: dict[str, str] = {}
        self._unable: list[str] = []
        self._heard = self._asked_at = time.monotonic()
        self._news = asyncio.Event()
        self._paths: dict[str, str] = {}
        self._work = asyncio.ensure_future(self._carry())
        self._work.add_done_callback(self._settle)

    async def stop(self) -> None:
        """End it, whatever is done."""
        self._work.cancel()
        await asyncio.wait({self._work})

    async def told(self, wait: float) -> dict[str, Any]:
        """How far it is: now if it is over, else after some seconds or when that is known."""
        self._asked_at = time.monotonic()
        if not self.over and wait > 0:
            self._news.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)
        if not self.over:
            return {"bytes": self._bytes, "over": False}
        ended = {"there": self._there, "failed": self._failed, "unable": self._unable}
        return {"bytes": self._bytes, "over": True, **ended}

    async def _carry(self) -> None:
        try:
            self._lay_out()
            await self._carried_by_one_of(tuple(map(str, self._asked["pythons"])))
        except Exception as error:  # noqa: BLE001 - whoever asked goes another way
            self._unable = ["failed", str(getattr(error, "fact", error))[:_SAID]]

    def _lay_out(self) -> None:
        """Choose the files that objects are written to, or lie in."""
        with working_in(self._root):
            for digest in self._asked["objects"]:
                if self._asked["way"] == "fetch":
                    self._paths[digest] = self._objects.take_partial(digest, str(self._asked["id"]))
                elif self._objects.has(digest):
                    self._paths[digest] = self._objects.path(digest)
                else:
                    self._failed[digest] = "it is not here any more"

    def _settle(self, work: asyncio.Future[None]) -> None:
        """Keep what came whole, and what came of the rest for whoever brings it."""
        if work.cancelled():
            self._unable = ["stopped", "it was stopped"]
        if self._asked["way"] == "fetch":
            for digest, path in self._paths.items():
                with suppress(OSError):
                    self._objects.give_partial(path, digest, whole=digest in self._there)
        self.over = True
        self._news.set()

    async def _carried_by_one_of(self, pythons: Sequence[str]) -> None:
        """Let the first interpreter carry that has the packages for it."""
        known, tried = self._able.get(tuple(pythons)), set()
        for wanted in ([known] if known else []) + [*pythons]:
            try:
                python = find_python(wanted or sys.executable, os.environ)
            except EnvironmentProbeError:
                continue
            if python in tried:
                continue
            tried.add(python)
            self._unable = []
            await self._carried_by(python)
            if self._unable[:1] != ["packages"]:
                self._able[tuple(pythons)] = wanted
                return

    async def _carried_by(self, python: str) -> None:
        pipe = asyncio.subprocess.PIPE
        program = self._objects.path(self._asked["program"])
        env = {name: value for name, value in os.environ.items() if not name.startswith("NBPIPE_")}
        process = await asyncio.create_subprocess_exec(
            python, program, stdin=pipe, stdout=pipe, stderr=pipe, cwd=self._root, env=env
        )
        watching = [
            asyncio.ensure_future(work) for work in (self._watch(process), _last_words(process.stderr))
        ]
        try:
            await self._follow(process)
        finally:
            watching[0].cancel()
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode and not self._unable:
            self._unable = ["failed", str(await watching[1]) or f"{python} ended with {process.returncode}"]

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Give the order, and take what is said."""
        if process.stdin is None or process.stdout is None:
            raise AssertionError  # they are pipes
        process.stdin.write(json.dumps(self._order()).encode("ascii") + b"\n")
        with suppress(ConnectionError):  # it says why it does not read
            await process.stdin.drain()
        while line := await process.stdout.readline():
            self._heard = time.monotonic()
            told = json.loads(line)
            self._bytes = int(told.get("bytes", self._bytes))
            if "there" in told:
                self._there.append(told["there"])
            if "failed" in told:
                self._failed[told["failed"]] = told["why"]
            if "unable" in told:
                self._unable = [told["unable"], told["why"]]
        await process.wait()

    def _order(self) -> dict[str, Any]:
        files = [
            {"key": digest, "name": name, "path": self._paths[digest], "size": size, "sha256": sha256}
            for digest, (name, size, sha256) in self._asked["objects"].items()
            if digest in self._paths
        ]
        return {"way": self._asked["way"], **self._asked["depot"], "files": files}

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """End a program that says nothing, or that nobody asks about."""
        while True:
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            if now - self._heard > _SILENT or now - self._asked_at > _UNASKED:
                self._unable = ["away", "nothing has moved for long"]
                process.kill()
                return


async def _last_words(stream: asyncio.StreamReader | None) -> str:
    said = b""
    while stream is not None and (data := await stream.read(1 << 12)):
        said = (said + data)[-(1 << 12) :]
    return said.decode(errors="replace").strip().rpartition("\n")[2][:_SAID]
