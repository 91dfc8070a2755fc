"""The files that a plan was made of, and whether any of them has been touched since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from nbpipe.core.node import CellSource, DataSource, Node
from nbpipe.core.plan import Plan
from nbpipe.errors import NbpipeError
from nbpipe.execution.source_data import find_data

MOST_FILES = 5_000
"""Files that are looked at; what lies beyond is noticed by the next plan."""

Stamp = tuple[int, int, int] | None
Stamps = dict[Path, Stamp]


def tracked(plan: Plan, root: Path) -> list[Path]:
    """Files and folders whose change may change a plan: scripts, modules, further files, data.

    Args:
        plan: the plan.
        root: the workspace, to which its graph's paths are relative.
    """
    found: dict[Path, None] = {}
    for path in _named(plan, root):
        found[path] = None
        if len(found) >= MOST_FILES:
            break
    return list(found)


def _named(plan: Plan, root: Path) -> Iterator[Path]:
    for source in plan.graph.data_sources.values():
        yield from _data_files(source, root)
    for step in plan:
        node = plan.graph.get_node(step.node_id)
        files = step.fingerprint.evidence.get("files", {}) if step.fingerprint else {}
        yield from _code_files(node, files, root)


def _data_files(source: DataSource, root: Path) -> Iterator[Path]:
    """The data's files, and the folders in which one may come or go."""
    yield from (root / path for path in source.paths)
    with suppress(NbpipeError, OSError):
        found = find_data(source, root)
        yield from found.files.values()
        if not found.is_file:
            yield from {path.parent for path in found.files.values()}


def _code_files(node: Node, files: Iterable[str], root: Path) -> Iterator[Path]:
    folder = root / node.source.folder
    if not isinstance(node.source, CellSource):
        yield folder
        yield from (folder / name for name in files)
        return
    yield root / node.source.script
    yield from (root / extra for extra in node.source.extra)
    for name in files:  # modules lie beside the notebook, else in the workspace
        if name != node.script:
            yield folder / name
            if folder != root:
                yield root / name


def stamps(paths: Iterable[Path]) -> Stamps:
    """What tells whether a file was written: its size and times; None where there is none."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
