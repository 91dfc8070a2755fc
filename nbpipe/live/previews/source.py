"""A file that may be looked into: opened to read, of bounded parts, never a pipe or device."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError
from nbpipe.platform import open_private

HEAD = 2**16
"""Bytes from which it is told what a file holds."""

_TORN = 4  # bytes of a character that the end of a head may cut off


@dataclass(frozen=True)
class Source:
    """A file.

    Attributes:
        path: where it lies; links are followed.
        name: what its data are called, for what its ending says.
    """

    path: Path
    name: str

    @property
    def suffix(self) -> str:
        """Its ending, in lower case: ``.csv``."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """The file, to read.

        Raises:
            StoreError: it is gone, is no file, or cannot be read.
        """
        try:
            return os.fdopen(open_private(Path(os.path.realpath(self.path)), os.O_RDONLY), "rb")
        except OSError as error:
            raise StoreError(f"{self.name} cannot be read: {error.strerror}.") from error

    @property
    def size(self) -> int:
        """Bytes."""
        with self.open() as file:
            return os.fstat(file.fileno()).st_size

    def read(self, length: int, start: int = 0) -> bytes:
        """A part of it; raises as ``open`` does."""
        with self.open() as file:
            file.seek(start)
            return file.read(length)

    def identity(self) -> tuple[str, int, int]:
        """What is the same as long as its content is."""
        with self.open() as file:
            status = os.fstat(file.fileno())
        return os.path.realpath(self.path), status.st_size, status.st_mtime_ns


def encoding_of(head: bytes, *, whole: bool) -> str:
    """How a text is encoded: UTF-8 with or without its mark, UTF-16 with it, else Latin-1, which any bytes are.

    Args:
        head: its beginning.
        whole: True where that is all of it.

    Example:
        >>> encoding_of("é".encode(), whole=True), encoding_of("é".encode("latin-1"), whole=True)
        ('utf-8', 'latin-1')
    """
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for cut in (0,) if whole else range(_TORN):
        with suppress(UnicodeDecodeError):
            head[: len(head) - cut].decode("utf-8")
            return "utf-8"
    return "latin-1"
