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
from nbpipe.store.files import open_anew, read_json, storing

_LOOK = 0.05  # seconds; a look by `held` takes microseconds, unless its process is not let run


class Lock:
    """One lock file. An object of this class holds the lock at most once; two objects exclude each other.

    Args:
        path: the lock file; made when first locked, its folder exists.
        run: id of the run on whose behalf the lock is taken, told to whoever waits.

    Example:
        >>> with Lock(Path("key-9c02")):
        ...     Lock(Path("key-9c02")).acquire()
        False
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
                fd = open_anew(self.path, os.O_RDWR | os.O_CREAT)
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
                try:
                    with suppress(OSError):  # a full disk keeps nobody from holding a lock
                        _write_over(fd, json.dumps(self._self_description()).encode())
                except BaseException:  # an interrupt: nobody would give it back
                    self.release()
                    raise
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
        """Whether anybody has the whole lock, this object included; those who share it do not count."""
        try:
            fd = open_private(self.path, os.O_RDONLY)
        except OSError:
            return False
        try:
            return not lock_file(fd, shared=True)
        except OSError:
            return False
        finally:
            os.close(fd)

    def holder(self) -> dict[str, Any] | None:
        """Who has the whole lock: `pid`, `host`, `run`, `since` (seconds since the epoch); None: nobody.

        Shared holders are not told, since there may be many.
        """
        if not self.held():
            return None
        with suppress(OSError, ValueError):
            told = read_json(self.path)
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


def first_free(paths: Iterable[Path], run: str | None = None) -> Lock | None:
    """Take the first of several locks that nobody has; None when all are taken.

    Example:
        >>> slot = first_free(Path(f"slot-{n}") for n in range(4))
        >>> slot.path.name
        'slot-0'
        >>> slot.release()
    """
    for path in paths:
        lock = Lock(path, run)
        if lock.acquire():
            return lock
    return None


def _lock(fd: int, *, shared: bool, wait: bool) -> bool:
    """Lock a file; `held` shares the lock while it looks, which is not taken for a holder."""
    deadline = time.monotonic() + _LOOK
    while not lock_file(fd, shared=shared, wait=wait):
        if shared or not lock_file(fd, shared=True):
            return False
        unlock_file(fd)
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK / 50)
    return True


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
