"""What a step prints: written as it comes within bounds, read by anyone at any time, in the order it came.

An attempt's folder holds ``stdout.log`` and ``stderr.log``, the plain bytes, and ``order``, whose lines say
in which order they came: ``o 1234`` for the next 1234 bytes of stdout, ``e 88`` for the next 88 of stderr.
A line is written when the other stream begins, so what comes after all that is told is of one stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from nbpipe.platform import open_private
from nbpipe.runtime.masking import Masker
from nbpipe.store.files import open_to_read, own_folder, remove_tree, storing

if TYPE_CHECKING:
    from nbpipe.compute.base import Stream

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
LIMIT = 2**30
"""Bytes of output that a step keeps by default."""
_ORDER = "order"
_NAMES: dict[Stream, str] = {stream: f"{stream}.log" for stream in STREAMS}
_LETTERS: dict[Stream, str] = {"stdout": "o", "stderr": "e"}
_BLOCK = 2**20
_ORDER_BLOCK = 2**14
_DIGITS = 20  # of a number of bytes; what has more is damaged


class Position(NamedTuple):
    """How far a reader has come.

    Attributes:
        stdout, stderr: bytes read of each stream.
        order: bytes read of ``order``, always whole lines.
        into: bytes read of what its next line will tell of.
    """

    stdout: int = 0
    stderr: int = 0
    order: int = 0
    into: int = 0


class StepLog:
    """The output of one attempt at a step, for readers; it need not be there yet.

    Args:
        folder: the attempt's folder.

    Example:
        >>> writer = LogWriter(Path("attempt"))
        >>> writer.write("stdout", b"one ")
        >>> writer.write("stderr", b"two")
        >>> chunks, position = StepLog(Path("attempt")).read()
        >>> chunks
        [('stdout', b'one '), ('stderr', b'two')]
        >>> writer.write("stdout", b"three")
        >>> StepLog(Path("attempt")).read(position)[0]
        [('stdout', b'three')]
        >>> writer.close()
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[Stream, Path] = {stream: folder / name for stream, name in _NAMES.items()}

    def read(
        self, position: Position | None = None, *, limit: int | None = None
    ) -> tuple[list[tuple[Stream, bytes]], Position]:
        """What came since a position, in the order it came, and the position after it.

        Where ``order`` is gone or cut short, the rest of stdout comes before that of stderr.

        Args:
            position: where an earlier call ended; None for the beginning.
            limit: bytes to read at most; then call again.
        """
        at = position or Position()
        # Sizes first: what is there by now is then told by the order, or is of one stream.
        ends = {stream: _size(path) for stream, path in self.paths.items()}
        room = sum(ends.values()) if limit is None else limit
        chunks: list[tuple[Stream, bytes]] = []
        with LogFiles(self.paths) as files:
            for stream, length, order in self._runs(at, ends):
                data = files.read(stream, getattr(at, stream), min(length, room))
                room -= len(data)
                if data:
                    chunks.append((stream, data))
                whole = order is not None and len(data) == length
                at = Position(
                    stdout=at.stdout + (len(data) if stream == "stdout" else 0),
                    stderr=at.stderr + (len(data) if stream == "stderr" else 0),
                    order=order if order is not None and whole else at.order,
                    into=0 if whole else at.into + len(data),
                )
                if len(data) < length or not room:
                    break
        return chunks, at

    def _runs(self, at: Position, ends: dict[Stream, int]) -> Iterator[tuple[Stream, int, int | None]]:
        """Stretches of one stream: how long, and where ``order`` goes on behind its line, if it has one."""
        left = {"stdout": ends["stdout"] - at.stdout, "stderr": ends["stderr"] - at.stderr}
        into, order = at.into, at.order
        for line in _lines(self.folder / _ORDER, at.order):
            letter, _, number = line.partition(b" ")
            if letter not in (b"o", b"e") or not number.strip().isdigit() or len(number) > _DIGITS:
                break
            stream: Stream = "stdout" if letter == b"o" else "stderr"
            order += len(line)
            length = max(0, int(number) - into)
            into = 0
            yield stream, length, order
            left[stream] -= length
        for stream in STREAMS:
            if left[stream] > 0:
                yield stream, left[stream], None

    def text(self, stream: Stream | None = None) -> str:
        """All of one stream, or of both in the order they came; bytes that are no UTF-8 show as U+FFFD."""
        if stream is None:
            data = b"".join(chunk for _, chunk in self.read()[0])
        else:
            data = _read(self.paths[stream], 0, _size(self.paths[stream]))
        return data.decode("utf-8", "replace")

    def tail(self, stream: Stream, length: int) -> bytes:
        """The last bytes of a stream."""
        size = _size(self.paths[stream])
        return _read(self.paths[stream], max(0, size - length), length)

    def size(self) -> int:
        """Bytes of both streams."""
        return sum(_size(path) for path in self.paths.values())


class LogFiles:
    """The files of both streams while they are read: each opened once, when it is needed.

    Args:
        paths: stream -> file; see ``StepLog.paths``.

    Example:
        ``with LogFiles(log.paths) as files: files.read("stdout", 0, 80)``
    """

    def __init__(self, paths: Mapping[Stream, Path]) -> None:
        self._paths = paths
        self._opened: dict[Stream, BinaryIO] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._opened.values():
            file.close()

    def read(self, stream: Stream, offset: int, length: int) -> bytes:
        """A stretch of one stream; nothing where its file is not there."""
        if stream not in self._opened:
            with suppress(FileNotFoundError):
                self._opened[stream] = open_to_read(self._paths[stream])
        file = self._opened.get(stream)
        if file is None:
            return b""
        file.seek(offset)
        return file.read(length)


class LogWriter:
    """Writes the output of one attempt, at once and within bounds.

    Up to half the limit is kept as it comes. Of what follows the last part is kept, a quarter of the limit or
    more: it goes to two further folders in turn, and behind the head when the log is closed, after a line for
    each stream that says how many bytes were left out.

    Args:
        folder: the attempt's folder, made where missing; an earlier log in it is overwritten.
        limit: bytes to keep of both streams together.
        secrets: values to mask; see ``Masker``.

    Raises:
        StoreError: the log cannot be written; from every method.
    """

    def __init__(self, folder: Path, *, limit: int = LIMIT, secrets: Iterable[str] = ()) -> None:
        values = list(secrets)
        self._maskers: dict[Stream, Masker] = {stream: Masker(values) for stream in STREAMS}
        self._limit = limit
        self._part = max(1, limit // 4)
        self._head = _Written(folder)
        self._ring: list[_Written] = []  # at most two, the older first
        self._left_out: dict[Stream, int] = dict.fromkeys(STREAMS, 0)
        self._closed = False

    def write(self, stream: Stream, data: bytes) -> None:
        """Append output; readers see it at once, but for an end that could begin a secret.

        Raises:
            ValueError: the log is closed.
        """
        if self._closed:
            raise ValueError("the log is closed")
        self._keep(stream, self._maskers[stream].feed(data))

    def tail(self, stream: Stream, length: int) -> bytes:
        """The last bytes of a stream, as far as they are kept."""
        found = b""
        for files in reversed([self._head, *self._ring]):
            found = StepLog(files.folder).tail(stream, length - len(found)) + found
        return found

    def close(self) -> None:
        """Write what is held back, put the tail behind the head; a second call does nothing."""
        if self._closed:
            return
        try:
            for stream in STREAMS:
                self._keep(stream, self._maskers[stream].flush())
            self._join()
        finally:
            self._closed = True
            self._head.close()

    def _join(self) -> None:
        """Append to the head what says how much is missing, and the ring."""
        for stream, length in self._left_out.items():
            if length:
                line = f"[nbpipe: {length:,} bytes of {stream} left out; a step's log keeps {self._limit:,}]"
                self._head.append(stream, f"\n{line}\n".encode())
        for files in self._ring:
            files.close()
            for stream, data in _blocks(StepLog(files.folder)):
                self._head.append(stream, data)
            remove_tree(files.folder)

    def _keep(self, stream: Stream, data: bytes) -> None:
        view = memoryview(data)
        if not self._ring:
            room = self._limit // 2 - self._head.size
            self._head.append(stream, view[: max(0, room)])
            view = view[max(0, room) :]
        while view:
            files = self._segment()
            room = self._part - files.size
            files.append(stream, view[:room])
            view = view[room:]

    def _segment(self) -> _Written:
        """The part of the ring that has room."""
        if not self._ring or self._ring[-1].size >= self._part:
            if len(self._ring) == 2:
                oldest = self._ring.pop(0)
                oldest.close()
                for stream, length in oldest.sizes.items():
                    self._left_out[stream] += length
            taken = self._ring[0].folder.name if self._ring else ""
            name = "tail-1" if taken != "tail-1" else "tail-2"
            self._ring.append(_Written(self._head.folder / name))
        return self._ring[-1]


class _Written:
    """The three files of a log, each made when there is something to write: most scripts print to one stream.

    Attributes:
        folder: where they lie.
        sizes: bytes written of each stream.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: dict[Stream, int] = dict.fromkeys(STREAMS, 0)
        self._current: Stream | None = None
        self._run = 0
        self._fds: dict[str, int] = {}
        with storing(folder):
            own_folder(folder)
            for name in (_ORDER, *_NAMES.values()):
                with suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))

    @property
    def size(self) -> int:
        return sum(self.sizes.values())

    def append(self, stream: Stream, data: bytes | memoryview) -> None:
        if not data:
            return
        with storing(self.folder):
            if stream != self._current:
                self._end_run()
                self._current = stream
            self._write(_NAMES[stream], data)
        self._run += len(data)
        self.sizes[stream] += len(data)

    def close(self) -> None:
        with storing(self.folder):
            self._end_run()
            for fd in self._fds.values():
                os.close(fd)

    def _end_run(self) -> None:
        if self._current and self._run:
            self._write(_ORDER, f"{_LETTERS[self._current]} {self._run}\n".encode())
            self._run = 0

    def _write(self, name: str, data: bytes | memoryview) -> None:
        fd = self._fds.get(name)
        if fd is None:
            fd = self._fds[name] = open_private(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]


def _blocks(log: StepLog) -> Iterator[tuple[Stream, bytes]]:
    """A log in pieces of bounded size."""
    position = Position()
    while True:
        chunks, position = log.read(position, limit=_BLOCK)
        if not chunks:
            return
        yield from chunks


def _size(path: Path) -> int:
    """Bytes of a log; 0 where there is none yet.

    Raises:
        StoreError: something else has its name.
    """
    try:
        with open_to_read(path) as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, offset: int, length: int) -> bytes:
    try:
        with open_to_read(path) as file:
            file.seek(offset)
            return file.read(length)
    except FileNotFoundError:
        return b""


def _lines(path: Path, offset: int) -> Iterator[bytes]:
    """The whole lines of a file from an offset on, read as far as they are asked for."""
    rest = b""
    with suppress(FileNotFoundError), open_to_read(path) as file:
        file.seek(offset)
        while block := file.read(_ORDER_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                yield line + b"\n"
