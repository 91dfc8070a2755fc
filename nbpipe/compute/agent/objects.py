"""The content that a machine keeps, by digest, so that it is sent there once."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        self._coming: dict[str, tuple[int, Any]] = {}  # SHA-256 of so many bytes of what comes
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
        with suppress(FileNotFoundError):
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
        """Take the next part of an object; how much of it is here.

        Many may send one object at once, each from where it is: of a part that is here in part the rest is taken,
        and who hears that more is here than it sent goes on from there.

        Args:
            digest: its name.
            offset: where the part begins; not beyond what is here.
            size: bytes of the whole.
            sha256: of the whole, with the last part.
            data: the part.

        Returns:
            Bytes that are here, `size` once the whole is kept.

        Raises:
            Refusal: what lies before the part is not here, the whole is something else, or there is no room.
        """
        with working_in(self._root):
            while not self.has(digest, size):
                with open(self._partial_path(digest), "a+b", buffering=0) as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    if not _is(file, self._partial_path(digest)):
                        continue  # it was kept, or removed, by who had it before
                    if not self.has(digest, size):
                        return self._take(file, digest, offset, size, sha256, data)
                    os.unlink(file.name)
        return size

    def _take(
        self, file: io.FileIO, digest: str, offset: int, size: int, sha256: str | None, data: bytes
    ) -> int:
        """Take a part into its file, which nobody else writes meanwhile."""
        have = os.fstat(file.fileno()).st_size
        if offset > have or offset + len(data) > size:
            raise Refusal("offset", f"{have} bytes of {digest[:12]} are here, and {offset} came next.")
        total = self._sum(digest, file, have)
        new = memoryview(data)[have - offset :]
        total.update(new)
        have += len(new)
        try:
            while new:
                new = new[file.write(new) :]
        except OSError:  # a disk that is full has room again for what is smaller
            os.unlink(file.name)
            raise
        if sha256 is None:
            self._coming[digest] = have, total
            return min(have, size - 1)  # that all of it is here is said once it is kept
        if total.hexdigest() != sha256 or have != size:
            os.unlink(file.name)
            raise Refusal("digest", f"{digest[:12]} did not arrive whole.")
        self._keep(os.fspath(file.name), digest)
        return size

    def take_partial(self, digest: str, taker: str) -> str:
        """The file that somebody fills with an object by himself; what came of it so far is in it."""
        path = f"{self._partial_path(digest)}-{hashlib.sha256(taker.encode()).hexdigest()[:16]}"
        with self._locked_partial(digest) as file:
            os.rename(file.name, path)
        return path

    def give_partial(self, path: str, digest: str, *, whole: bool) -> None:
        """Take such a file back: an object, once it is whole; else what has come of it, where that is more."""
        with self._locked_partial(digest) as file:
            if whole and not self.has(digest):
                self._keep(path, digest)
                os.unlink(file.name)
            elif not whole and _size(path) > _size(file.name):
                os.replace(path, file.name)
            else:
                os.unlink(path)
                if whole or not _size(file.name):
                    os.unlink(file.name)

    @contextmanager
    def _locked_partial(self, digest: str) -> Iterator[Any]:
        """What came of an object so far, as a file that nobody else writes meanwhile; made where nothing came."""
        path = self._partial_path(digest)
        while True:
            with open(path, "a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is(file, path):  # else it was kept, or removed, by who had it before
                    self._coming.pop(digest, None)
                    yield file
                    return

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

    def _sum(self, digest: str, file: io.FileIO, end: int) -> Any:
        """SHA-256 of an object up to some byte; what somebody else took is read."""
        known, total = self._coming.pop(digest, (0, None))
        if total is None or known > end:
            known, total = 0, hashlib.sha256()
        file.seek(known)
        while known < end:
            data = file.read(min(end - known, _CHUNK))
            if not data:
                break
            total.update(data)
            known += len(data)
        return total

    def _partial_path(self, digest: str) -> str:
        self.path(digest)
        return os.path.join(self._partial, digest)


def untouched(path: str) -> bool:
    """Whether nobody wrote to what was lent."""
    with suppress(OSError):
        return os.stat(path).st_mtime_ns == _KEPT
    return False


def _is(file: io.FileIO, path: str) -> bool:
    """Whether an open file is still what lies at its path: it may have become an object, or have been removed."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
