"""Bytes kept under their digest: files of code, fingerprints, manifests."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.platform import copy_file, flush_files, open_private
from nbpipe.store.digests import FileDigests, digest_bytes, digest_file
from nbpipe.store.files import (
    TEMPORARY,
    listing,
    own_folder,
    put_in_place,
    read_bytes,
    set_aside,
    storing,
    write_bytes,
)
from nbpipe.store.layout import StateFolder

_SMALL = 1 << 20  # bytes; a blob beyond is flushed, and read again only when its figures changed
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The blobs of a workspace.

    Args:
        state: where they lie; made on the first write.
        digests: how files are read.
    """

    def __init__(self, state: StateFolder, digests: FileDigests) -> None:
        self._state = state
        self._folder = str(state.objects)
        self._digests = digests

    def put_bytes(self, data: bytes) -> str:
        """Keep bytes; their digest."""
        digest = digest_bytes(data)
        if not _holds(self._place(digest), data):  # absent, or torn by a power cut
            blob = self.blob_path(digest)
            self._state.ensure()
            with storing(blob):
                own_folder(blob.parent)
            write_bytes(blob, data, mode=0o444)
        return digest

    def put_file(self, path: Path) -> str:
        """Keep the content of a file; its digest. Name and mode are not kept.

        Raises:
            OSError: the file cannot be read.
            StoreError: it is no file, or it cannot be kept.
        """
        digest = self._digests.digest(path)
        if self._is_whole(digest):
            return digest
        with self._state.scratch() as folder:
            copy = folder / "copy"
            with storing(copy):
                copy_file(path, copy)
                digest = digest_file(copy)  # of what was copied, should the file have changed meanwhile
                os.chmod(copy, 0o444)
                if os.stat(copy).st_size > _SMALL:
                    flush_files([copy])
                own_folder(self.blob_path(digest).parent)
                put_in_place(copy, self.blob_path(digest))
        return digest

    def _is_whole(self, digest: str) -> bool:
        """Whether a blob is there as it should be."""
        place = self._place(digest)
        size = _size(place)
        if size is None:
            return False
        with suppress(OSError):
            found = self._digests.digest(Path(place)) if size > _SMALL else digest_bytes(_content(place))
            return found == digest
        return False

    def get_bytes(self, digest: str) -> bytes:
        """The bytes with that digest.

        Raises:
            StoreError: they are not there, or are damaged; damaged ones are set aside.
        """
        blob = self.blob_path(digest)
        try:
            data = read_bytes(blob)
        except FileNotFoundError as error:
            raise missing(digest) from error
        if digest_bytes(data) != digest:
            aside = set_aside(blob)
            raise StoreError(f"Object {digest[:12]} is damaged; it was set aside.", place=str(aside or blob))
        return data

    def has(self, digest: str) -> bool:
        """Whether a blob is there."""
        return _size(self._place(digest)) is not None

    def blob_path(self, digest: str) -> Path:
        """Where a blob lies or would lie; read-only.

        Raises:
            StoreError: the text is no digest.
        """
        return Path(self._place(digest))

    def _place(self, digest: str) -> str:
        """The same as text: to make a path of it takes as long as to look there."""
        if not _DIGEST.fullmatch(digest):
            raise StoreError(f"{digest!r} names no object.")
        return os.path.join(self._folder, digest[:2], digest)

    def strays(self) -> Iterator[Path]:
        """Files that a crash left while a blob was written."""
        for folder in listing(self._state.objects):
            found = listing(Path(folder.path))
            yield from (Path(item.path) for item in found if item.name.startswith(TEMPORARY))


def _holds(path: str, data: bytes) -> bool:
    """Whether a file of ours has this content."""
    try:
        return _size(path) == len(data) and _content(path) == data
    except OSError:
        return False


def _content(path: str) -> bytes:
    """All of a file that is small."""
    with open(open_private(path, os.O_RDONLY), "rb", buffering=0) as file:
        return file.read()


def _size(path: str) -> int | None:
    """Bytes of a file of ours; None where there is none, or its folder is a link that may lead anywhere."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(os.lstat(os.path.dirname(path)).st_mode):
            return None
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def missing(digest: str) -> StoreError:
    """The error for an object that is not there."""
    return StoreError(f"Object {digest[:12]} is not in the store.", remedy="What made it has to run again.")
