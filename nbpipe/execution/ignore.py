"""Which files of a folder are code: everything but what ignore files and the defaults leave out."""

from __future__ import annotations

import fnmatch
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

from nbpipe.store.digests import Figures

DEFAULT_IGNORES = (
    ".git", "__pycache__", "*.pyc", ".ipynb_checkpoints", "*.ipynb", ".venv", "venv", "node_modules", ".*_cache",
    ".DS_Store", "*.egg-info", ".nbpipe", ".amlignore", ".gitignore",
)  # fmt: skip
"""Left out by default; an ignore file takes one back with ``!name``."""

IGNORE_FILES = (".amlignore", ".gitignore")
"""The first one found in the folder's root is read; nested ones are not (Azure ML v1's rule)."""


_REMEMBERED = 2**14  # folders, and paths


def code_files(folder: str | os.PathLike[str]) -> Iterator[tuple[str, Path]]:
    """Every file of a folder that is not ignored, as ``(relative POSIX path, path)`` in sorted order.

    Links to files count as the file; links to folders are followed once, never in a circle.
    """
    entries = _entries(folder)
    has_rules = any(entry.name in IGNORE_FILES for entry in entries)
    ignored = _ignored_in(folder) if has_rules else _left_out_by_default
    yield from _walk(entries, "", ignored, frozenset())


def _ignored_in(folder: str | os.PathLike[str]) -> Callable[[str], bool]:
    """Whether a relative path (a folder's ends with ``/``) is left out.

    By the defaults, then by the folder's ignore file, which may take a default back.
    """
    for name in IGNORE_FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return _rules(tuple(Path(path).read_text("utf-8", "replace").splitlines()))
    return _left_out_by_default


class PlainFolders:
    """Folders of code that hold plain files only, each looked into again only when it has changed.

    Without links, further folders of code and ignore files, a folder's own figures tell when its code is
    another list of files.

    Args:
        clock: nanoseconds since the epoch.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._known: dict[str, tuple[Figures, Mapping[str, Path] | None]] = {}

    def files(self, folder: str) -> Mapping[str, Path] | None:
        """The code of such a folder, as ``code_files`` finds it; None for any other, and where there is none."""
        now = self._clock()
        try:
            seen = Figures.of(os.stat(folder))
            last, files = self._known.get(folder, (None, None))
            if seen == last:
                return files
            entries = _entries(folder)
        except (OSError, ValueError):  # names that no file can have
            return None
        plain = all(_is_plain(entry) for entry in entries)
        files = dict(_walk(entries, "", _left_out_by_default, frozenset())) if plain else None
        if not seen.young(now):
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[folder] = seen, files
        return files


def _is_plain(entry: os.DirEntry[str]) -> bool:
    if entry.name in IGNORE_FILES or entry.is_symlink():
        return False
    return entry.is_file() or _left_out_by_default(entry.name)


_DEFAULT = re.compile("|".join(map(fnmatch.translate, DEFAULT_IGNORES)))


def _left_out_by_default(path: str) -> bool:
    """By the name alone, as the defaults are: what lies in a folder that is left out is never asked about."""
    return _DEFAULT.match(path.rstrip("/").rpartition("/")[2]) is not None


@lru_cache(maxsize=64)
def _rules(lines: tuple[str, ...]) -> Callable[[str], bool]:
    """Many folders of a workspace share their rules, and compiling them takes longer than reading a folder."""
    import pathspec  # takes as long to import as all else that a plan needs, and most folders do without

    return pathspec.GitIgnoreSpec.from_lines([*DEFAULT_IGNORES, *lines]).match_file


as_path = lru_cache(maxsize=_REMEMBERED)(Path)
"""The path of a text; the same object again and again, since a plan looks at the same files again and again."""


def _entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=_name)


_name = attrgetter("name")


def _walk(
    entries: list[os.DirEntry[str]], prefix: str, ignored: Callable[[str], bool], above: frozenset[str]
) -> Iterator[tuple[str, Path]]:
    """The files among entries and below them; ``above`` are the folders in which they lie, with links followed."""
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir():
            if ignored(name + "/"):
                continue
            above = above or frozenset({os.path.realpath(os.path.dirname(entry.path))})
            real = os.path.realpath(entry.path)
            if real not in above:
                yield from _walk(_entries(entry.path), name + "/", ignored, above | {real})
        elif entry.is_file() and not ignored(name):
            yield name, as_path(entry.path)
