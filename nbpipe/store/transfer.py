"""Bringing files from a datastore and to it: in parallel, resumed, compared, with progress and time left."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass  # this travels, see carrier.py
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.platform import open_private
from nbpipe.store.remote_folder import RemoteFolder

CHUNK = 8 << 20
"""Bytes asked for at once: what a broken connection costs at most."""

WORKERS = 8
"""Files on their way at once: small ones mostly wait for answers."""

_OFTEN = 0.2  # seconds between two tellings
_WINDOW = 10.0  # seconds over which the rate is taken


@dataclass(frozen=True)
class Progress:
    """How far a transfer has come.

    Attributes:
        done, total: bytes.
        rate: bytes a second, of late.

    Example:
        >>> Progress(12, 40, 7.0).left
        4.0
    """

    done: int
    total: int
    rate: float

    @property
    def left(self) -> float | None:
        """Seconds until it is done at this rate; None where nothing moves."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


Listener = Callable[[Progress], None]
"""Hears of progress, a few times a second and at the end, from any thread."""


class Meter:
    """Counts the bytes of a transfer and tells of them. Threads may share one.

    Args:
        total: bytes that will go.
        tell: the listener, or None.
        clock: seconds that only grow.
    """

    def __init__(
        self, total: int, tell: Listener | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total = total
        self.done = 0
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._told = float("-inf")
        self._past: deque[tuple[float, int]] = deque([(clock(), 0)])

    def skip(self, count: int) -> None:
        """Count bytes that need not go: they say nothing of the rate."""
        with self._lock:
            self.done += count
            self._past = deque((when, done + count) for when, done in self._past)
        self._say(self._clock())

    def add(self, count: int) -> None:
        """Count bytes that went; less than nothing for those that have to go once more."""
        now = self._clock()
        with self._lock:
            self.done += count
            self._past.append((now, self.done))
            while len(self._past) > 2 and now - self._past[0][0] > _WINDOW:
                self._past.popleft()
        self._say(now)

    def _say(self, now: float) -> None:
        with self._lock:
            if self._tell is None or (now - self._told < _OFTEN and self.done < self.total):
                return
            self._told = now
            since, before = self._past[0]
            rate = (self.done - before) / (now - since) if now > since else 0.0
            progress = Progress(self.done, self.total, max(rate, 0.0))
        self._tell(progress)


def in_parallel(calls: Iterable[Callable[[], None]], workers: int = WORKERS) -> None:
    """Carry out calls that wait for a network; raises what the first that failed raised, and begins no more."""
    with ThreadPoolExecutor(workers, thread_name_prefix="nbpipe-transfer") as pool:
        waiting = [pool.submit(call) for call in calls]
        try:
            for each in waiting:
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def fetch_file(
    folder: RemoteFolder,
    name: str,
    target: Path,
    *,
    size: int,
    is_whole: Callable[[Path], bool] | None = None,
    meter: Meter | None = None,
) -> None:
    """Bring a file, going on where an earlier try ended.

    Args:
        folder: where it comes from.
        name: the file there.
        target: the file here, nobody else's; what it holds already is taken for the beginning.
        size: bytes it has.
        is_whole: whether a file is what it should be, by its digest; None where nobody knows that in advance.
        meter: told of bytes.

    Raises:
        FileNotFoundError: it is not there.
        Unreachable: the datastore is away; what came stays, for the next try.
        StoreError: it is shorter, or not what its digest says; then nothing stays.
    """
    fd = open_private(target, os.O_RDWR | os.O_CREAT)
    with open(fd, "r+b", buffering=0) as file:
        meter = meter or Meter(size)
        resumed = min(os.fstat(fd).st_size, size)
        file.truncate(resumed)
        meter.skip(resumed)
        _fill(folder, name, fd, (resumed, size), meter)
        if is_whole is not None and not is_whole(target):
            meter.skip(-size)
            file.truncate(0)
            if not resumed:
                raise StoreError(f"{folder.url}/{name} is not what its digest says; it is not used.")
            _fill(folder, name, fd, (0, size), meter)
            if not is_whole(target):
                file.truncate(0)
                raise StoreError(f"{folder.url}/{name} is not what its digest says; it is not used.")


def send_file(folder: RemoteFolder, name: str, source: Path, size: int, meter: Meter) -> None:
    """Put a file there; what has its name and size is left alone, what has another size is no whole file.

    Raises:
        Unreachable, StoreError: see `RemoteFolder.create`.
    """
    if folder.create(name, source, meter.add):
        return
    seen = folder.look(name)
    if seen is None or seen.size != size:
        folder.replace(name, source, meter.add)
    else:
        meter.skip(size)


def _fill(folder: RemoteFolder, name: str, fd: int, stretch: tuple[int, int], meter: Meter) -> None:
    """Write a stretch of a file as it comes; a part that came short is asked for from there on."""
    at, end = stretch
    while at < end:
        data = folder.read(name, at, min(at + CHUNK, end))
        if not data:
            os.ftruncate(fd, 0)
            raise StoreError(f"{folder.url}/{name} ends after {at:,} of {end:,} bytes; it is not used.")
        os.lseek(fd, at, os.SEEK_SET)
        view = memoryview(data)[: end - at]
        while view:
            count = os.write(fd, view)
            view = view[count:]
            at += count
        meter.add(len(data))
