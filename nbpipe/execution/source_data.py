"""Data that no step makes: found on disk, counted by content, watched while a step reads them."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import digest_of
from nbpipe.core.node import DataSource
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError, UsageError
from nbpipe.execution.far_data import FarData, FarFile
from nbpipe.execution.ignore import DEFAULT_IGNORES
from nbpipe.store.digests import FileDigests
from nbpipe.store.remote_folder import is_url

ROWS_UP_TO = 4 * 2**20
"""Bytes of a table up to which its rows are counted for display."""


@dataclass(frozen=True)
class FoundData:
    """The files behind a data source, as they are now.

    Attributes:
        files: name inside the data -> file. A single file stands under its own name.
        path: what a script is handed as a mount: the file or folder itself; None for globs and lists, whose files get
            a folder of links.
        is_file: True when the data are one file.
        bare: names in a folder that lead to no content and can be seen all the same: empty folders, with a slash
            behind, and links that lead nowhere.
        far: name inside the data -> file behind a URL; it is among the files once it was fetched.
    """

    files: Mapping[str, Path]
    path: Path | None
    is_file: bool
    bare: tuple[str, ...] = ()
    far: Mapping[str, FarFile] = field(default_factory=dict)


def find_data(source: DataSource, root: Path, far: FarData | None = None) -> FoundData:
    """The files of a data source now.

    Args:
        source: paths, folders or globs, absolute or relative to ``root``, or URLs.
        root: the workspace.
        far: looks behind URLs; None where nobody waits for an answer from there.

    Raises:
        UsageError: a path that is not there, a glob that matches nothing, or something that is neither file nor folder.
    """
    if any(map(is_url, source.paths)):
        return _behind_urls(source, far)
    if len(source.paths) == 1 and not _is_glob(source.paths[0], root):
        return _single(source, root / source.paths[0])
    files: dict[str, Path] = {}
    for text in source.paths:
        path = root / text
        for name, file in _matches(path) if _is_glob(text, root) else _listed(path, text):
            if name in files and files[name] != file:
                raise UsageError(f"Two files of {source.name} are called {name}: {files[name]} and {file}.")
            files[name] = file
    return FoundData(dict(sorted(files.items())), None, False)


def _behind_urls(source: DataSource, far: FarData | None) -> FoundData:
    if far is None:
        raise UsageError(f"{source.name} lies in a datastore")
    files: dict[str, FarFile] = {}
    for url in source.paths:
        if not is_url(url):
            raise UsageError(f"{source.name} has paths and URLs; give them as two inputs.")
        found, is_file = far.find(url)
        if len(source.paths) == 1:
            return FoundData({}, None, is_file, far=found)
        base = "" if is_file else f"{url.rstrip('/').rpartition('/')[2]}/"
        for name, file in found.items():
            if files.setdefault(base + name, file) != file:
                raise UsageError(f"Two files of {source.name} are called {base + name}.")
    return FoundData({}, None, False, far=files)


def _is_glob(text: str, root: Path) -> bool:
    return glob.has_magic(text) and not (root / text).exists()


def _single(source: DataSource, path: Path) -> FoundData:
    if path.is_dir():
        if source.is_file:
            raise UsageError(f"{source.paths[0]} is a folder; is_file=True says that it is one file.")
        found = dict(_files_under(path))
        files = {name: file for name, file in found.items() if file}
        return FoundData(files, path.absolute(), False, tuple(found.keys() - files.keys()))
    if path.is_file():
        return FoundData({path.name: path}, path.absolute(), True)
    raise UsageError(_absence(path, source.paths[0]))


def _absence(path: Path, text: str) -> str:
    if path.exists():
        return f"{text} is neither a file nor a folder"
    here = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
    near = [name for name in here if name.lower() == path.name.lower()]
    import difflib

    near = near or difflib.get_close_matches(path.name, here, n=1, cutoff=0.75)
    return f"there is no {text}" + (f"; there is {near[0]}" if near else "")


def _matches(pattern: Path) -> Iterator[tuple[str, Path]]:
    fixed = pattern  # what is there as it is written is no pattern, whatever brackets a folder's name has
    while not fixed.exists():
        fixed = fixed.parent
    wanted = str(pattern.relative_to(fixed))
    found = [Path(match) for match in sorted(glob.glob(wanted, root_dir=fixed, recursive=True))]
    files = [(match.as_posix(), fixed / match) for match in found if (fixed / match).is_file()]
    if not files:
        raise UsageError(f"nothing matches {wanted} in {fixed}")
    yield from files


def _listed(path: Path, text: str) -> Iterator[tuple[str, Path]]:
    if path.is_dir():
        yield from ((f"{path.name}/{name}", file) for name, file in _files_under(path) if file)
    elif path.is_file():
        yield path.name, path
    else:
        raise UsageError(_absence(path, text))


_NO_DATA = {name for name in DEFAULT_IGNORES if not set(name) & set("*?[")} - {"venv", "node_modules"}


def _files_under(
    folder: Path, prefix: str = "", above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Path | None]]:
    """Every file of a data folder, and with None what else can be seen in it: empty folders and dead links.

    Caches and state that tools leave beside data are no data. Links are followed, as a script's reads follow
    them, but never in a circle.
    """
    above |= {os.path.realpath(folder)}
    with os.scandir(folder) as entries:
        found = [entry for entry in sorted(entries, key=lambda each: each.name) if entry.name not in _NO_DATA]
    if not found and prefix:
        yield prefix, None
    for entry in found:
        if entry.is_file():
            yield prefix + entry.name, Path(entry.path)
        elif not entry.is_dir():
            yield prefix + entry.name, None
        elif os.path.realpath(entry.path) not in above:
            yield from _files_under(Path(entry.path), f"{prefix}{entry.name}/", above)


def content_digest(found: FoundData, digests: FileDigests) -> str:
    """The digest that a fingerprint counts: content and names inside; where the data lie does not count.

    Of files behind URLs their version counts.
    """
    if found.far:
        versions = [[_as_text(name), file.version] for name, file in found.far.items()]
        return digest_of(versions[0][1] if found.is_file else versions)
    known = digests.digest_many(found.files.values())
    if found.is_file:
        return next(iter(known.values()))
    listing = [[_as_text(name), known[path]] for name, path in found.files.items()]
    return digest_of(listing + sorted([_as_text(name), ""] for name in found.bare))


def _as_text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def source_changed(source: DataSource, root: Path, digest: str, digests: FileDigests) -> bool:
    """Whether a source is not what it was when it was hashed: other content, a file more or less, or gone.

    A file that was only touched has not changed. What is read again is what ``digests`` does not trust: a file
    that was written just before it was hashed may have been written once more without a trace.

    Args:
        source, root: as for ``find_data``.
        digest: content digest then.
        digests: digests of files.
    """
    try:
        return content_digest(find_data(source, root), digests) != digest
    except (NbpipeError, OSError):
        return True


_rows_known: dict[str, int | None] = {}


def shown_of(source: DataSource, found: FoundData, digest: str) -> dict[str, Any]:
    """What a reason or a graph may show of the data: name, bytes, and rows where they can be counted."""
    sizes = [file.size for file in found.far.values()] or [
        path.stat().st_size for path in found.files.values()
    ]
    shown: dict[str, Any] = {"name": source.name, "bytes": sum(sizes), "files": len(sizes)}
    if found.is_file and not found.far:
        if digest not in _rows_known:
            _rows_known[digest] = count_rows(next(iter(found.files.values())))
        if _rows_known[digest] is not None:
            shown["rows"] = _rows_known[digest]
    return shown


def count_rows(path: Path, most: int = ROWS_UP_TO) -> int | None:
    """Rows of a table (csv and tsv without their header, jsonl), or None where they are not known for sure.

    Args:
        path: its file.
        most: bytes above which nobody counts.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl") or path.stat().st_size > most:
        return None
    try:
        with open(path, encoding="utf-8", newline="") as lines:
            if kind == ".jsonl":
                return sum(1 for line in lines if line.strip())
            rows = sum(1 for row in csv.reader(lines, delimiter="," if kind == ".csv" else "\t") if row)
            return max(rows - 1, 0)
    except (OSError, ValueError, csv.Error):
        return None
