"""Makes fingerprints: reads a step's code, environment and data, and says what its result depends on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import Fingerprint, digest_of
from nbpipe.core.graph import Graph
from nbpipe.core.node import CellSource, FolderSource, Node
from nbpipe.core.plan import Ingredients
from nbpipe.environments.interpreter import Interpreter, Interpreters, resolve_python, steering
from nbpipe.errors import NbpipeError, UsageError
from nbpipe.execution.modules import modules_left_behind
from nbpipe.execution.source_data import content_digest, find_data, shown_of
from nbpipe.execution.sources import SourceFacts, Sources
from nbpipe.execution.staging import Snapshot, take_snapshot
from nbpipe.store.digests import FileDigests


@dataclass(frozen=True)
class Prepared:
    """A step's code and fingerprint, read from disk at one moment.

    Attributes:
        node: the step.
        snapshot: its files; None where they cannot be read.
        python: interpreter it will run in.
        fingerprint: all parts that are known; every input is unknown.
        problem: why it cannot run, or empty.
    """

    node: Node
    snapshot: Snapshot | None
    python: str
    fingerprint: Fingerprint
    problem: str = ""


@dataclass
class Surroundings:
    """What fingerprints are made in.

    Attributes:
        root: the workspace.
        python: interpreter of steps that name none.
        variables: the submitter's environment, for ``--env``.
        code_by_bytes: the setting ``reuse.code = "bytes"``.
    """

    root: Path
    python: str
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    code_by_bytes: bool = False


class Fingerprinter:
    """Fingerprints of a graph's steps.

    Args:
        digests: digests of files.
        sources: facts about source files.
        interpreters: what is installed where.
        where: workspace, interpreter, variables, settings.
    """

    def __init__(
        self, digests: FileDigests, sources: Sources, interpreters: Interpreters, where: Surroundings
    ) -> None:
        self._digests = digests
        self._sources = sources
        self._interpreters = interpreters
        self._where = where

    def prepare(self, graph: Graph) -> dict[str, Prepared]:
        """Code and fingerprint of every node, inputs unknown; problems are told, not raised."""
        interpreters: dict[tuple[str | None, ...], Interpreter] = {}
        prepared = {node.node_id: self._prepare_step(graph, node, interpreters) for node in graph.nodes}
        users: dict[Path, list[str]] = {}
        for each in prepared.values():
            if each.snapshot and each.snapshot.by_syntax:
                for name, path in each.snapshot.files.items():
                    if name != each.node.script:
                        users.setdefault(path, []).append(each.node.name)
        for each in prepared.values():
            _note_sharing(each, users)
        return prepared

    def ingredients(self, graph: Graph, prepared: Mapping[str, Prepared]) -> dict[str, Ingredients]:
        """What is known of every node now: its own parts, and the content of data that no step makes."""
        data: dict[str, tuple[str, dict[str, Any]] | str] = {}
        for source in graph.data_sources.values():
            try:
                found = find_data(source, self._where.root)
                digest = content_digest(found, self._digests)
                data[source.node_id] = (digest, shown_of(source, found, digest))
            except (UsageError, OSError) as error:
                data[source.node_id] = str(getattr(error, "fact", error))
        return {each.node.node_id: _with_data(each, data) for each in prepared.values()}

    def _prepare_step(
        self, graph: Graph, node: Node, interpreters: dict[tuple[str | None, ...], Interpreter]
    ) -> Prepared:
        where = self._where
        inputs = frozenset(port.name for port in node.inputs)
        try:
            interpreter = self._interpreter(node, interpreters)
            snapshot = take_snapshot(node, where.root, interpreter.local_roots, self._sources)
            fingerprint = self._fingerprint(graph, node, snapshot, interpreter)
        except (NbpipeError, OSError) as error:
            empty = Fingerprint({}, unknown=inputs)
            return Prepared(node, None, where.python, empty, str(getattr(error, "fact", error)))
        return Prepared(node, snapshot, interpreter.executable or interpreter.python, fingerprint)

    def _interpreter(self, node: Node, known: dict[tuple[str | None, ...], Interpreter]) -> Interpreter:
        """The interpreter that a step wants, in its environment; looked at once for all steps of a graph."""
        wanted = node.environment.python
        declared = node.environment.variables
        env = {**self._where.variables, **declared} if declared else self._where.variables
        key = (wanted, *steering(env))
        if key not in known:
            python = resolve_python(wanted, self._where.python, base=self._where.root)
            known[key] = self._interpreters.of(python, env)
        return known[key]

    def _fingerprint(
        self, graph: Graph, node: Node, snapshot: Snapshot, interpreter: Interpreter
    ) -> Fingerprint:
        code, contents, facts = self._code(snapshot)
        if isinstance(node.source, FolderSource) and (roots := interpreter.local_roots):
            folder = self._where.root / node.source.folder
            outside = modules_left_behind(snapshot.files, folder, map(Path, roots), self._sources)
            found = {name: self._sources.facts(path) for name, path in outside.items()}
            code |= {name: each.syntax for name, each in found.items()}
            facts += found.values()
        environment = _environment(node, facts, interpreter)
        if node.environment.definition:
            environment["definition"] = digest_of(node.environment.definition)
        parts: dict[str, dict[str, Any]] = {
            "code": code,
            "command": {
                "script": node.script,
                "arguments": node.command(),
            },
            "parameters": parameter_values(graph, node),
            "environment": environment,
            "settings": self._settings(node),
            "version": {"version": node.version} if node.version else {},
        }
        evidence: dict[str, Any] = {"files": contents, "options": _options(node), "inputs": {}}
        for port in node.inputs:
            if port.source_port:
                evidence["inputs"][port.name] = {"name": port.source_port, "from": port.source_id}
        return Fingerprint(parts, evidence, frozenset(port.name for port in node.inputs))

    def _code(self, snapshot: Snapshot) -> tuple[dict[str, str], dict[str, str], list[SourceFacts]]:
        """Digest of every file as it counts, digests of the bytes, and what is known of the Python files."""
        by_syntax = snapshot.by_syntax and not self._where.code_by_bytes
        counted: dict[str, str] = {}
        contents: dict[str, str] = {}
        python: list[SourceFacts] = []
        for name, path in snapshot.files.items():
            if name.endswith(".py"):
                facts = self._sources.facts(path)
                contents[name] = facts.content
                counted[name] = facts.syntax if by_syntax else f"bytes:{facts.content}"
                python.append(facts)
            else:
                contents[name] = self._digests.digest(path)
                counted[name] = f"bytes:{contents[name]}"
        return counted, contents, python

    def _settings(self, node: Node) -> dict[str, Any]:
        """Declared things that may change results; values of variables by digest, secrets by name alone."""
        spec = node.environment
        settings: dict[str, Any] = {
            f"output {port.name}": f"{port.form} {port.file_name}" for port in node.outputs
        }
        settings |= {f"input {port.name}": port.mode for port in node.inputs if port.mode != "mount"}
        settings |= {f"--env {name}": digest_of(self._where.variables.get(name)) for name in spec.inherited}
        settings |= {f"--env {name}": digest_of(value) for name, value in spec.variables.items()}
        settings |= {f"--secret {name}": "given" for name in spec.secrets}
        if spec.node_count != 1:
            settings["nodes"] = spec.node_count
        return settings


def _environment(node: Node, code: Iterable[SourceFacts], interpreter: Interpreter) -> dict[str, str]:
    """What of the interpreter counts: the distributions of what the Python files import.

    A file that this Python cannot parse, and the step's perhaps can, may import anything.
    """
    counts = node.environment.counts
    other = interpreter.version != f"{sys.version_info[0]}.{sys.version_info[1]}"
    if counts == "imports" and other and not all(facts.is_python for facts in code):
        counts = "full"
    names = {dotted.partition(".")[0] for facts in code for dotted, level in facts.imports if not level}
    return interpreter.ingredients(names, counts)


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


def _options(node: Node) -> dict[str, str]:
    """For each parameter the option it is given with, so that a reason can say ``--lr 0.1 → 0.2``."""
    options: dict[str, str] = {}
    before = ""
    for word in node.arguments:
        text = word[0].value if word and word[0].kind == "text" else ""
        for piece in word:
            if piece.kind == "parameter":
                options[piece.value] = (text.rstrip("=") if len(word) > 1 and text else before) or piece.value
        before = text if text.startswith("-") and len(word) == 1 else ""
    return options


def _note_sharing(each: Prepared, users: Mapping[Path, list[str]]) -> None:
    if each.snapshot is None:
        return
    shared = {
        name: [user for user in users[path] if user != each.node.name]
        for name, path in each.snapshot.files.items()
        if len(users.get(path, ())) > 1
    }
    if isinstance(each.fingerprint.evidence, dict) and isinstance(each.node.source, CellSource):
        each.fingerprint.evidence["shared"] = shared


def _with_data(each: Prepared, data: Mapping[str, tuple[str, dict[str, Any]] | str]) -> Ingredients:
    found: dict[str, str] = {}
    shown: dict[str, Any] = {}
    problems = [each.problem] if each.problem else []
    for port in each.node.inputs:
        known = data.get(port.source_id)
        if isinstance(known, str):
            problems.append(known)
        elif known is not None:
            found[port.name], shown[port.name] = known
    return Ingredients(each.fingerprint.with_inputs(found, shown), "; ".join(problems))


def data_paths(graph: Graph, root: Path) -> Iterable[Path]:
    """Every path of data that no step makes, to be watched for changes."""
    return [root / path for source in graph.data_sources.values() for path in source.paths]
