"""Which files of a folder are code: everything but what ignore files and the defaults leave out."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

DEFAULT_IGNORES = (
    ".git", "__pycache__", "*.pyc", ".ipynb_checkpoints", "*.ipynb", ".venv", "venv", "node_modules", ".*_cache",
    ".DS_Store", "*.egg-info", ".nbpipe", ".amlignore", ".gitignore",
)  # fmt: skip
"""Left out by default; an ignore file takes one back with ``!name``."""

IGNORE_FILES = (".amlignore", ".gitignore")
"""The first one found in the folder's root is read; nested ones are not (Azure ML v1's rule)."""


def code_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a folder that is not ignored, as ``(relative POSIX path, path)`` in sorted order.

    Links to files count as the file; links to folders are followed once, never in a circle.
    """
    yield from _walk(folder, "", ignored_in(folder), frozenset())


def ignored_in(folder: Path) -> Callable[[str], bool]:
    """Whether a relative path (a folder's ends with ``/``) is left out.

    By the defaults, then by the folder's ignore file, which may take a default back.
    """
    for name in IGNORE_FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return _rules(tuple(Path(path).read_text("utf-8", "replace").splitlines()))
    return _left_out_by_default


_DEFAULT = re.compile("|".join(map(fnmatch.translate, DEFAULT_IGNORES)))


def _left_out_by_default(path: str) -> bool:
    """By the name alone, as the defaults are: what lies in a folder that is left out is never asked about."""
    return _DEFAULT.match(path.rstrip("/").rpartition("/")[2]) is not None


@lru_cache(maxsize=64)
def _rules(lines: tuple[str, ...]) -> Callable[[str], bool]:
    """Many folders of a workspace share their rules, and compiling them takes longer than reading a folder."""
    import pathspec  # takes as long to import as all else that a plan needs, and most folders do without

    return pathspec.GitIgnoreSpec.from_lines([*DEFAULT_IGNORES, *lines]).match_file


def _walk(
    folder: Path, prefix: str, ignored: Callable[[str], bool], above: frozenset[str]
) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir():
            if ignored(name + "/"):
                continue
            above = above or frozenset({os.path.realpath(folder)})
            real = os.path.realpath(entry.path)
            if real not in above:
                yield from _walk(Path(entry.path), name + "/", ignored, above | {real})
        elif entry.is_file() and not ignored(name):
            yield name, Path(entry.path)
