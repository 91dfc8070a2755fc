"""Makes fingerprints: reads a step's code, environment and data, and says what its result depends on."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from nbpipe.compute.lock import Lock
from nbpipe.core.fingerprint import Fingerprint, digest_of
from nbpipe.core.graph import Graph
from nbpipe.core.node import CellSource, DataSource, Node
from nbpipe.core.plan import Ingredients
from nbpipe.core.record import dataclass
from nbpipe.environments.interpreter import Interpreters
from nbpipe.errors import UsageError
from nbpipe.execution.frozen import Counted
from nbpipe.execution.material import Far, Gathering, Material, Surroundings, parameter_values, sharing
from nbpipe.execution.source_data import content_digest, find_data, shown_of
from nbpipe.execution.sources import SourceFacts, Sources
from nbpipe.execution.staging import Snapshot
from nbpipe.store.digests import FileDigests

_REMEMBERED = 20_000  # steps


@dataclass(frozen=True)
class Prepared:
    """A step's code and fingerprint, read from disk at one moment.

    Attributes:
        node: the step.
        snapshot: its files; None where they cannot be read.
        python: interpreter it will run in.
        fingerprint: all parts that are known; every input is unknown.
        problem: why it cannot run, or empty.
        counted: what of its interpreter was looked at for the fingerprint.
        lock: what its environment is made of, where its target makes one.
    """

    node: Node
    snapshot: Snapshot | None
    python: str
    fingerprint: Fingerprint
    problem: str = ""
    counted: Counted | None = None
    lock: Lock | None = None

    @property
    def texts(self) -> dict[str, Path]:
        """Digest -> file, of every file of its code."""
        files = self.snapshot.files if self.snapshot else {}
        return {self.fingerprint.evidence["files"][name]: path for name, path in files.items()}


@dataclass
class _Seen:
    """What was seen of a step at the last look.

    Attributes:
        found: its material, without what it shares.
        material: the same, with what it shares.
        prepared: what was made of it.
        told: what a plan was told of it.
    """

    found: Material
    material: Material
    prepared: Prepared
    told: Ingredients | None = None


class Fingerprinter:
    """Fingerprints of graphs' steps.

    Of every step of a pipeline the last one is remembered, with what it was made of. While that stays as it is, the
    same object is given again, whose key has not to be computed again.

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
        self.where = where
        self._last: dict[tuple[str, str], _Seen] = {}

    def prepare(
        self, graph: Graph, far: Far = lambda _node: None, looked_at: Collection[str] | None = None
    ) -> dict[str, Prepared]:
        """Code and fingerprint of every node, inputs unknown; problems are told, not raised.

        Args:
            graph: the steps.
            far: gives the environments of steps that run on other machines.
            looked_at: ids of the nodes whose code is looked at; that of others is what it was at the last look, if
                they are the same nodes. Default: all.
        """
        if len(self._last) > _REMEMBERED:
            self._last.clear()
        gathering = Gathering(self._digests, self._sources, self._interpreters, self.where, far)
        found = self._found(graph, gathering, looked_at)
        prepared = {}
        for node_id, material in sharing(found).items():
            seen = self._last.get((graph.name, node_id))
            if seen is not None and seen.material is material:
                prepared[node_id] = seen.prepared
            else:
                prepared[node_id] = self._prepared(graph, graph.get_node(node_id), found[node_id], material)
        return prepared

    def _found(
        self, graph: Graph, gathering: Gathering, looked_at: Collection[str] | None
    ) -> dict[str, Material | str]:
        """Material of all nodes, in their order."""
        kept: dict[str, Material | str] = {}
        if looked_at is not None:
            for node_id, node in graph.node_dict.items():
                seen = self._last.get((graph.name, node_id))
                if seen and seen.found.node is node and node_id not in looked_at:
                    kept[node_id] = seen.found
        found = gathering.of(graph, [node for node in graph.nodes if node.node_id not in kept]) | kept
        return {node_id: found[node_id] for node_id in graph.node_dict}

    def _prepared(
        self, graph: Graph, node: Node, found: Material | str, material: Material | str
    ) -> Prepared:
        place = graph.name, node.node_id
        if isinstance(found, str) or isinstance(material, str):
            self._last.pop(place, None)
            empty = Fingerprint({}, unknown=frozenset(port.name for port in node.inputs))
            return Prepared(node, None, self.where.python, empty, str(found))
        seen = self._last.get(place)
        if seen is None or seen.material != material:
            python = material.interpreter.executable or material.interpreter.python
            counted = _counted(node, material)
            fingerprint = self._fingerprint(graph, node, material, counted)
            prepared = Prepared(
                node, material.snapshot, python, fingerprint, counted=counted, lock=material.lock
            )
            seen = self._last[place] = _Seen(found, material, prepared)
        seen.found = found  # of the node as it is now, an equal one perhaps
        return seen.prepared

    def ingredients(
        self, graph: Graph, prepared: Mapping[str, Prepared], looked_at: Collection[str] | None = None
    ) -> dict[str, Ingredients]:
        """What is known of every node now: its own parts, and the content of data that no step makes.

        Args:
            graph: the steps.
            prepared: their code.
            looked_at: ids of the nodes whose data are looked at; those of others are what they were at the last look.
                Default: all.
        """
        sources = graph.data_sources
        data: dict[str, tuple[str, dict[str, Any]] | str] = {}
        told = {}
        for node_id, each in prepared.items():
            seen = self._last.get((graph.name, node_id))
            if seen and seen.told and looked_at is not None and node_id not in looked_at:
                told[node_id] = seen.told
                continue
            for port in each.node.inputs:
                if port.source_id not in data and port.source_id in sources:
                    data[port.source_id] = self._content(sources[port.source_id])
            told[node_id] = _with_data(each, data)
            if seen:
                seen.told = told[node_id]
        return told

    def _content(self, source: DataSource) -> tuple[str, dict[str, Any]] | str:
        """The digest of data and what may be shown of them, or why they cannot be read."""
        try:
            found = find_data(source, self.where.root, self.where.far)
            digest = content_digest(found, self._digests)
            return digest, shown_of(source, found, digest)
        except (UsageError, OSError) as error:
            return str(getattr(error, "fact", error))

    def _fingerprint(self, graph: Graph, node: Node, material: Material, counted: Counted) -> Fingerprint:
        contents = {name: _content(held) for name, held in material.read.items()}
        by_syntax = material.snapshot.by_syntax and not self.where.code_by_bytes
        code = {name: _counted_content(held, by_syntax) for name, held in material.read.items()}
        code |= {name: each.syntax for name, each in material.outside.items()}
        environment = counted.of(material.interpreter)
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
        if isinstance(node.source, CellSource):
            evidence["shared"] = material.shared
        return Fingerprint(parts, evidence, frozenset(port.name for port in node.inputs))

    def _settings(self, node: Node) -> dict[str, Any]:
        """Declared things that may change results; values of variables by digest, secrets by name alone."""
        spec = node.environment
        settings: dict[str, Any] = {
            f"output {port.name}": f"{port.form} {port.file_name}" for port in node.outputs
        }
        settings |= {f"input {port.name}": port.mode for port in node.inputs if port.mode != "mount"}
        settings |= {f"--env {name}": digest_of(self.where.variables.get(name)) for name in spec.inherited}
        settings |= {f"--env {name}": digest_of(value) for name, value in spec.variables.items()}
        settings |= {f"--secret {name}": "given" for name in spec.secrets}
        if spec.node_count != 1:
            settings["nodes"] = spec.node_count
        return settings


def _content(held: SourceFacts | str) -> str:
    return held if isinstance(held, str) else held.content


def _counted_content(held: SourceFacts | str, by_syntax: bool) -> str:
    """What of a file's content counts."""
    return held.syntax if by_syntax and isinstance(held, SourceFacts) else f"bytes:{_content(held)}"


def _counted(node: Node, material: Material) -> Counted:
    """What of the interpreter counts: the distributions of what the Python files import.

    A file that this Python cannot parse, and the step's perhaps can, may import anything. Of an environment that
    is made for the step all counts: what brings an import is known of none that is not made yet.
    """
    counts = node.environment.counts
    if material.lock is not None:
        return Counted((), "none" if counts == "none" else "full")
    facts = [each for each in material.read.values() if isinstance(each, SourceFacts)]
    facts += material.outside.values()
    other = material.interpreter.version != f"{sys.version_info[0]}.{sys.version_info[1]}"
    if counts == "imports" and other and not all(each.is_python for each in facts):
        counts = "full"
    names = {dotted.partition(".")[0] for each in facts for dotted, level in each.imports if not level}
    return Counted(tuple(sorted(names)), counts)


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
