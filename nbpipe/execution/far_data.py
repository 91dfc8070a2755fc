"""Data behind URLs, which no step makes: counted by what the datastore tells, fetched once for all steps."""

from __future__ import annotations

import fnmatch
import glob
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbpipe.core.fingerprint import digest_of
from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError, UsageError
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import append_line, read_lines, remove_tree
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore
from nbpipe.store.remote_folder import RemoteFolder, Seen

if TYPE_CHECKING:
    from nbpipe.store.transfer import Meter

REMEMBERED = 10.0
"""Seconds for which a datastore is not asked again what lies behind a URL."""


@dataclass(frozen=True)
class FarFile:
    """A file behind a URL, as it is now.

    Attributes:
        url: the folder or file that was named.
        name: the file, seen from there; empty where the URL is the file.
        size: bytes.
        tag: what changes with its content.
    """

    url: str
    name: str
    size: int
    tag: str

    @property
    def version(self) -> str:
        """What counts of it: 64 hex digits that change with its content."""
        return digest_of([self.tag, self.size])


class FarData:
    """What lies behind URLs, and the workspace's copies of it.

    Args:
        state: where what is on its way is kept, and which copy is of which file.
        objects, digests: the store.
        open_url: opens a URL with the user's credentials.
        clock: seconds that only grow.
    """

    def __init__(
        self, state: StateFolder, objects: ObjectStore, digests: FileDigests, open_url: Callable[[str], RemoteFolder],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._state = state
        self._objects = objects
        self._digests = digests
        self._open_url = open_url
        self._clock = clock
        self._opened: dict[str, RemoteFolder] = {}
        self._seen: dict[str, tuple[float, tuple[dict[str, FarFile], bool]]] = {}

    def find(self, url: str) -> tuple[dict[str, FarFile], bool]:
        """The files behind a URL by their names inside, and whether it is one file.

        Args:
            url: of a file or a folder, or a pattern.

        Raises:
            UsageError: nothing is there.
            StoreError: the datastore does not answer, refuses access or tells no version.
        """
        when, found = self._seen.get(url, (float("-inf"), ({}, False)))
        if self._clock() - when >= REMEMBERED:
            found = self._look(url)
            self._seen[url] = self._clock(), found
        return found

    def _look(self, url: str) -> tuple[dict[str, FarFile], bool]:
        base, pattern = _split(url)
        folder = self._open(base)
        seen = None if pattern else folder.look("")
        if seen is not None:
            return {base.rstrip("/").rpartition("/")[2]: _far(base, "", seen)}, True
        files = {
            name: _far(base, name, each) for name, each in folder.find("").items() if _matches(name, pattern)
        }
        if not files:
            raise UsageError(f"there is nothing at {url}")
        return dict(sorted(files.items())), False

    def fetch(self, file: FarFile, meter: Meter) -> Path:
        """The workspace's copy of a file, read only; it is fetched unless that version is here.

        Raises:
            StoreError: it cannot be fetched, or it changed meanwhile.
        """
        from nbpipe.store.transfer import fetch_file

        key = digest_of([file.url, file.name, file.version])
        with Lock(self._locks(key)):
            known = self._recall(key)
            if known:
                meter.skip(file.size)
                return self._objects.blob_path(known)
            coming = self._state.tmp / f"fetching-{key}"
            folder = self._open(file.url)
            try:
                fetch_file(folder, file.name, coming, size=file.size, meter=meter)
                seen = folder.look(file.name)
            except FileNotFoundError:
                seen = None
            if seen is None or _far(file.url, file.name, seen) != file:
                remove_tree(coming)
                self._seen.clear()
                place = f"{file.url}/{file.name}".rstrip("/")
                raise StoreError(f"{place} changed while it was fetched.", remedy="Run it again.")
            digest = self._objects.put_file(coming)
            remove_tree(coming)
            self._remember(key, digest)
            return self._objects.blob_path(digest)

    def unchanged(self, path: Path) -> bool:
        """Whether a copy is still what it was when it was fetched."""
        with suppress(OSError):
            return self._digests.digest(path) == path.name
        return False

    def _open(self, url: str) -> RemoteFolder:
        if url not in self._opened:
            self._opened[url] = self._open_url(url)
        return self._opened[url]

    def _locks(self, key: str) -> Path:
        self._state.ensure()
        return self._state.locks / f"key-fetch-{key}"

    def _recall(self, key: str) -> str:
        """Digest of the copy of a version, or empty; what a copied folder says counts for nothing."""
        with suppress(OSError):
            lines, _ = read_lines(self._file)
            for line in reversed(lines):
                if isinstance(line, dict) and line.get("key") == key:
                    digest = str(line.get("digest"))
                    whole = line.get("check") == self._check(key, digest)
                    return digest if whole and self.unchanged(self._objects.blob_path(digest)) else ""
        return ""

    def _remember(self, key: str, digest: str) -> None:
        with suppress(OSError):
            append_line(
                self._file, {"key": key, "digest": digest, "check": self._check(key, digest)}, anew=True
            )

    @property
    def _file(self) -> Path:
        return self._state.registry / "fetched.jsonl"

    def _check(self, key: str, digest: str) -> str:
        place = os.stat(self._state.registry)
        return digest_of([key, digest, place.st_dev, place.st_ino])


def _far(url: str, name: str, seen: Seen) -> FarFile:
    if not seen.tag:
        raise StoreError(f"{url} tells neither version nor date of its files, so a change would not be seen.")
    return FarFile(url, name, seen.size, seen.tag)


def _split(url: str) -> tuple[str, str]:
    """A URL before the first part that is a pattern, and the pattern; no pattern where there is none."""
    start, _, rest = url.partition("://")
    parts = rest.split("/")
    first = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return f"{start}://{'/'.join(parts[:first])}", "/".join(parts[first:])


def _matches(name: str, pattern: str) -> bool:
    if not pattern:
        return True
    parts, wanted = name.split("/"), pattern.split("/")
    if "**" in wanted:
        return fnmatch.fnmatchcase(name, pattern.replace("**/", "*"))
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
