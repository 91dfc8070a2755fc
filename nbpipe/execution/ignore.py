"""Which files of a folder are code: everything but what ignore files and the defaults leave out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pathspec

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
    spec = ignore_spec(folder)
    yield from _walk(folder, "", spec, {os.path.realpath(folder)})


def ignore_spec(folder: Path) -> pathspec.GitIgnoreSpec:
    """The folder's ignore rules: the defaults, then its ignore file, which may take a default back."""
    lines = list(DEFAULT_IGNORES)
    for name in IGNORE_FILES:
        path = folder / name
        if path.is_file():
            lines += path.read_text("utf-8", "replace").splitlines()
            break
    return _compiled(tuple(lines))


@lru_cache(maxsize=64)
def _compiled(lines: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    """Most folders of a workspace share their rules, and compiling them takes longer than reading a folder."""
    return pathspec.GitIgnoreSpec.from_lines(lines)


def _walk(
    folder: Path, prefix: str, spec: pathspec.GitIgnoreSpec, seen: set[str]
) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if real not in seen and not spec.match_file(name + "/"):
                yield from _walk(Path(entry.path), name + "/", spec, seen | {real})
        elif entry.is_file() and not spec.match_file(name):
            yield name, Path(entry.path)
