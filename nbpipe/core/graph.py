"""The graph of a pipeline: nodes in an order, the data between them, the data and parameters they take."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from nbpipe.core.compute import LOCAL
from nbpipe.core.node import (
    CellSource,
    DataSource,
    Edge,
    FolderSource,
    InputPort,
    Node,
    OutputPort,
    Piece,
    Source,
    Word,
    place_of,
)
from nbpipe.core.shape import well_formed
from nbpipe.errors import UnknownName, UsageError

__all__ = [
    "CellSource",
    "DataSource",
    "Edge",
    "FolderSource",
    "Graph",
    "InputPort",
    "Naming",
    "Node",
    "OutputPort",
    "Piece",
    "Source",
    "Word",
    "place_of",
]

GRAPH_FORMAT = 1
"""Version of the JSON form; a newer one is refused."""
_SAVE = "Write one with:  nbpipe graph NOTEBOOK --save graph.json"


class Naming:
    """Gives out ids: a name the first time, then ``name#2``, ``name#3``.

    Example:
        >>> naming = Naming()
        >>> [naming.take(name) for name in ("train", "train", "prep", "train#2")]
        ['train', 'train#2', 'prep', 'train#2#2']
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, name: str) -> str:
        """An id for that name, never given before."""
        node_id = name
        while node_id in self._taken:
            self._last[name] = self._last.get(name, 1) + 1
            node_id = f"{name}#{self._last[name]}"
        self._taken.add(node_id)
        return node_id

    def keep(self, node_id: str) -> None:
        """Never give out this id."""
        self._taken.add(node_id)


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
        self.parameters: dict[str, Any] = {}
        self._nodes: dict[str, Node] = {}
        self._sources: dict[str, DataSource] = {}
        self._sources_by_paths: dict[tuple[tuple[str, ...], bool], DataSource] = {}
        self._naming = Naming()
        self._children: dict[str, list[str]] | None = None
        self._order: list[str] | None = None
        self._moved: tuple[object, dict[str, tuple[Node, Node]]] = (None, {})

    @property
    def node_dict(self) -> Mapping[str, Node]:
        """All nodes by id, in the order of their declaration."""
        return MappingProxyType(self._nodes)

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in the order of their declaration."""
        return list(self._nodes.values())

    @property
    def data_sources(self) -> Mapping[str, DataSource]:
        """All data sources by id."""
        return MappingProxyType(self._sources)

    @property
    def edges(self) -> list[Edge]:
        """One edge an input port whose source is in the graph."""
        return [edge for node in self.nodes for edge in self._edges_to(node)]

    def _edges_to(self, node: Node) -> Iterator[Edge]:
        for port in node.inputs:
            if port.source_id in self._sources:
                yield Edge(self._sources[port.source_id], port)
            elif port.source_id in self._nodes:
                yield Edge(self._nodes[port.source_id].output(port.source_port), port)

    def free_id(self, name: str) -> str:
        """An id for a node of that name, never given again: the name itself, or ``name#2``, ``name#3``."""
        return self._naming.take(name)

    def add_node(self, node: Node) -> None:
        """Add a node; ``UsageError`` when its id is taken."""
        if node.node_id in self._nodes or node.node_id in self._sources:
            raise UsageError(f"The graph has a node {node.node_id} already.")
        self._naming.keep(node.node_id)
        self._nodes[node.node_id] = node
        self._children = self._order = None

    def add_data_source(self, name: str, paths: Iterable[str], *, is_file: bool = False) -> DataSource:
        """The data source of these paths, made at the first call and shared by all that read the same."""
        wanted = tuple(paths)
        known = self._sources_by_paths.get((wanted, is_file))
        return known or self._keep(DataSource(self.free_id(f"data:{name}"), name, wanted, is_file))

    def _keep(self, source: DataSource) -> DataSource:
        self._naming.keep(source.node_id)
        self._sources[source.node_id] = source
        self._sources_by_paths[source.paths, source.is_file] = source
        return source

    def order_after(self, node_id: str, earlier: Iterable[str]) -> None:
        """Let a node wait for others without taking data from them."""
        node = self.get_node(node_id)
        wanted = dict.fromkeys([*node.run_after, *earlier])
        wanted.pop(node_id, None)
        self._nodes[node_id] = replace(node, run_after=tuple(wanted))
        self._children = self._order = None

    def get_node(self, node_id: str) -> Node:
        """The node of that id; ``UnknownName`` names those there are."""
        if node_id not in self._nodes:
            raise UnknownName(f"No step {node_id}.", remedy=f"Steps: {', '.join(self._nodes) or 'none'}")
        return self._nodes[node_id]

    def named(self, name: str) -> list[Node]:
        """Nodes whose id or name is ``name``."""
        if name in self._nodes:
            return [self._nodes[name]]
        return [node for node in self.nodes if node.name == name]

    def ids(self, names: Iterable[str]) -> set[str]:
        """Ids of the nodes of these names; ``all`` stands for every one.

        Raises:
            UnknownName: there is no step of a name; names those there are.
        """
        found: set[str] = set()
        for name in [names] if isinstance(names, str) else names:
            if name == "all":
                return set(self._nodes)
            nodes = self.named(name)
            if not nodes:
                raise UnknownName(f"No step {name}.", remedy=f"Steps: {', '.join(self._nodes)}")
            found |= {node.node_id for node in nodes}
        return found

    def children(self, node_id: str) -> list[str]:
        """Ids of the nodes that wait for it, in declaration order."""
        return list(self._by_parent().get(node_id, ()))

    def _by_parent(self) -> Mapping[str, list[str]]:
        if self._children is None:
            self._children = {}
            for node in self._nodes.values():
                for parent in node.parents():
                    self._children.setdefault(parent, []).append(node.node_id)
        return self._children

    def ancestors(self, node_ids: Iterable[str]) -> set[str]:
        """Ids of all nodes that these wait for, directly or not; not themselves, unless in a circle."""
        found: set[str] = set()
        todo = [parent for node_id in node_ids for parent in self.get_node(node_id).parents()]
        while todo:
            node_id = todo.pop()
            if node_id not in found and node_id in self._nodes:
                found.add(node_id)
                todo.extend(self._nodes[node_id].parents())
        return found

    def topological(self) -> list[Node]:
        """Nodes, each after all it waits for, else in declaration order; those in a circle are left out."""
        if self._order is None:
            self._order = self._sorted()
        return [self._nodes[node_id] for node_id in self._order]

    def _sorted(self) -> list[str]:
        place = {node_id: number for number, node_id in enumerate(self._nodes)}
        names = list(self._nodes)
        waits = [sum(parent in place for parent in node.parents()) for node in self._nodes.values()]
        ready = [number for number, count in enumerate(waits) if not count]
        order = []
        children = self._by_parent()
        while ready:
            node_id = names[heapq.heappop(ready)]
            order.append(node_id)
            for child in children.get(node_id, ()):
                waits[place[child]] -= 1
                if not waits[place[child]]:
                    heapq.heappush(ready, place[child])
        return order

    def subgraph(self, node_ids: Iterable[str]) -> Graph:
        """These nodes and all they wait for, as a graph of its own."""
        wanted = set(node_ids)
        wanted |= self.ancestors(wanted)
        part = Graph(self.name, self.context)
        for node in self._nodes.values():
            if node.node_id in wanted:
                part.add_node(node)
        read = {port.source_id for node in part.nodes for port in node.inputs}
        for source in self._sources.values():
            if source.node_id in read:
                part._keep(source)
        taken = {name for node in part.nodes for name in node.parameters()}
        part.parameters = {name: value for name, value in self.parameters.items() if name in taken}
        return part

    def copy(self) -> Graph:
        """A graph of its own, of the same nodes and data."""
        same = Graph(self.name, self.context)
        same.parameters = dict(self.parameters)
        for source in self._sources.values():
            same._keep(source)
        for node in self._nodes.values():
            same.add_node(node)
        return same

    def relocated(self, move: Callable[[str], str], since: Graph | None = None) -> Graph:
        """The same graph with every path of code and data passed through ``move``.

        Args:
            move: gives a path as it is to be.
            since: what the same ``move`` made of an earlier graph; nodes that both graphs have keep the object that
                it made of them.
        """
        by, known = self._moved if since is None else since._moved  # noqa: SLF001 - another graph's own
        moved = Graph(self.name, self.context)
        moved.parameters = dict(self.parameters)
        for source in self._sources.values():
            moved._keep(replace(source, paths=tuple(move(path) for path in source.paths)))
        pairs = {}
        for node_id, node in self._nodes.items():
            pair = known.get(node_id) if by is move else None
            if pair is None or pair[0] is not node:
                pair = (node, _moved(node, move))
            if pair[1] is not node:
                pairs[node_id] = pair
            moved.add_node(pair[1])
        moved._moved = (move, pairs)
        moved._order, moved._children = self._order, self._children
        return moved

    def on_target(self, target: str) -> Graph:
        """The same graph with the steps that are on ``local`` on another compute target."""
        if target == LOCAL:
            return self
        moved = Graph.from_json({**self.to_json(), "nodes": []})
        for node in self.nodes:
            moved.add_node(replace(node, target=target) if node.target == LOCAL else node)
        return moved

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the whole graph."""
        return {
            "nbpipe_graph": GRAPH_FORMAT,
            "name": self.name,
            "parameters": self.parameters,
            "data_sources": [{**vars(source)} for source in self._sources.values()],
            "nodes": [node.to_json() for node in self.nodes],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Graph:
        """The graph that ``to_json`` wrote.

        Raises:
            UsageError: another JSON, or one of a newer format.
        """
        version = data.get("nbpipe_graph") if isinstance(data, Mapping) else None
        if not isinstance(version, int):
            raise UsageError("This is no saved graph.", remedy=_SAVE)
        if version > GRAPH_FORMAT:
            raise UsageError(
                f"This graph has format {version}; this nbpipe reads {GRAPH_FORMAT}. Update nbpipe."
            )
        try:
            return Graph._from_fields(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(f"This saved graph is damaged: {error!r}.", remedy=_SAVE) from error

    def checked(self) -> Graph:
        """This graph, if everything in it is of the kind it is meant to be, and leads to something in it.

        Raises:
            TypeError: it is not; names what.
            KeyError: an input comes from nowhere.
        """
        if not isinstance(self.name, str):
            raise TypeError(f"the graph's name is {self.name!r:.40}")
        for source in self._sources.values():
            well_formed(source)
        for node in self._nodes.values():
            pieces = [piece for word in node.arguments for piece in word]
            parts = (node.source, node.environment, node.environment.resources, *node.inputs, *node.outputs)
            for part in (node, *parts, *pieces, *node.params.values()):
                well_formed(part)
            for port in node.inputs:
                (self._nodes if port.source_port else self._sources)[port.source_id]
        return self

    @staticmethod
    def _from_fields(data: Mapping[str, Any]) -> Graph:
        graph = Graph(data["name"])
        graph.parameters = dict(data["parameters"])
        for source in data["data_sources"]:
            graph._keep(DataSource(**{**source, "paths": tuple(source["paths"])}))
        for node in data["nodes"]:
            graph.add_node(Node.from_json(node))
        return graph


def _moved(node: Node, move: Callable[[str], str]) -> Node:
    """A node with the paths of its code passed through ``move``."""
    origin = node.source
    if isinstance(origin, CellSource):
        extra = tuple(move(path) for path in origin.extra)
        origin = replace(origin, script=move(origin.script), folder=move(origin.folder), extra=extra)
    else:
        origin = FolderSource(move(origin.folder))
    return node if origin == node.source else replace(node, source=origin)
