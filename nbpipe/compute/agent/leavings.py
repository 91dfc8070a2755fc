"""What jobs leave on a machine: who has it, how it is removed, and when nobody will ask for it any more."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

FORGOTTEN = 7 * 86400
"""Seconds after which what a job left is nobody's any more, if it was not asked for."""

UNUSED = 30 * 86400
"""Seconds after which an object that no job was lent is removed."""

OUT_OF_USE = 90 * 86400
"""Seconds after which an environment that no job asked for is removed."""

SAFE = 86400
"""Seconds for which nothing is removed, however little room there is: a run may be away and come back."""

FREE = 0.1
"""Part of the disk below which what is oldest goes before its time."""

_HELD = "held"
_GONE = ".gone-"


def hold(folder: str) -> int:
    """Have an attempt's folder, as long as this process lives; a descriptor to be closed when the job has ended.

    Raises:
        OSError: the folder cannot be written.
    """
    descriptor = os.open(os.path.join(folder, _HELD), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_held(folder: str) -> bool:
    """Whether an agent that lives runs the attempt of a folder."""
    return not _free(os.path.join(folder, _HELD))


def remove_whole(folder: str) -> None:
    """Remove a folder that is a job's; it may have taken from its user the right to change what is in it.

    Raises:
        OSError: it cannot be removed.
    """
    for inner, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(inner, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder)


class Leavings:
    """What is left below an agent's folder.

    What runs is never removed, nor what was asked for a short time ago; the rest has its time, and where the disk
    is nearly full the oldest of it goes sooner.

    Args:
        root: the agent's folder.
        full: says whether there is too little room on the disk.
        clock: seconds since 1970.
    """

    def __init__(
        self, root: str, full: Callable[[], bool] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._attempts = os.path.join(root, "attempts")
        self._objects = os.path.join(root, "objects")
        self._partial = os.path.join(root, "partial")
        self._environments = os.path.join(root, "environments")
        self._full = full or (lambda: _nearly_full(root))
        self._clock = clock

    def tidy(self) -> list[str]:
        """Remove what nobody will ask for; folders of the attempts that are gone."""
        gone = [path for age, path in self._ended() if self._go(age, FORGOTTEN) and self._remove(path)]
        needed = self._needed()
        for age, path in self._kept():
            if os.path.basename(path) not in needed and self._go(age, UNUSED):
                with suppress(OSError):
                    os.unlink(path)
        for entry in _entries(self._partial):
            with suppress(OSError):
                if self._clock() - entry.stat().st_mtime > FORGOTTEN and _free(entry.path):
                    os.unlink(entry.path)
        for path in self._out_of_use():
            self._remove(path)
        return gone

    def _go(self, age: float, most: float) -> bool:
        return age > most or (age > SAFE and self._full())

    def _ended(self) -> list[tuple[float, str]]:
        """Ages and folders of attempts that no agent runs, the oldest first."""
        found = []
        for entry in _entries(self._attempts):
            if entry.name.startswith(_GONE):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif not is_held(entry.path):
                with suppress(OSError):
                    inside = [each.stat(follow_symlinks=False).st_mtime for each in _entries(entry.path)]
                    found.append((self._clock() - max([entry.stat().st_mtime, *inside]), entry.path))
        return sorted(found, reverse=True)

    def _kept(self) -> list[tuple[float, str]]:
        """Seconds since objects were last lent, or came, and where they lie, the oldest first."""
        found = []
        for folder in _entries(self._objects):
            for entry in _entries(folder.path):
                with suppress(OSError):
                    found.append((self._clock() - entry.stat(follow_symlinks=False).st_ctime, entry.path))
        return sorted(found, reverse=True)

    def _needed(self) -> set[str]:
        """Digests of objects that attempts which are there were lent."""
        needed: set[str] = set()
        for entry in _entries(self._attempts):
            path = os.path.join(entry.path, "parcel.json")
            with suppress(OSError, ValueError), open(path, encoding="ascii") as file:
                needed.update(digest for digest, *_ in json.load(file).get("files", {}).values())
        return needed

    def _out_of_use(self) -> Iterator[str]:
        """Environments that nobody asked for in a long time, while no job runs; drafts whose maker is gone."""
        idle = not any(is_held(entry.path) for entry in _entries(self._attempts))
        for entry in _entries(self._environments):
            with suppress(OSError):
                name, _, draft = entry.name.partition(".")
                age = self._clock() - entry.stat(follow_symlinks=False).st_mtime
                free = _free(os.path.join(self._environments, f"{name}.lock"))
                if entry.is_dir() and free and (age > SAFE if draft else idle and age > OUT_OF_USE):
                    yield entry.path

    def _remove(self, folder: str) -> bool:
        """Remove a folder at once for all who look, and then its files."""
        gone = os.path.join(self._attempts, _GONE + secrets.token_hex(8))
        try:
            os.rename(folder, gone)
        except OSError:
            return False
        with suppress(OSError):
            remove_whole(gone)
        return True


def _free(path: str) -> bool:
    """Whether nobody has the lock of a file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as found:
        yield from list(found)


def _nearly_full(root: str) -> bool:
    usage = shutil.disk_usage(root)
    return usage.free < FREE * usage.total
