"""Brings what a job left on a machine to the same places of a folder here, and to no other place."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from nbpipe.compute.abreast import abreast
from nbpipe.compute.announcer import Announcer, Progress
from nbpipe.compute.base import Collected, Phase
from nbpipe.compute.line import Line
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError

_ABREAST = 8  # files that travel at a time
_PART = 1 << 21  # bytes that travel at once
_TRIES = 3  # of a file that arrives as something else
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Entry:
    """One thing that lies at the results of a job.

    Attributes:
        path: its relative path, with slashes.
        type: ``file``, ``folder`` or ``link``.
        size: bytes of a file.
        mode: permission bits.
        target: where a link leads.
    """

    path: PurePosixPath
    type: str
    size: int
    mode: int
    target: str


class Collector:
    """Collects the results of one job.

    Args:
        line: the line to the machine.
        attempt_id: the job.
        results: relative paths of what it was to leave; nothing beside them is taken.
        announcer: hears of what comes over.
    """

    def __init__(self, line: Line, attempt_id: str, results: tuple[str, ...], announcer: Announcer) -> None:
        self._line = line
        self._attempt_id = attempt_id
        self._results = tuple(map(PurePosixPath, results))
        self._announcer = announcer

    async def collect(self, into: Path) -> Collected:
        """See `Handle.collect`."""
        listed, _ = await self._line.ask("list", {"attempt": self._attempt_id})
        try:
            entries = [self._checked(each) for each in listed["entries"]]
            besides = Collected(tuple(map(str, listed["written"])), tuple(map(str, listed["changed"])))
        except (KeyError, TypeError, ValueError) as error:
            raise NbpipeError(
                f"{self._line.name} tells of results in a way that cannot be understood: {error!r:.200}.",
                remedy="Nothing of it was taken. Whoever works on that machine may have changed nbpipe's agent there.",
            ) from error
        files = [entry for entry in entries if entry.type == "file"]
        total = sum(entry.size for entry in files)
        folder = _Folder(into)
        folder.see_room(total)
        for entry in entries:
            if entry.type == "folder":
                folder.make(entry.path)
        if files:
            progress = Progress(self._announcer, Phase("fetching", self._line.machine, total=total))

            async def fetch(entry: Entry) -> None:
                await self._fetch(entry, folder, progress)

            await abreast(_ABREAST, sorted(files, key=lambda entry: -entry.size), fetch)
        for entry in entries:
            if entry.type == "link":
                folder.link(entry.path, entry.target)
        for entry in reversed(entries):  # a folder that may not be written comes after what is in it
            if entry.type == "folder":
                folder.set_mode(entry.path, entry.mode)
        return besides

    def _checked(self, told: Mapping[str, Any]) -> Entry:
        """An entry as it was told, once it is sure that it stays where results are."""
        path, text = PurePosixPath(str(told["path"])), str(told["path"])
        lies = any(path == result or result in path.parents for result in self._results)
        target = str(told.get("target") or "")
        if "\0" in text + target or not lies or path.is_absolute() or ".." in path.parts or str(path) != text:
            raise NbpipeError(
                f"{self._line.name} sends a file for a place that is none of the step's outputs.",
                place=repr(text),
                remedy="Nothing of it was taken. Whoever works on that machine may have changed nbpipe's agent there.",
            )
        if told["type"] not in ("file", "folder", "link"):
            raise NbpipeError(f"{text} is a {told['type']}; results are files, folders and links.")
        return Entry(path, str(told["type"]), int(told.get("size") or 0), int(told["mode"]) & 0o777, target)

    async def _fetch(self, entry: Entry, folder: _Folder, progress: Progress) -> None:
        """Bring one file; once more where it arrived as something else."""
        for _ in range(_TRIES):
            count = 0
            with folder.file(entry.path) as fd:
                sha256 = hashlib.sha256()
                while True:
                    told = {
                        "attempt": self._attempt_id,
                        "path": str(entry.path),
                        "offset": count,
                        "most": _PART,
                    }
                    answer, data = await self._line.ask("get", told)
                    await asyncio.to_thread(folder.write, fd, data, sha256)
                    count += len(data)
                    progress.add(len(data))
                    if answer.get("sha256") is not None or not data or count > entry.size:
                        break
                if answer.get("sha256") == sha256.hexdigest():
                    os.fchmod(fd, entry.mode)
                    return
            progress.add(-count)
        raise NbpipeError(
            f"{entry.path} did not arrive as it is on {self._line.name}, {_TRIES} times.",
            remedy="Its disk, its memory or what lies between may be damaged; run the step again.",
        )


class _Folder:
    """A folder that is filled from elsewhere: nothing in it is followed, and nothing outside it touched."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = {PurePosixPath()}

    def see_room(self, needed: int) -> None:
        """See that so many bytes have room.

        Raises:
            NbpipeError: they have not.
        """
        with self._writing():
            self._root.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._root).free
        if free < needed:
            raise self._no_room(f"{needed / 1e6:.0f} MB are to come, {free / 1e6:.0f} MB are free.")

    def make(self, path: PurePosixPath) -> None:
        """Make a folder and those above it; what is no folder at their places goes.

        Raises:
            NbpipeError: it cannot be made.
        """
        if path in self._made:
            return
        self.make(path.parent)
        place = self._root / path
        with self._writing():
            if not _is_folder(place):
                place.unlink(missing_ok=True)
                place.mkdir(mode=0o700)
        self._made.add(path)

    def link(self, path: PurePosixPath, target: str) -> None:
        """Make a link, which leads wherever it does over there.

        Raises:
            NbpipeError: it cannot be made.
        """
        place = self._cleared(path)
        with self._writing():
            place.symlink_to(target)

    @contextmanager
    def file(self, path: PurePosixPath) -> Iterator[int]:
        """A descriptor of a new file.

        Raises:
            NbpipeError: it cannot be made.
        """
        place = self._cleared(path)
        with self._writing():
            fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            yield fd
        finally:
            os.close(fd)

    def write(self, fd: int, data: bytes, sha256: Any) -> None:
        """Write some bytes, and count them into a digest.

        Raises:
            NbpipeError: they cannot be written.
        """
        sha256.update(data)
        left = memoryview(data)
        with self._writing():
            while left:
                left = left[os.write(fd, left) :]

    def set_mode(self, path: PurePosixPath, mode: int) -> None:
        """Set a folder's permission bits; its owner can always work with it, and what took its place stays as it is."""
        if path in self._made:
            with self._writing():
                (self._root / path).chmod(mode | stat.S_IRWXU)

    def _cleared(self, path: PurePosixPath) -> Path:
        """Where something comes to lie, with nothing there."""
        self.make(path.parent)
        place = self._root / path
        with self._writing():
            if _is_folder(place):
                shutil.rmtree(place)
                self._made.difference_update(
                    [made for made in self._made if made == path or path in made.parents]
                )
            else:
                place.unlink(missing_ok=True)
        return place

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise self._no_room(str(error.strerror)) from error
            raise NbpipeError(f"Results cannot be written to {self._root}: {error.strerror}.") from error

    def _no_room(self, place: str) -> NbpipeError:
        return NbpipeError(
            f"There is no room on this machine for the results, in {self._root}.",
            place=place,
            remedy="Free some space, and run again: the step is done and is only fetched.",
        )


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
