"""The files that a plan was made of, and whether any of them has been touched since."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from itertools import chain, islice
from pathlib import Path

from nbpipe.core.node import CellSource, DataSource, Node
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError
from nbpipe.execution.source_data import find_data

MOST_FILES = 5_000
"""Files that are looked at; what lies beyond is noticed by the next plan."""

Stamps = dict[str, tuple[int, int, int] | None]
"""File or folder -> what tells whether it was written: its times and size; None where there is none."""


@dataclass(frozen=True)
class Tracked:
    """Files and folders whose change may change a plan: scripts, modules, further files, data.

    Attributes:
        data: data source -> its files and folders.
        code: node id -> its plan, its node, and its files.
    """

    data: Mapping[DataSource, Sequence[str]] = field(default_factory=dict)
    code: Mapping[str, tuple[StepPlan, Node, Sequence[str]]] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """All of them, each once, but no more than are looked at."""
        code = (path for _, _, paths in self.code.values() for path in paths)
        data = (path for paths in self.data.values() for path in paths)
        return list(islice(dict.fromkeys(chain(data, code)), MOST_FILES))

    def others(self, before: Tracked) -> set[str]:
        """Files of the steps that are not what they were."""
        return {
            path
            for node_id, known in self.code.items()
            if before.code.get(node_id) is not known
            for path in known[2]
        }


def tracked(plan: Plan, root: Path, before: Tracked | None = None) -> Tracked:
    """What a plan was made of.

    Args:
        plan: the plan.
        root: the workspace, to which its graph's paths are relative.
        before: of an earlier plan; what was found of steps that are the same is kept, and, where the plan is not
            whole, what was found of data.
    """
    before = before or Tracked()
    base = str(root)
    code = {}
    for step in plan:
        node = plan.graph.node_dict[step.node_id]
        known = before.code.get(step.node_id)
        if known is None or known[0] is not step or known[1] is not node:
            files = step.fingerprint.evidence.get("files", {}) if step.fingerprint else {}
            known = (step, node, tuple(_code_files(node, files, base)))
        code[step.node_id] = known
    data = {}
    for source in plan.graph.data_sources.values():
        found = None if plan.whole else before.data.get(source)
        data[source] = found or tuple(islice(_data_files(source, root), MOST_FILES))
    return Tracked(data, code)


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
