"""Content digests of files, remembered by the five figures that no edit leaves alone.

A file is known by (dev, inode, mtime_ns, ctime_ns, size). The change time catches edits that put the old
modification time back. Two writes within one tick of the clock may leave equal figures, so figures younger
than two seconds are not trusted: such a file is read again (git calls the trap "racy").

Writes through a memory map leave figures only when a page is written first, and then not again until the
system has brought it to the disk. While somebody has the file open for writing, or where that cannot be
known, figures are trusted after a minute. In a file system in memory (tmpfs) such writes may leave none.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3

from nbpipe.errors import StoreError
from nbpipe.platform import data_ranges, nobody_writes, open_private
from nbpipe.store.files import is_folder, set_aside
from nbpipe.store.layout import StateFolder

YOUNG = 2_000_000_000
"""Nanoseconds for which figures are not trusted: the coarsest clock of a file system (FAT's)."""

WRITTEN = 60_000_000_000
"""Nanoseconds for which figures are not trusted where somebody may write through a memory map: twice what
Linux keeps such pages in memory."""

_CHUNK = 1 << 21  # what two cores hash while it is still in their cache; 4 MiB take 10% longer
_TRIES = 3
_OFTEN = 16  # questions after which whoever asks is told all at once
_READ = 10_000  # rows that are told so at most
_FEW = 1 << 16  # bytes that are read at once
_SCHEMA = 1
_CREATE = """
    BEGIN IMMEDIATE;
    DROP TABLE IF EXISTS digests;
    CREATE TABLE digests (
        file TEXT PRIMARY KEY, mtime_ns INTEGER, ctime_ns INTEGER, size INTEGER, digest TEXT
    ) WITHOUT ROWID;
    PRAGMA user_version = {schema};
    PRAGMA application_id = {mark};
    COMMIT;
"""
_MARK = slice(68, 72)
"""Where a database's application_id lies in its file (SQLite's file format, 1.3)."""


class Figures(NamedTuple):
    """What a file system tells of a file that changes with its content.

    Attributes:
        dev: number of the file system.
        inode: number of the file in it.
        mtime_ns: last change of the content, in nanoseconds since the epoch; anybody may set it.
        ctime_ns: last change of anything, in nanoseconds since the epoch; nobody sets it (Windows: creation).
        size: bytes.
    """

    dev: int
    inode: int
    mtime_ns: int
    ctime_ns: int
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> Figures:
        """The figures in the answer of `os.stat`."""
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)

    def young(self, now: int, age: int = YOUNG) -> bool:
        """Whether the file, at `now` (ns), may have been written again without a trace in the figures."""
        return now - self.ctime_ns < age or abs(now - self.mtime_ns) < age


def figures(path: Path) -> Figures:
    """The five figures of a file; of what a link leads to.

    Raises:
        OSError: it is not there or may not be looked at.
    """
    return Figures.of(os.stat(path))


def digest_bytes(data: bytes) -> str:
    """BLAKE3 of bytes, as 64 hex digits."""
    return blake3(data).hexdigest()


def digest_file(path: Path) -> str:
    """BLAKE3 of a file's content, as 64 hex digits; always reads it, but for holes, which are known to be zeros.

    By chunks, not by a memory map: a mapped file that its owner shortens meanwhile kills the
    process (SIGBUS).
    """
    hasher = blake3(max_threads=blake3.AUTO)
    with open(path, "rb", buffering=0, opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        size, done = status.st_size, 0
        if size < _FEW:
            if len(data := file.read(_FEW) or b"") < _FEW:  # all there is
                return digest_bytes(data)
            file.seek(0)
        view = memoryview(bytearray(min(_CHUNK, max(size, 1))))
        if getattr(status, "st_blocks", size) * 512 < size:
            for start, end in data_ranges(file.fileno(), size):
                _hash_zeros(hasher, start - done)
                done = _hash_stretch(hasher, file, view, start, end)
            _hash_zeros(hasher, size - done)
            file.seek(size)
        while count := file.readinto(view):
            hasher.update(view[:count])
    return hasher.hexdigest()


def _hash_stretch(hasher: Any, file: FileIO, view: memoryview, start: int, end: int) -> int:
    """Take a stretch of a file; where it ended, which is earlier only in a file that has been shortened."""
    file.seek(start)
    while start < end and (count := file.readinto(view[: end - start])):
        hasher.update(view[:count])
        start += count
    return start


def _hash_zeros(hasher: Any, count: int) -> None:
    zeros = memoryview(bytes(min(_CHUNK, max(count, 0))))
    while count > 0:
        hasher.update(zeros[:count])
        count -= _CHUNK


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that may have become a pipe a moment ago: nobody waits for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class FileDigests:
    """Digests of files, remembered in memory and, once there is a state folder, in a database in it.

    The memory on disk is a convenience: damaged, it is set aside and begun anew; locked or read-only, it is
    done without. It never makes the state folder, and nothing is opened before the first question. Threads
    may share it.

    Args:
        state: the workspace's state folder.
        clock: nanoseconds since the epoch.

    Example:
        >>> _ = Path("penguins.csv").write_text("species,island")
        >>> FileDigests(StateFolder(Path())).digest(Path("penguins.csv"))
        'e344...'
    """

    def __init__(self, state: StateFolder, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[Figures, str]] = {}
        self._index = _Index(state)
        self._lock = threading.Lock()

    def digest(self, path: Path) -> str:
        """BLAKE3 of a file's content, as 64 hex digits; a link counts as what it leads to.

        Raises:
            OSError: the file is not there or cannot be read.
            StoreError: it is a folder, a pipe or a device.
        """
        known = self._recall(_figures_of_file(path))
        return known or self.digest_many([path])[path]

    def digest_many(self, paths: Iterable[Path]) -> dict[Path, str]:
        """Digests of many files, remembered in one transaction; raises as `digest` does."""
        found: dict[Path, str] = {}
        learned: list[tuple[Figures, str]] = []
        try:
            for path in paths:
                now = _figures_of_file(path)
                answer = self._recall(now)
                if answer is None:
                    answer, trusted = self._read(path, now)
                    learned += [(trusted, answer)] if trusted else []
                found[path] = answer
        finally:
            self._remember(learned)
        return found

    def close(self) -> None:
        """Close the memory on disk; it is opened again when needed."""
        with self._lock:
            self._index.close()

    def _read(self, path: Path, before: Figures) -> tuple[str, Figures | None]:
        """Digest, and the figures by which it may be remembered: those of a file that held still meanwhile."""
        for _ in range(_TRIES):
            now = self._clock()  # judged before the file is read: who writes later leaves figures
            racy = before.young(now) or (before.young(now, WRITTEN) and not nobody_writes(path))
            answer = digest_file(path)
            after = _figures_of_file(path)
            if after == before:
                return answer, None if racy else after
            before = after
        return answer, None

    def _recall(self, now: Figures) -> str | None:
        if now.young(self._clock()):
            return None
        place = now.dev, now.inode
        with self._lock:
            known = self._known.get(place)
            if known is not None and known[0] == now:
                return known[1]
            answer = self._index.find(now)
            if answer is not None:
                self._known[place] = now, answer
            return answer

    def _remember(self, learned: Iterable[tuple[Figures, str]]) -> None:
        if learned:
            with self._lock:
                self._known.update({(which.dev, which.inode): (which, digest) for which, digest in learned})
                self._index.add(learned)


class _Index:
    """The memory on disk: one row a file. Every trouble with it is answered by doing without."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._database: sqlite3.Connection | None = None
        self._questions = 0
        self._rows: dict[tuple[str, int, int, int], str] = {}

    def find(self, which: Figures) -> str | None:
        row = _row(which)
        self._questions += 1
        if self._questions == _OFTEN:  # a question takes 50 us, a row of all 1 us
            every = "SELECT file, mtime_ns, ctime_ns, size, digest FROM digests LIMIT ?"
            found = self._run(lambda database: database.execute(every, [_READ]).fetchall())
            self._rows = {tuple(figures): str(digest) for *figures, digest in found or ()}
        return self._rows.pop(row, None) or self._asked(row)

    def _asked(self, row: tuple[str, int, int, int]) -> str | None:
        query = "SELECT digest FROM digests WHERE file = ? AND mtime_ns = ? AND ctime_ns = ? AND size = ?"
        found = self._run(lambda database: database.execute(query, row).fetchone())
        return str(found[0]) if found else None

    def add(self, learned: Iterable[tuple[Figures, str]]) -> None:
        rows = [(*_row(which), digest) for which, digest in learned]
        insert = "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)"
        self._run(lambda database: database.executemany(insert, rows))

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do one transaction; None where there is no memory to be had."""
        for _ in range(2):
            try:
                database = self._open()
                if database is None:
                    return None
                with database:
                    return work(database)
            except (sqlite3.OperationalError, OSError):  # locked, read-only, disk full, or removed under us
                self.close()
                return None
            except sqlite3.DatabaseError:
                self.close()
                with suppress(OSError):
                    self._set_aside()
        return None

    @property
    def _path(self) -> Path:
        return self._state.registry / "digests.sqlite"

    def _open(self) -> sqlite3.Connection | None:
        if self._database is None and self._state.exists():
            self._claim()
            self._database = sqlite3.connect(self._path, timeout=2.0, check_same_thread=False)
            self._database.execute("PRAGMA synchronous = NORMAL")
            if self._database.execute("PRAGMA user_version").fetchone()[0] != _SCHEMA:
                mark = _mark(os.stat(self._path))
                self._database.executescript(_CREATE.format(schema=_SCHEMA, mark=mark))
        return self._database

    def _claim(self) -> None:
        """See that the file was made here: it bears the number of its own inode, which nobody knows in advance.

        A copy says nothing of the files of this place. And what a stranger made is not for SQLite to open: it
        follows links, waits for pipes, and does what a journal beside the file says, which may be to remove any
        file of the user's.

        Raises:
            OSError: it cannot be had.
        """
        self._state.ensure()
        try:
            fd = open_private(self._path, os.O_RDWR | os.O_CREAT)
        except PermissionError:  # it may be read all the same
            fd = open_private(self._path, os.O_RDONLY)
        except OSError:
            if is_folder(self._path.parent) and not stat.S_ISREG(os.lstat(self._path).st_mode):
                self._set_aside()
            raise
        with open(fd, "rb") as file:
            status, head = os.fstat(fd), file.read(_MARK.stop)
        if status.st_nlink > 1 or (head and head[_MARK] != _mark(status).to_bytes(4, "big")):
            self._set_aside()
            os.close(open_private(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL))

    def _set_aside(self) -> None:
        for companion in ("-journal", "-wal", "-shm", ""):
            set_aside(self._path.with_name(self._path.name + companion))


def _mark(status: os.stat_result) -> int:
    """A number for a file at its place."""
    return int(digest_bytes(f"{status.st_dev}:{status.st_ino}".encode())[:8], 16) >> 1


def _row(which: Figures) -> tuple[str, int, int, int]:
    """Figures as columns; the file as text, since an inode may be larger than SQLite's integers."""
    return f"{which.dev}:{which.inode}", which.mtime_ns, which.ctime_ns, which.size


def _figures_of_file(path: Path) -> Figures:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a file, so it has no content to compare.")
    return Figures.of(status)
