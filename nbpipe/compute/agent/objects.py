"""The content that a machine keeps, by digest, so that it is sent there once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from contextlib import suppress
from typing import Any

from nbpipe.compute.agent.refusal import Refusal, working_in

_KEPT = 946_684_800 * 10**9
"""Modification time that all objects have (2000-01-01, in ns): one that has another was written to.

What a job changes through a link is noticed so, and sent again, though nobody compares content here."""

_DIGEST = re.compile("[0-9a-f]{64}")
_CHUNK = 1 << 20


class Objects:
    """Files below one folder, each named for its digest and for reading only.

    Args:
        root: the agent's folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._objects = os.path.join(root, "objects")
        self._partial = os.path.join(root, "partial")
        self._coming: dict[str, Any] = {}  # SHA-256 of what came of an object so far
        for folder in (self._objects, self._partial):
            os.makedirs(folder, 0o700, exist_ok=True)

    def missing(self, wanted: dict[str, int]) -> dict[str, int]:
        """Of some objects and their sizes, those that are not here as a whole, and what is here of them.

        Raises:
            Refusal: what was asked is no digest.
        """
        found = {}
        for digest, size in wanted.items():
            if not self.has(digest, size):
                found[digest] = min(_size(self._partial_path(digest)), size)
        return found

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether an object is here, as it came; one that was written to is removed."""
        path = self.path(digest)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return False
        if status.st_mtime_ns == _KEPT and size in (None, status.st_size):
            return True
        os.unlink(path)
        return False

    def path(self, digest: str) -> str:
        """Where an object lies, or would.

        Raises:
            Refusal: that is no digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise Refusal("refused", f"{digest[:80]!r} is no digest.")
        return os.path.join(self._objects, digest[:2], digest)

    def put(self, digest: str, offset: int, size: int, sha256: str | None, data: bytes) -> int:
        """Take the next part of an object, or begin it anew; how much of it is here.

        Args:
            digest: its name.
            offset: where the part begins; 0 begins anew.
            size: bytes of the whole.
            sha256: of the whole, with the last part.
            data: the part.

        Raises:
            Refusal: the part is not the next one, the whole is something else, or there is no room.
        """
        if self.has(digest, size):
            return size
        partial = self._partial_path(digest)
        with working_in(self._root):
            have = _size(partial)
            if offset not in (0, have) or offset + len(data) > size:
                raise Refusal("offset", f"{have} bytes of {digest[:12]} are here, and {offset} came next.")
            total = self._hash(digest, partial, offset)
            del self._coming[digest]  # known again once all is written
            try:
                with open(partial, "ab" if offset else "wb") as file:
                    file.write(data)
            except OSError:  # a disk that is full has room again for what is smaller
                os.unlink(partial)
                raise
            total.update(data)
            if sha256 is None:
                self._coming[digest] = total
                return offset + len(data)
            if total.hexdigest() != sha256 or _size(partial) != size:
                os.unlink(partial)
                raise Refusal("digest", f"{digest[:12]} did not arrive whole.")
            self._keep(partial, digest)
        return size

    def adopt(self, path: str, digest: str) -> None:
        """Keep a file that was made here: it becomes the object itself, or where it has other names a copy does."""
        if self.has(digest):
            return
        if os.lstat(path).st_nlink > 1:  # who has another name of it may write to it, and must go on to
            descriptor, copy = tempfile.mkstemp(dir=self._partial)
            os.close(descriptor)
            path = shutil.copyfile(path, copy)
        self._keep(path, digest)

    def lend(self, digest: str, path: str) -> None:
        """Give an object a second name, where a job reads it."""
        try:
            os.link(self.path(digest), path)
        except OSError:  # as many names as the file system allows, or none at all
            os.symlink(self.path(digest), path)

    def _keep(self, path: str, digest: str) -> None:
        kept = self.path(digest)
        os.makedirs(os.path.dirname(kept), 0o700, exist_ok=True)
        os.chmod(path, 0o444)
        os.utime(path, ns=(_KEPT, _KEPT))
        os.replace(path, kept)

    def _hash(self, digest: str, partial: str, offset: int) -> Any:
        """SHA-256 of what is here of an object; read again where another agent took it."""
        if not offset or digest not in self._coming:
            total = self._coming[digest] = hashlib.sha256()
            if offset:
                with open(partial, "rb") as file:
                    while data := file.read(_CHUNK):
                        total.update(data)
        return self._coming[digest]

    def _partial_path(self, digest: str) -> str:
        self.path(digest)
        return os.path.join(self._partial, digest)


def untouched(path: str) -> bool:
    """Whether nobody wrote to what was lent."""
    with suppress(OSError):
        return os.stat(path).st_mtime_ns == _KEPT
    return False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
