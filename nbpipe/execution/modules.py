"""The local modules that a script imports: found statically and transitively, to be taken along."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbpipe.execution.sources import Sources

RUNTIME = "nbpipe"
"""Never taken along, though it may be an editable install: each step is given the runtime that its runner has."""


def modules_taken_along(script: Path, roots: Iterable[Path], sources: Sources) -> dict[str, Path]:
    """Every local module that a script imports, itself or through others.

    Args:
        script: the script.
        roots: folders in which local modules are looked for, first match wins: the notebook's, the workspace's, those
            of editable installs.
        sources: what is known of each file's imports.

    Returns:
        Relative POSIX path (as seen from the root it was found in) -> file. Packages bring their ``__init__`` files.
        A script that does not parse imports nothing: it will fail when it runs, and say where. A name of the standard
        library is looked for in the first root alone: that is where Python finds it before its own.
    """
    return _closure([(script, "")], roots, sources, {script})


def modules_left_behind(
    files: Mapping[str, Path], folder: Path, roots: Iterable[Path], sources: Sources
) -> dict[str, Path]:
    """Every local module that the code of a folder imports and that is none of its files.

    It is not taken along, but found where it lies: on PYTHONPATH or behind an editable install.

    Args:
        files: the code: relative POSIX path -> file.
        folder: where it lies, and is looked at first.
        roots: folders of further local modules.
        sources: what is known of each file's imports.
    """
    code = [(path, _package_of(name)) for name, path in files.items() if name.endswith(".py")]
    found = _closure(code, [folder, *roots], sources, set(files.values()))
    return {name: path for name, path in found.items() if name not in files}


def _closure(
    todo: list[tuple[Path, str]], roots: Iterable[Path], sources: Sources, known: set[Path]
) -> dict[str, Path]:
    """The modules that files import, each given with its package; themselves or through others."""
    places = [str(root) for root in dict.fromkeys(roots) if root.is_dir()]
    found: dict[str, Path] = {}
    while todo:
        path, package = todo.pop()
        for name, level in sources.facts(path).imports:
            dotted = _absolute(name, level, package)
            for relative, place in _files_of(dotted, places):
                file = Path(place, relative)
                if relative not in found and file not in known:
                    found[relative] = file
                    todo.append((file, _package_of(relative)))
    return dict(sorted(found.items()))


def _absolute(name: str, level: int, package: str) -> str:
    """A dotted name as seen from the root, where ``package`` is that of the importing file."""
    if not level:
        return name
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (level - 1)] if level > 1 else parts
    return ".".join([*kept, name] if name else kept)


def _package_of(relative: str) -> str:
    return relative.rpartition("/")[0].replace("/", ".")


def _files_of(dotted: str, places: list[str]) -> list[tuple[str, str]]:
    """The files that an import of this name executes, each with its place, found as Python finds them.

    A folder without ``__init__`` is a part of a package only where no place has a module or a whole package of its
    name.
    """
    parts = dotted.split(".")
    if parts[0] == RUNTIME or not all(part.isidentifier() for part in parts):
        return []
    found: list[tuple[str, str]] = []
    stem, within = "", places[:1] if parts[0] in sys.stdlib_module_names else places
    for part in parts:
        stem = f"{stem}/{part}" if stem else part
        file, within = _find(stem, within)
        if file:
            found.append(file)
    return found


def _find(stem: str, places: list[str]) -> tuple[tuple[str, str] | None, list[str]]:
    """The file of a module or package in the first place that has one, and the places of what lies in it."""
    parts = []
    for place in places:
        path = f"{place}/{stem}"
        if os.path.isfile(f"{path}/__init__.py"):
            return (f"{stem}/__init__.py", place), [place]
        if os.path.isfile(f"{path}.py"):
            return (f"{stem}.py", place), []
        if os.path.isdir(path):
            parts.append(place)
    return None, parts
