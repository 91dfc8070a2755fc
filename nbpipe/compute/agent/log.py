"""What a job printed, in files of a bounded size, read by offset; what nobody has read is never removed."""

from __future__ import annotations

import os

PIECE = 16 * 2**20
"""Bytes of a stream in one file, so that what was read can be removed."""

KEPT = 2**30
"""Bytes of a stream that are kept. Of more, the oldest go that were read; where none were, the job waits."""


class Log:
    """One stream of one job, with what is there of it already.

    Args:
        folder: where its files lie.
        name: of the stream.
        writing: more will be written.
    """

    def __init__(self, folder: str, name: str, *, writing: bool = True) -> None:
        self._folder = folder
        self._name = name
        entries = (entry.rpartition(".") for entry in os.listdir(folder))
        # Where each piece begins in the stream, which is its name.
        self._pieces = sorted(int(start) for stem, _, start in entries if stem == name and start.isdigit())
        self.size = 0
        self._taken = 0
        if self._pieces:
            self.size = self._pieces[-1] + os.stat(self._path(self._pieces[-1])).st_size
        self._file = -1
        if writing:
            self._begin()

    @property
    def full(self) -> bool:
        """Whether so much is unread that nothing more should come."""
        return self.size - self._taken > KEPT

    def write(self, data: bytes) -> None:
        """Take what comes next; it is taken even where the log is full."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self.size += len(data)
        if self.size - self._pieces[-1] >= PIECE:
            self.close()
            self._begin()
            self._shorten()

    def take(self, offset: int) -> None:
        """Know that whoever reads has all that lies before an offset."""
        self._taken = max(self._taken, min(offset, self.size))
        self._shorten()

    def read(self, offset: int, most: int) -> tuple[int, bytes]:
        """Bytes from an offset on, and where they really begin: later, where what is asked for is gone."""
        offset = max(offset, self._pieces[0] if self._pieces else 0)
        held = [piece for piece in self._pieces if piece <= offset]
        if not held or offset >= self.size:
            return offset, b""
        with open(self._path(held[-1]), "rb", buffering=0) as file:
            file.seek(offset - held[-1])
            return offset, file.read(most)

    def close(self) -> None:
        """Write no more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self) -> None:
        self._pieces.append(self.size)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(self._path(self.size), flags, 0o600)

    def _shorten(self) -> None:
        """Remove the oldest of what was read, where more is there than is kept."""
        while len(self._pieces) > 1 and self.size - self._pieces[0] > KEPT and self._taken >= self._pieces[1]:
            os.unlink(self._path(self._pieces.pop(0)))

    def _path(self, start: int) -> str:
        return os.path.join(self._folder, f"{self._name}.{start}")
