"""The local modules that a script imports: found statically and transitively, to be taken along."""

from __future__ import annotations

import sys
from collections.abc import Iterable
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
    places = [root for root in dict.fromkeys(roots) if root.is_dir()]
    found: dict[str, Path] = {}
    todo: list[tuple[Path, str]] = [(script, "")]
    while todo:
        path, package = todo.pop()
        for name, level in sources.facts(path).imports:
            dotted = _absolute(name, level, package)
            for relative, file in _files_of(dotted, places):
                if relative not in found and file != script:
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


def _files_of(dotted: str, places: list[Path]) -> list[tuple[str, Path]]:
    """The files that an import of this name executes: each package's ``__init__`` and the module itself."""
    parts = dotted.split(".")
    if parts[0] == RUNTIME or not all(part.isidentifier() for part in parts):
        return []
    for place in places[:1] if parts[0] in sys.stdlib_module_names else places:
        files = _files_in(place, parts)
        if files:  # a folder that has none of them is no package, or a part of one that lies elsewhere too
            return files
    return []


def _files_in(place: Path, parts: list[str]) -> list[tuple[str, Path]]:
    found = []
    for depth in range(1, len(parts) + 1):
        stem = "/".join(parts[:depth])
        here = (name for name in (f"{stem}/__init__.py", f"{stem}.py") if (place / name).is_file())
        if relative := next(here, None):
            found.append((relative, place / relative))
    return found
