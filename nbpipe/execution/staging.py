"""A step's code: which files it is made of, put into the store at submit, laid out again where it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from nbpipe.core.node import CellSource, FolderSource, Node
from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError
from nbpipe.execution.ignore import PlainFolders, as_path, code_files
from nbpipe.execution.modules import Look, modules_taken_along
from nbpipe.platform import copy_file
from nbpipe.store.files import own_folder
from nbpipe.store.objects import ObjectStore

WARN_BYTES = 300 * 2**20
WARN_FILES = 2000
"""Azure ML v1 refuses larger snapshots; nbpipe names the largest files and goes on."""


_plain_folders = PlainFolders()


@dataclass(frozen=True)
class Snapshot:
    """The files of a step's code.

    Attributes:
        files: relative POSIX path -> file on disk.
        by_syntax: True when Python files count by their syntax tree, False when all count by bytes.
    """

    files: Mapping[str, Path]
    by_syntax: bool

    def warning(self) -> str:
        """One line when the snapshot is very large, else empty."""
        sizes = {name: path.stat().st_size for name, path in self.files.items()}
        total = sum(sizes.values())
        if total <= WARN_BYTES and len(sizes) <= WARN_FILES:
            return ""
        largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
        named = ", ".join(f"{name} ({sizes[name] / 2**20:.0f} MB)" for name in largest)
        size = f"{len(sizes)} files, {total / 2**20:.0f} MB"
        return f"its code has {size}; the largest: {named}. Name what is no code in .amlignore."


def script_problem(node: Node, root: str | os.PathLike[str]) -> str:
    """Why a node's script cannot be found, or an empty string."""
    if isinstance(node.source, CellSource):  # a Path for each of a thousand steps takes longer than the look
        there = os.path.isfile(os.path.join(root, node.source.script))
        return "" if there else f"its file {node.source.script} is gone"
    folder = os.path.join(root, node.source.folder)
    if os.path.isfile(os.path.join(folder, node.script)):
        inside = _lies_in(folder, node.script)
        return "" if inside else f"{node.script} lies outside {node.source.folder}"
    if not os.path.isdir(folder):  # unlike a Path's, it bears names that no file can have
        return f"there is no folder {node.source.folder}"
    return f"there is no {node.script} in {node.source.folder}"


def _lies_in(folder: str, name: str) -> bool:
    """Whether a relative path stays in a folder; links are followed only where there are any."""
    place = folder
    for part in _parts(name):
        place = os.path.join(place, part)
        if part == os.pardir or os.path.isabs(part) or os.path.islink(place):
            return Path(folder, name).resolve().is_relative_to(Path(folder).resolve())
    return True


@lru_cache
def _parts(name: str) -> tuple[str, ...]:
    return Path(name).parts


def take_snapshot(node: Node, root: Path, roots: Iterable[str], look: Look) -> Snapshot:
    """The files that make up a node's code now.

    Args:
        node: the step.
        root: the workspace, which relative paths start from.
        roots: further folders in which local modules are looked for.
        look: how files are looked at.

    Raises:
        UsageError: the script or a file to take along is not there.
    """
    base = str(root)
    folder = os.path.join(base, node.source.folder)
    if isinstance(node.source, FolderSource):
        files = _plain_folders.files(folder)
        if files is not None and node.script in files:
            return Snapshot(files, by_syntax=False)
    problem = script_problem(node, base)
    if problem:
        raise UsageError(problem)
    if isinstance(node.source, FolderSource):
        return Snapshot(dict(code_files(folder)), by_syntax=False)
    script = as_path(os.path.join(base, node.source.script))
    files = modules_taken_along(script, [folder, base, *roots], look)
    for extra in node.source.extra:
        files |= _extra_files(root, extra)
    return Snapshot(dict(sorted({**files, node.script: script}.items())), by_syntax=True)


def _extra_files(root: Path, extra: str) -> dict[str, Path]:
    """Files of one ``--with``: a file by its name, a folder by its name and what is in it, both beside the script."""
    path = root / extra
    if path.is_file():
        return {path.name: path}
    if path.is_dir():
        name = path.resolve().name
        return {f"{name}/{relative}": file for relative, file in code_files(path)}
    raise UsageError(f"it takes {extra} along, and there is no such file")


def lay_out(files: Mapping[str, str], modes: Mapping[str, int], store: ObjectStore, target: Path) -> None:
    """Build a private working copy of a snapshot from the store.

    Args:
        files: relative path -> digest of the blob.
        modes: relative path -> permission bits; default 0600.
        store: where the blobs are.
        target: the folder, made here.
    """
    own_folder(target)
    made = {target}
    for name, digest in files.items():
        place = target / name
        if place.parent not in made:
            own_folder(place.parent)
            made.add(place.parent)
        copy_file(store.blob_path(digest), place)
        os.chmod(place, modes.get(name, 0o600))
