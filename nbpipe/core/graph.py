"""The graph of a pipeline: nodes, ports, edges, data sources; plain values that go to JSON and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from nbpipe.core.data import Form, Mode
from nbpipe.core.environment import EnvironmentSpec
from nbpipe.errors import UnknownName, UsageError

GRAPH_FORMAT = 1
"""Version of the JSON form; a newer one is refused."""


@dataclass(frozen=True)
class Piece:
    """A part of one command-line word: literal text, or a placeholder for a parameter or a port.

    Attributes:
        kind: ``text``, ``parameter``, ``input`` or ``output``.
        value: the text itself, else the name.
    """

    kind: Literal["text", "parameter", "input", "output"]
    value: str

    def __str__(self) -> str:
        if self.kind == "text":
            return self.value
        return "{>" + self.value + "}" if self.kind == "output" else "{" + self.value + "}"


Word = tuple[Piece, ...]
"""One word of a script's command line."""


@dataclass(frozen=True)
class FolderSource:
    """A step's code: every file of a folder that is not ignored (Azure ML v1's ``source_directory``)."""

    folder: str


@dataclass(frozen=True)
class CellSource:
    """A step's code: one script written from a cell, and the local modules it imports.

    Attributes:
        script: path of the script's file.
        folder: the notebook's folder: where local modules are looked for first.
        extra: further files or folders taken along (``--with``).
        cell: the notebook cell it came from, as people count ("cell 5"), or empty.
    """

    script: str
    folder: str
    extra: tuple[str, ...] = ()
    cell: str = ""


Source = FolderSource | CellSource


@dataclass(frozen=True)
class DataSource:
    """Data that no step makes: local files, folders or globs.

    Attributes:
        node_id: its id in the graph.
        name: what a view shows (``penguins.csv``).
        paths: local paths or glob patterns, absolute or relative to the workspace.
        is_file: True when it is said to be one file.
    """

    node_id: str
    name: str
    paths: tuple[str, ...]
    is_file: bool = False


@dataclass(frozen=True)
class OutputPort:
    """What a node writes.

    Attributes:
        node_id: the node.
        name: port name, ``\\w+``.
        form: ``file``, ``folder`` (made in advance) or ``any``.
        file_name: last part of the path that the script is given.
        mode: ``mount`` or ``upload``.
        kind: ``data`` (PipelineData) or ``dataset`` (OutputFileDatasetConfig).
        destination: folder that gets a copy besides, or empty.
        registered_as: name its result is noted under, or empty.
    """

    node_id: str
    name: str
    form: Form = "any"
    file_name: str = ""
    mode: str = "mount"
    kind: Literal["data", "dataset"] = "data"
    destination: str = ""
    registered_as: str = ""


@dataclass(frozen=True)
class InputPort:
    """What a node reads.

    Attributes:
        node_id: the node.
        name: port name.
        mode: ``mount`` (a path to the data itself), ``download`` (a private copy), ``direct`` (an id).
        source_id: id of the node or data source it comes from.
        source_port: output port of that node; empty for a data source.
        kind: ``data`` or ``dataset``.
    """

    node_id: str
    name: str
    mode: Mode
    source_id: str
    source_port: str = ""
    kind: Literal["data", "dataset"] = "data"


@dataclass(frozen=True)
class Edge:
    """Data going from an output port or a data source to an input port."""

    source_port: OutputPort | DataSource
    dest_port: InputPort


@dataclass(frozen=True)
class Node:
    """One step of the graph.

    Attributes:
        node_id: unique: the name, or ``name#2`` where a name stands twice (legal in v1).
        name: the step's name.
        script: file to run, relative to its snapshot.
        source: where its code comes from.
        arguments: command line, placeholders and all.
        inputs, outputs: ports.
        params: further values for the script's environment, name -> literal or parameter piece.
        run_after: ids of nodes that must have ended well before, without data between them.
        target: name of the compute target.
        environment: interpreter, variables, resources.
        allow_reuse: False makes it run each time.
        version: part of the fingerprint, or empty.
    """

    node_id: str
    name: str
    script: str
    source: Source
    arguments: tuple[Word, ...] = ()
    inputs: tuple[InputPort, ...] = ()
    outputs: tuple[OutputPort, ...] = ()
    params: Mapping[str, Piece] = field(default_factory=dict)
    run_after: tuple[str, ...] = ()
    target: str = "local"
    environment: EnvironmentSpec = field(default_factory=EnvironmentSpec)
    allow_reuse: bool = True
    version: str = ""

    @property
    def place(self) -> str:
        """Where it was declared, for messages: ``prep.py (cell 3)`` or ``prep.py``."""
        cell = self.source.cell if isinstance(self.source, CellSource) else ""
        return f"{self.script} ({cell})" if cell else self.script

    def input(self, name: str) -> InputPort:
        """The input port of that name; ``UnknownName`` where there is none."""
        found: InputPort = _named(self.inputs, name, f"Step {self.node_id} has no input {name}.")
        return found

    def output(self, name: str) -> OutputPort:
        """The output port of that name; ``UnknownName`` where there is none."""
        found: OutputPort = _named(self.outputs, name, f"Step {self.node_id} makes no {{{name}}}.")
        return found

    def parameters(self) -> set[str]:
        """Names of the pipeline parameters that it takes."""
        pieces = [piece for word in self.arguments for piece in word] + list(self.params.values())
        return {piece.value for piece in pieces if piece.kind == "parameter"}

    def data_parents(self) -> list[str]:
        """Ids of the nodes whose data it reads, in the order of its inputs, each once."""
        return list(dict.fromkeys(port.source_id for port in self.inputs if port.source_port))

    def parents(self) -> list[str]:
        """Ids of all nodes it waits for: data first, then order only."""
        return list(dict.fromkeys([*self.data_parents(), *self.run_after]))


def _named(ports: Iterable[Any], name: str, fact: str) -> Any:
    there = {port.name: port for port in ports}
    if name not in there:
        raise UnknownName(fact, remedy=f"It has: {', '.join(there) or 'none'}")
    return there[name]


class Graph:
    """Nodes in the order of their declaration, the data sources they read, and the parameters they take.

    Args:
        name: the pipeline's name.
        context: kept for Azure ML v1's ``create_node(graph, default_datastore, context)``.

    Example:
        >>> graph = Graph("demo")
        >>> graph.add_node(Node("a", "a", "a.py", FolderSource(".")))
        >>> [node.name for node in graph.nodes]
        ['a']
    """

    def __init__(self, name: str = "pipeline", context: Any = None) -> None:
        self.name = name
        self.context = context
        self.node_dict: dict[str, Node] = {}
        self.data_sources: dict[str, DataSource] = {}
        self.parameters: dict[str, Any] = {}

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in the order of their declaration."""
        return list(self.node_dict.values())

    @property
    def edges(self) -> list[Edge]:
        """One edge an input port whose source is in the graph."""
        return [edge for node in self.nodes for edge in self._edges_to(node)]

    def _edges_to(self, node: Node) -> Iterator[Edge]:
        for port in node.inputs:
            if port.source_id in self.data_sources:
                yield Edge(self.data_sources[port.source_id], port)
            elif port.source_id in self.node_dict:
                yield Edge(self.node_dict[port.source_id].output(port.source_port), port)

    def free_id(self, name: str) -> str:
        """An id for a node of that name: the name itself, or ``name#2``, ``name#3``."""
        taken = self.node_dict.keys() | self.data_sources.keys()
        number = 1
        while (node_id := name if number == 1 else f"{name}#{number}") in taken:
            number += 1
        return node_id

    def add_node(self, node: Node) -> None:
        """Add a node; ``UsageError`` when its id is taken."""
        if node.node_id in self.node_dict or node.node_id in self.data_sources:
            raise UsageError(f"The graph has a node {node.node_id} already.")
        self.node_dict[node.node_id] = node

    def add_data_source(self, name: str, paths: Iterable[str], *, is_file: bool = False) -> DataSource:
        """The data source of these paths, made at the first call and shared by all that read the same."""
        wanted = tuple(paths)
        for source in self.data_sources.values():
            if source.paths == wanted and source.is_file == is_file:
                return source
        source = DataSource(self.free_id(f"data:{name}"), name, wanted, is_file)
        self.data_sources[source.node_id] = source
        return source

    def order_after(self, node_id: str, earlier: Iterable[str]) -> None:
        """Let a node wait for others without taking data from them."""
        node = self.get_node(node_id)
        wanted = dict.fromkeys([*node.run_after, *earlier])
        wanted.pop(node_id, None)
        self.node_dict[node_id] = replace(node, run_after=tuple(wanted))

    def get_node(self, node_id: str) -> Node:
        """The node of that id; ``UnknownName`` names those there are."""
        if node_id not in self.node_dict:
            raise UnknownName(f"No step {node_id}.", remedy=f"Steps: {', '.join(self.node_dict) or 'none'}")
        return self.node_dict[node_id]

    def named(self, name: str) -> list[Node]:
        """Nodes whose id or name is ``name``."""
        if name in self.node_dict:
            return [self.node_dict[name]]
        return [node for node in self.nodes if node.name == name]

    def children(self, node_id: str) -> list[str]:
        """Ids of the nodes that wait for it, in declaration order."""
        return [node.node_id for node in self.nodes if node_id in node.parents()]

    def ancestors(self, node_ids: Iterable[str]) -> set[str]:
        """Ids of all nodes that these wait for, directly or not; themselves not counted unless in a circle."""
        found: set[str] = set()
        todo = [parent for node_id in node_ids for parent in self.get_node(node_id).parents()]
        while todo:
            node_id = todo.pop()
            if node_id not in found and node_id in self.node_dict:
                found.add(node_id)
                todo.extend(self.node_dict[node_id].parents())
        return found

    def topological(self) -> list[Node]:
        """Nodes, each after all it waits for, else in declaration order; those in a circle are left out."""
        waiting = {n.node_id: {p for p in n.parents() if p in self.node_dict} for n in self.nodes}
        children: dict[str, list[str]] = {node_id: [] for node_id in waiting}
        for node_id, parents in waiting.items():
            for parent in parents:
                children[parent].append(node_id)
        ready = [node_id for node_id, parents in waiting.items() if not parents]
        order = []
        for node_id in ready:
            order.append(self.node_dict[node_id])
            for child in children[node_id]:
                waiting[child].discard(node_id)
                if not waiting[child]:
                    ready.append(child)
        return order

    def subgraph(self, node_ids: Iterable[str]) -> Graph:
        """These nodes and all they wait for, as a graph of its own."""
        wanted = set(node_ids)
        wanted |= self.ancestors(wanted)
        part = Graph(self.name, self.context)
        part.node_dict = {node.node_id: node for node in self.nodes if node.node_id in wanted}
        read = {port.source_id for node in part.nodes for port in node.inputs}
        part.data_sources = {key: source for key, source in self.data_sources.items() if key in read}
        taken = {name for node in part.nodes for name in node.parameters()}
        part.parameters = {name: value for name, value in self.parameters.items() if name in taken}
        return part

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the whole graph."""
        return {
            "nbpipe_graph": GRAPH_FORMAT,
            "name": self.name,
            "parameters": self.parameters,
            "data_sources": [asdict(source) for source in self.data_sources.values()],
            "nodes": [_node_to_json(node) for node in self.nodes],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Graph:
        """The graph that ``to_json`` wrote.

        Raises:
            UsageError: another JSON, or one of a newer format.
        """
        version = data.get("nbpipe_graph") if isinstance(data, Mapping) else None
        if not isinstance(version, int):
            raise UsageError("This is no saved graph.", remedy="Write one with:  nbpipe graph NOTEBOOK --save graph.json")
        if version > GRAPH_FORMAT:
            raise UsageError(f"This graph has format {version}; this nbpipe reads {GRAPH_FORMAT}. Update nbpipe.")
        graph = Graph(data["name"])
        graph.parameters = dict(data["parameters"])
        for source in data["data_sources"]:
            made = DataSource(**{**source, "paths": tuple(source["paths"])})
            graph.data_sources[made.node_id] = made
        for node in data["nodes"]:
            graph.add_node(_node_from_json(node))
        return graph


def _node_to_json(node: Node) -> dict[str, Any]:
    data = {name: getattr(node, name) for name in node.__dataclass_fields__}
    data["source"] = {"kind": "folder" if isinstance(node.source, FolderSource) else "cell", **asdict(node.source)}
    data["arguments"] = [[[piece.kind, piece.value] for piece in word] for word in node.arguments]
    data["inputs"] = [asdict(port) for port in node.inputs]
    data["outputs"] = [asdict(port) for port in node.outputs]
    data["params"] = {name: [piece.kind, piece.value] for name, piece in node.params.items()}
    data["run_after"] = list(node.run_after)
    data["environment"] = node.environment.to_json()
    return data


def _node_from_json(data: Mapping[str, Any]) -> Node:
    fields = dict(data)
    source = dict(fields["source"])
    if source.pop("kind") == "folder":
        fields["source"] = FolderSource(**source)
    else:
        fields["source"] = CellSource(**{**source, "extra": tuple(source["extra"])})
    fields["arguments"] = tuple(tuple(Piece(*piece) for piece in word) for word in fields["arguments"])
    fields["inputs"] = tuple(InputPort(**port) for port in fields["inputs"])
    fields["outputs"] = tuple(OutputPort(**port) for port in fields["outputs"])
    fields["params"] = {name: Piece(*piece) for name, piece in fields["params"].items()}
    fields["run_after"] = tuple(fields["run_after"])
    fields["environment"] = EnvironmentSpec.from_json(fields["environment"])
    return Node(**fields)
