"""Plans the graphs of a workspace: what each step is made of now, here or on its target, and what follows from it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.plan import Flags, Plan, make_plan
from nbpipe.environments.interpreter import Interpreters
from nbpipe.errors import NbpipeError
from nbpipe.execution.far_data import FarData
from nbpipe.execution.far_environment import FarEnvironment
from nbpipe.execution.fingerprinter import Fingerprinter, Prepared
from nbpipe.execution.kept_here import KeptHere
from nbpipe.execution.material import Far, Surroundings
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.process_environment import submitter_environment
from nbpipe.execution.sources import Sources
from nbpipe.execution.targets import WorkspaceTargets, shares_files
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder

if TYPE_CHECKING:
    from nbpipe.compute.base import Capacity
    from nbpipe.execution.far_environments import FarEnvironments

PATIENCE = 10.0
"""Seconds that a plan waits for a target it has not asked before; a run that is submitted waits to the end."""


class Planner:
    """Makes the plans of one workspace, one after another.

    Args:
        state: the workspace's state.
        digests: digests of files.
        memory: what earlier runs left.
        targets: where steps may run.
        far_data: looks behind URLs.
    """

    def __init__(
        self,
        state: StateFolder,
        digests: FileDigests,
        memory: StoredMemory,
        targets: WorkspaceTargets,
        far_data: FarData,
    ) -> None:
        self._far_data = far_data
        self._root: Path = state.root
        self._digests = digests
        self._memory = memory
        self._targets = targets
        self._sources = Sources(state, digests)
        known = KeptHere(state, "interpreters")
        self._interpreters = Interpreters(known.recall, known.remember)
        self._state = state
        self._turn = threading.RLock()  # a view's thread plans, and so does a cell
        self._fingerprinter: Fingerprinter | None = None

    def plan(
        self, graph: Graph, forced: Collection[str], python: str | None, *, code_by_bytes: bool, patient: bool = False,
        since: Plan | None = None, edits_only: bool = False,
    ) -> tuple[Plan, dict[str, Prepared]]:  # fmt: skip
        """The plan of a graph, and what it is made of.

        Args:
            graph: paths relative to the workspace.
            forced: ids of the nodes that run whatever is stored.
            python: interpreter of steps that name none; default: this one.
            code_by_bytes: the setting ``reuse.code = "bytes"``.
            patient: wait for a target that does not answer at once, even if it just did not.
            since: an earlier plan of the pipeline; a step whose plan is what it was keeps that object.
            edits_only: look only at steps that are others than in ``since`` and at what they need.
        """
        with self._turn:
            fingerprinter = self._fingerprinter_for(python or sys.executable, code_by_bytes)
            looked_at = edited(graph, since) if since is not None and edits_only else None
            prepared = fingerprinter.prepare(graph, self._far(patient), looked_at)
            for node_id in prepared if looked_at is None else looked_at:
                self._memory.offer(prepared[node_id].texts)
            flags = {node.node_id: Flags(node.node_id in forced, node.allow_reuse) for node in graph.nodes}
            now = fingerprinter.ingredients(graph, prepared, looked_at)
            plan = make_plan(graph, now, self._memory, flags, since=since, asked=looked_at)
            self._memory.keep_known()
            return plan, prepared

    def capacity(self, node: Node) -> Capacity | None:
        """What was seen of the target of a step that was planned; None where it sees our files, or nothing was."""
        with suppress(NbpipeError):
            environment = self._environment(node, 0.0)
            return environment.capacity if environment else None
        return None

    @cached_property
    def _environments(self) -> FarEnvironments:
        from nbpipe.execution.far_environments import FarEnvironments

        return FarEnvironments(self._state, self._targets.open)

    def _fingerprinter_for(self, python: str, code_by_bytes: bool) -> Fingerprinter:
        """The last one, unless something that counts is another now."""
        now = Surroundings(
            self._root, python, submitter_environment(os.environ), code_by_bytes, self._far_data
        )
        if self._fingerprinter is None or self._fingerprinter.where != now:
            self._fingerprinter = Fingerprinter(self._digests, self._sources, self._interpreters, now)
        return self._fingerprinter

    def _far(self, patient: bool) -> Far:
        """Gives the environments of one plan's steps on targets that see none of our files."""
        wait = None if patient else PATIENCE

        return lambda node: self._environment(node, wait)

    def _environment(self, node: Node, wait: float | None) -> FarEnvironment | None:
        target = self._targets.find(node.target)
        if shares_files(target):
            return None
        python = node.environment.python or str(target.settings.get("python") or "")
        spec = node.environment
        return self._environments.of(target, python, spec.variables, wait=wait, declared=spec.declared)


def edited(graph: Graph, since: Plan) -> set[str]:
    """Ids of the nodes that are others than in an earlier plan, or take another value, and of all that they need."""
    nodes, values = since.graph.node_dict, since.graph.parameters
    changed = {node_id for node_id, node in graph.node_dict.items() if nodes.get(node_id) is not node}
    unlike = {name for name, value in graph.parameters.items() if values.get(name, nodes) is not value}
    if unlike:
        changed |= {
            node_id for node_id, node in graph.node_dict.items() if not unlike.isdisjoint(node.parameters())
        }
    return changed | graph.ancestors(changed)
