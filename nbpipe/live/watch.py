"""The files that a plan was made of, and whether any of them has been touched since."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from nbpipe.core.node import CellSource, DataSource, Node
from nbpipe.core.plan import Plan
from nbpipe.errors import NbpipeError
from nbpipe.execution.source_data import find_data

MOST_FILES = 5_000
"""Files that are looked at; what lies beyond is noticed by the next plan."""

Stamps = dict[str, tuple[int, int, int] | None]
"""File or folder -> what tells whether it was written: its times and size; None where there is none."""


def tracked(plan: Plan, root: Path) -> list[str]:
    """Files and folders whose change may change a plan: scripts, modules, further files, data.

    Args:
        plan: the plan.
        root: the workspace, to which its graph's paths are relative.
    """
    return list(islice(dict.fromkeys(_named(plan, root)), MOST_FILES))


def _named(plan: Plan, root: Path) -> Iterator[str]:
    base = str(root)
    for source in plan.graph.data_sources.values():
        yield from islice(_data_files(source, root), MOST_FILES)
    for step in plan:
        files = step.fingerprint.evidence.get("files", {}) if step.fingerprint else {}
        yield from _code_files(plan.graph.get_node(step.node_id), files, base)


def _data_files(source: DataSource, root: Path) -> Iterator[str]:
    """The data's files, and the folders in which one may come or go."""
    yield from (str(root / path) for path in source.paths)
    with suppress(NbpipeError, OSError):
        found = find_data(source, root)
        yield from map(str, found.files.values())
        if not found.is_file:
            yield from {str(path.parent) for path in found.files.values()}


def _code_files(node: Node, files: Iterable[str], root: str) -> Iterator[str]:
    join = os.path.join
    folder = join(root, node.source.folder)
    if not isinstance(node.source, CellSource):
        yield folder
        yield from (join(folder, name) for name in files)
        return
    yield join(root, node.source.script)
    yield from (join(root, extra) for extra in node.source.extra)
    for name in files:  # modules lie beside the notebook, else in the workspace
        if name != node.script:
            yield join(folder, name)
            yield join(root, name)


def stamps(paths: Iterable[str]) -> Stamps:
    """What the files are now."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of files: pathlib takes five times as long
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
