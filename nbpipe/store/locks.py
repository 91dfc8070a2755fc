"""Locks between processes, held by the kernel for their holder and given back when it dies, however it dies.

One file is one lock: `runs/<id>/lock` a run's life, `locks/key-<key>` the making of one result,
`locks/slot-<n>` a share of the machine, `locks/gc` shared by runs and taken whole by the collector. The file
stays after release; it says who holds it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nbpipe.platform import host_name, lock_file, open_private, unlock_file
from nbpipe.store.files import storing

_PROBE = 0.002  # seconds; a look by `held` takes microseconds, so a second try tells it from a holder


class Lock:
    """One lock file. An object of this class holds the lock at most once; two objects exclude each other.

    Args:
        path: the lock file; made when first locked, its folder exists.
        run: id of the run on whose behalf the lock is taken, told to whoever waits.

    Example:
        >>> with Lock(state.locks / "key-9c02"):
        ...     make_the_result()
    """

    def __init__(self, path: Path, run: str | None = None) -> None:
        self.path = path
        self.run = run
        self._fd: int | None = None

    def acquire(self, wait: bool = False, shared: bool = False) -> bool:
        """Take the lock; True when this object has it now, False when another has and `wait` is false.

        Args:
            wait: block until it is free.
            shared: share it with others that share it.

        Raises:
            StoreError: the file cannot be opened for writing, or its file system knows no locks.
        """
        if self._fd is not None:
            return True
        with storing(self.path):
            while True:
                fd = open_private(self.path, os.O_RDWR | os.O_CREAT)
                try:
                    taken = _lock(fd, shared=shared, wait=wait)
                except BaseException:
                    os.close(fd)
                    raise
                if taken and _is_at(fd, self.path):
                    break
                os.close(fd)  # another's, or the collector removed the file meanwhile: then a new one is made
                if not taken:
                    return False
            self._fd = fd
            if not shared:
                _write_over(fd, json.dumps(self._self_description()).encode())
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens when this object does not hold it."""
        fd, self._fd = self._fd, None
        if fd is not None:
            unlock_file(fd)
            os.close(fd)

    @property
    def acquired(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def held(self) -> bool:
        """Whether anybody holds the lock, shared or whole, this object included."""
        if self._fd is not None:
            return True
        try:
            fd = open_private(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:  # a workspace we may only read: a shared look sees holders of the whole lock
            return self._held_seen_by_a_reader()
        try:
            if lock_file(fd):
                unlock_file(fd)
                return False
            return True
        finally:
            os.close(fd)

    def holder(self) -> dict[str, Any] | None:
        """Who has the whole lock: `pid`, `host`, `run`, `since` (seconds since the epoch); None: nobody.

        Shared holders are not told, since there may be many.
        """
        if not self.held():
            return None
        with suppress(OSError, ValueError):
            told = json.loads(self.path.read_bytes())
            return told if isinstance(told, dict) else None
        return None

    def __enter__(self) -> Self:
        self.acquire(wait=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _self_description(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "host": host_name(), "run": self.run, "since": time.time()}

    def _held_seen_by_a_reader(self) -> bool:
        try:
            fd = open_private(self.path, os.O_RDONLY)
        except OSError:
            return False
        try:
            if lock_file(fd, shared=True):
                unlock_file(fd)
                return False
            return True
        except OSError:
            return False
        finally:
            os.close(fd)


def first_free(paths: Iterable[Path], run: str | None = None) -> Lock | None:
    """Take the first of several locks that nobody has; None when all are taken.

    Example:
        >>> slot = first_free(state.locks / f"slot-{n}" for n in range(4))
    """
    for path in paths:
        lock = Lock(path, run)
        if lock.acquire():
            return lock
    return None


def _lock(fd: int, *, shared: bool, wait: bool) -> bool:
    if lock_file(fd, shared=shared, wait=wait):
        return True
    time.sleep(_PROBE)
    return lock_file(fd, shared=shared)


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one that lies at the path."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _write_over(fd: int, data: bytes) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    os.ftruncate(fd, 0)
    os.write(fd, data)
