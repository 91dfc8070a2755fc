"""What the fingerprints of a graph's steps are made of, read from disk at one moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from nbpipe.compute.lock import Lock
from nbpipe.core.compute import LOCAL
from nbpipe.core.fingerprint import canonical
from nbpipe.core.graph import Graph
from nbpipe.core.node import CellSource, FolderSource, Node
from nbpipe.core.record import dataclass
from nbpipe.environments.interpreter import Interpreter, Interpreters, resolve_python, steering
from nbpipe.errors import NbpipeError
from nbpipe.execution.far_data import FarData
from nbpipe.execution.far_environment import FarEnvironment
from nbpipe.execution.modules import Look, modules_left_behind
from nbpipe.execution.sources import SourceFacts, Sources
from nbpipe.execution.staging import Snapshot, take_snapshot
from nbpipe.store.digests import FileDigests

Far = Callable[[Node], FarEnvironment | None]
"""Gives the environment of a step that runs where none of our files are seen; None where they are."""


@dataclass
class Surroundings:
    """What fingerprints are made in.

    Attributes:
        root: the workspace.
        python: interpreter of steps that name none.
        variables: the submitter's environment, for ``--env``.
        code_by_bytes: the setting ``reuse.code = "bytes"``.
        far: looks behind URLs.
    """

    root: Path
    python: str
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    code_by_bytes: bool = False
    far: FarData | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Material:
    """What one fingerprint is made of; equal material makes equal fingerprints.

    Attributes:
        node: the step.
        snapshot: its files.
        interpreter: in which it will run.
        read: what the files hold: of Python its facts, of others the digest.
        outside: modules that it imports and that are not taken along, by name.
        values: of parameters, and what the environment declares, as they are counted: 1 is not True.
        shared: modules taken along -> the other steps that take them.
        lock: what its environment is made of that its target makes; None for an interpreter as it is.
    """

    node: Node
    snapshot: Snapshot
    interpreter: Interpreter
    read: Mapping[str, SourceFacts | str]
    outside: Mapping[str, SourceFacts]
    values: bytes
    shared: Mapping[str, list[str]] = field(default_factory=dict)
    lock: Lock | None = None


class Gathering:
    """One look at all that a graph's fingerprints are made of.

    Args:
        digests: digests of files.
        sources: what is known of source files.
        interpreters: what is installed where.
        where: workspace, interpreter, variables.
        far: gives the environment of a step that runs on a machine which sees none of our files, or None.
    """

    def __init__(
        self, digests: FileDigests, sources: Sources, interpreters: Interpreters, where: Surroundings,
        far: Far = lambda _node: None,
    ) -> None:  # fmt: skip
        self._digests = digests
        self._look = Look(sources)
        self._interpreters = interpreters
        self._where = where
        self._far = far
        self._known: dict[tuple[str | None, ...], Interpreter] = {}
        self._steering = steering(where.variables)

    def of(self, graph: Graph, nodes: Iterable[Node]) -> dict[str, Material | str]:
        """Node id -> material of some of a graph's nodes, or why a step cannot run; `shared` says nothing yet."""
        return {node.node_id: self._of(graph, node) for node in nodes}

    def _of(self, graph: Graph, node: Node) -> Material | str:
        try:
            interpreter, lock = self._interpreter(node)
            snapshot = take_snapshot(node, self._where.root, interpreter.local_roots, self._look)
            read: dict[str, SourceFacts | str] = {
                name: self._look.facts(path) if name.endswith(".py") else self._digests.digest(path)
                for name, path in snapshot.files.items()
            }
            outside: dict[str, SourceFacts] = {}
            if isinstance(node.source, FolderSource) and (roots := interpreter.local_roots):
                folder = os.path.join(self._where.root, node.source.folder)
                found = modules_left_behind(snapshot.files, folder, roots, self._look)
                outside = {name: self._look.facts(path) for name, path in found.items()}
        except (NbpipeError, OSError) as error:
            return str(getattr(error, "fact", error))
        told = parameter_values(graph, node), node.environment.definition
        values = canonical(told) if any(told) else b""
        return Material(node, snapshot, interpreter, read, outside, values, lock=lock)

    def _interpreter(self, node: Node) -> tuple[Interpreter, Lock | None]:
        """The interpreter that a step wants, in its environment; looked at once for all steps of a graph.

        A step's code is the same wherever it runs, so local modules are looked for here for all of them.
        """
        far = None if node.target == LOCAL else self._far(node)
        if far is None:
            return self._interpreter_here(node, node.environment.python), None
        return replace(far.interpreter, local_roots=self._interpreter_here(node, "").local_roots), far.lock

    def _interpreter_here(self, node: Node, wanted: str) -> Interpreter:
        declared = node.environment.variables
        env = {**self._where.variables, **declared} if declared else self._where.variables
        key = (wanted, *(steering(env) if declared else self._steering))
        if key not in self._known:
            python = resolve_python(wanted, self._where.python, base=self._where.root)
            self._known[key] = self._interpreters.of(python, env)
        return self._known[key]


def parameter_values(graph: Graph, node: Node) -> dict[str, Any]:
    """Values that a node's parameters have in this graph, and those of its ``params`` under the names it gives them."""
    values = {name: graph.parameters[name] for name in sorted(node.parameters())}
    for name, piece in node.params.items():
        if (
            piece.kind == "text" or piece.value != name
        ):  # a parameter of that name may stand on the command line
            value = piece.value if piece.kind == "text" else graph.parameters[piece.value]
            values[f"params.{name}" if name in values else name] = value
    return values


def sharing(found: Mapping[str, Material | str]) -> dict[str, Material | str]:
    """The material of all nodes of a graph, which says now what they share."""
    users: dict[Path, list[str]] = {}
    for each in found.values():
        if isinstance(each, Material) and each.snapshot.by_syntax and len(each.snapshot.files) > 1:
            for name, path in each.snapshot.files.items():
                if name != each.node.script:
                    users.setdefault(path, []).append(each.node.name)
    return {
        node_id: _with_sharing(each, users) if users and isinstance(each, Material) else each
        for node_id, each in found.items()
    }


def _with_sharing(each: Material, users: Mapping[Path, list[str]]) -> Material:
    if not isinstance(each.node.source, CellSource):
        return each
    shared = {
        name: [user for user in users[path] if user != each.node.name]
        for name, path in each.snapshot.files.items()
        if len(users.get(path, ())) > 1
    }
    return replace(each, shared=shared) if shared else each
