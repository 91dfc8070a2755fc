"""The manifest of a file or folder: what is in it by path, size, mode and digest; its digest names the whole.

Equal content gives equal manifests wherever and whenever it was made: times, owners and folders' permissions
do not count, of a file's permissions only whether it can be executed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from nbpipe.core.fingerprint import canonical
from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError
from nbpipe.store.digests import FileDigests, digest_bytes

FORMAT = 1
Kind = Literal["file", "folder"]
EntryType = Literal["file", "folder", "link"]
PLAIN, EXECUTABLE = 0o644, 0o755


@dataclass(frozen=True)
class Entry:
    """One thing in a manifest.

    Attributes:
        path: where in the whole, parts joined by `/`; bytes that are no UTF-8 as `os.fsdecode` gives them.
        type: `file`, `folder` or `link`.
        size: bytes of a file, else 0.
        mode: 0o755 for a file that can be executed, 0o644 for another, else 0.
        digest: BLAKE3 of a file's content, else empty.
        target: where a link leads: up by `..`, then down by names; else empty.
    """

    path: str
    type: EntryType
    size: int = 0
    mode: int = 0
    digest: str = ""
    target: str = ""


@dataclass(frozen=True)
class Manifest:
    """All that is in a file or folder, in the order of the paths' bytes.

    Attributes:
        kind: `file` (then the one entry is that file, under its own name) or `folder`.
        entries: every file, folder and link; empty folders too.

    Example:
        >>> Manifest("folder", (Entry("empty", "folder"),)).to_bytes()
        b'{"entries":[{"path":"empty","type":"folder"}],"format":1,"kind":"folder"}'
    """

    kind: Kind
    entries: tuple[Entry, ...]

    @cached_property
    def digest(self) -> str:
        """BLAKE3 of `to_bytes()`, as 64 hex digits: the name of this content."""
        return digest_bytes(self.to_bytes())

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)

    @property
    def file_count(self) -> int:
        """How many files there are; links and folders do not count."""
        return sum(entry.type == "file" for entry in self.entries)

    def to_bytes(self) -> bytes:
        """Canonical JSON: ASCII, so that any file name survives, and one form for one content."""
        entries = [{name: value for name, value in vars(entry).items() if value} for entry in self.entries]
        for which, entry in zip(entries, self.entries, strict=True):
            if entry.type == "file":
                which["size"] = entry.size
        return canonical({"format": FORMAT, "kind": self.kind, "entries": entries})

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read what `to_bytes` wrote.

        Raises:
            StoreError: it is no manifest, is of a newer format, or names something outside its folder.
        """
        try:
            told = json.loads(data)
            newer = told["format"] > FORMAT
            manifest = cls(told["kind"], () if newer else tuple(Entry(**entry) for entry in told["entries"]))
            wrong = None if newer else next(_faults(manifest), None)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise StoreError(f"A manifest is damaged ({error}).") from error
        if newer:
            raise StoreError(
                f"A manifest is of a newer nbpipe (format {told['format']}; this one reads {FORMAT}).",
                remedy="Upgrade:  pip install --upgrade nbpipe-steps",
            )
        if wrong:
            raise StoreError(f"A manifest is damaged: {wrong}.")
        return manifest


def describe(path: Path, kind: Kind, digests: FileDigests) -> Manifest:
    """The manifest of a file or folder on disk. A link given as `path` is followed.

    Links inside a folder are kept as links, and have to lead to something in it.

    Raises:
        StoreError: it is not of that kind, cannot be read, or holds a link that leads out, a pipe, socket or
            device.
    """
    try:
        found = _found(path, kind)
        contents = digests.digest_many(place for entry, place in found if entry.type == "file")
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", place=error.filename) from error
    entries = (
        Entry(entry.path, "file", entry.size, entry.mode, contents[place]) if entry.type == "file" else entry
        for entry, place in found
    )
    return Manifest(kind, tuple(sorted(entries, key=lambda entry: os.fsencode(entry.path))))


def _found(path: Path, kind: Kind) -> list[tuple[Entry, Path]]:
    """What there is, with where it lies; files without their digests yet."""
    status = os.stat(path)
    if kind == "file" and stat.S_ISREG(status.st_mode):
        return [(_file_entry(path.name, status), path)]
    if kind == "folder" and stat.S_ISDIR(status.st_mode):
        return list(_walk(path))
    raise StoreError(f"{path} is not a {kind}.")


def _file_entry(path: str, status: os.stat_result) -> Entry:
    mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else PLAIN
    return Entry(path, "file", status.st_size, mode)


def _walk(root: Path) -> Iterator[tuple[Entry, Path]]:
    """Everything below a folder."""
    real = os.path.realpath(root)
    waiting = [("", real)]
    while waiting:
        inner, folder = waiting.pop()
        with os.scandir(folder) as found:
            for item in found:
                path = inner + item.name
                mode = item.stat(follow_symlinks=False).st_mode
                if stat.S_ISLNK(mode):
                    yield Entry(path, "link", target=_target(root, real, path)), Path(item.path)
                elif stat.S_ISDIR(mode):
                    yield Entry(path, "folder"), Path(item.path)
                    waiting.append((path + "/", item.path))
                elif stat.S_ISREG(mode):
                    yield _file_entry(path, item.stat(follow_symlinks=False)), Path(item.path)
                else:
                    raise StoreError(
                        f"{root.name}/{path} is a {_special(mode)}; only files, folders and links are kept.",
                        remedy="Remove it before the step ends, or write it to another place.",
                    )


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _target(root: Path, real: str, path: str) -> str:
    """Where a link leads: up by `..`, then down by names, so that no link on the way leads it astray."""
    link = os.path.join(real, path)
    said = os.readlink(link)
    full = os.path.join(os.path.dirname(link), said)
    parent, name = os.path.split(full.rstrip(os.sep))
    named = name not in ("", ".", "..")  # then it may be a link itself, which is judged for itself
    ends = os.path.join(os.path.realpath(parent), name) if named else os.path.realpath(full)
    if ends != real and not ends.startswith(real + os.sep):
        raise StoreError(
            f"{root.name}/{path} links out of its folder to {said}.",
            remedy="Copy what it leads to into the folder, or link to something inside it.",
        )
    return os.path.relpath(ends, os.path.dirname(link)).replace(os.sep, "/")


def _faults(manifest: Manifest) -> Iterator[str]:
    """What makes a manifest unfit to be unpacked, as phrases."""
    if manifest.kind not in get_args(Kind):
        yield f"kind {manifest.kind!r}"
    found = [(entry.type, "/" in entry.path) for entry in manifest.entries]
    if manifest.kind == "file" and found != [("file", False)]:
        yield "a file has one entry"
    folders = {entry.path for entry in manifest.entries if entry.type == "folder"}
    before = b""
    for entry in manifest.entries:
        wrong = _fault(entry, folders)
        if wrong:
            yield f"{wrong} at {entry.path!r}"
        if os.fsencode(entry.path) <= before:
            yield f"order or double entry at {entry.path!r}"
        before = os.fsencode(entry.path)


def _fault(entry: Entry, folders: set[str]) -> str:
    parent = entry.path.rpartition("/")[0]
    if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in entry.path.split("/")):
        return "a path that leads out"
    if parent and parent not in folders:
        return "a path without its folder"
    if entry.type == "file":
        told = len(entry.digest) == 64 and entry.size >= 0 and entry.mode in (PLAIN, EXECUTABLE)
        return "" if told and not entry.target else "a file not fully told"
    if entry.type == "link":
        return "" if _stays_inside(entry.target, entry.path.count("/")) else "a link that leads out"
    return "" if entry.type == "folder" else "an unknown type"


def _stays_inside(target: str, depth: int) -> bool:
    """Whether a link at that depth goes up no further than the root, and then only down."""
    parts = target.split("/")
    ups = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    down = parts[ups:]
    return (
        ups <= depth
        and bool(target)
        and not any(part in ("", "..") or "\0" in part or (part == "." and len(parts) > 1) for part in down)
    )
