"""The local modules that a script imports: found statically and transitively, to be taken along."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from nbpipe.execution.sources import SourceFacts, Sources

RUNTIME = "nbpipe"
"""Never taken along, though it may be an editable install: each step is given the runtime that its runner has."""


class Look:
    """A look at source files and at what lies where modules are looked for: at nothing twice.

    Steps import the same modules, and a plan is of one moment.

    Args:
        sources: what is known of source files.

    Attributes:
        facts: what is known of a source file.
        is_folder: whether a folder lies at a path.
        kind: what would be imported as the module at a path: ``package``, ``module``, ``folder``, or nothing.
    """

    def __init__(self, sources: Sources) -> None:
        self.facts: Callable[[Path], SourceFacts] = cache(sources.facts)
        self.is_folder: Callable[[str], bool] = cache(os.path.isdir)
        self.kind: Callable[[str], str] = cache(_kind)


def _kind(path: str) -> str:
    if os.path.isfile(f"{path}/__init__.py"):
        return "package"
    if os.path.isfile(f"{path}.py"):
        return "module"
    return "folder" if os.path.isdir(path) else ""


def modules_taken_along(script: Path, roots: Iterable[str], look: Look) -> dict[str, Path]:
    """Every local module that a script imports, itself or through others.

    Args:
        script: the script.
        roots: folders in which local modules are looked for, first match wins: the notebook's, the workspace's, those
            of editable installs.
        look: how files are looked at.

    Returns:
        Relative POSIX path (as seen from the root it was found in) -> file. Packages bring their ``__init__`` files.
        A script that does not parse imports nothing: it will fail when it runs, and say where. A name of the standard
        library is looked for in the first root alone: that is where Python finds it before its own.
    """
    return _closure([(script, "")], roots, look, {script})


def modules_left_behind(
    files: Mapping[str, Path], folder: str, roots: Iterable[str], look: Look
) -> dict[str, Path]:
    """Every local module that the code of a folder imports and that is none of its files.

    It is not taken along, but found where it lies: on PYTHONPATH or behind an editable install.

    Args:
        files: the code: relative POSIX path -> file.
        folder: where it lies, and is looked at first.
        roots: folders of further local modules.
        look: how files are looked at.
    """
    code = [
        (path, _package_of(name))
        for name, path in files.items()
        if name.endswith(".py") and look.facts(path).imports
    ]
    if not code:
        return {}
    found = _closure(code, [folder, *roots], look, set(files.values()))
    return {name: path for name, path in found.items() if name not in files}


def _closure(
    todo: list[tuple[Path, str]], roots: Iterable[str], look: Look, known: set[Path]
) -> dict[str, Path]:
    """The modules that files import, each given with its package; themselves or through others."""
    places = [root for root in dict.fromkeys(roots) if look.is_folder(root)]
    found: dict[str, Path] = {}
    while todo:
        path, package = todo.pop()
        for name, level in look.facts(path).imports:
            dotted = _absolute(name, level, package)
            for relative, place in _files_of(dotted, places, look):
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


def _files_of(dotted: str, places: list[str], look: Look) -> list[tuple[str, str]]:
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
        file, within = _find(stem, within, look)
        if file:
            found.append(file)
    return found


def _find(stem: str, places: list[str], look: Look) -> tuple[tuple[str, str] | None, list[str]]:
    """The file of a module or package in the first place that has one, and the places of what lies in it."""
    parts = []
    for place in places:
        kind = look.kind(f"{place}/{stem}")
        if kind == "package":
            return (f"{stem}/__init__.py", place), [place]
        if kind == "module":
            return (f"{stem}.py", place), []
        if kind == "folder":
            parts.append(place)
    return None, parts
