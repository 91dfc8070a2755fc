"""The graph: ids, order, parts of it, and its form as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.environment import EnvironmentSpec, Resources
from nbpipe.core.graph import (
    GRAPH_FORMAT,
    CellSource,
    FolderSource,
    Graph,
    InputPort,
    Naming,
    Node,
    OutputPort,
    Piece,
)
from nbpipe.core.node import symbolic
from nbpipe.errors import UnknownName, UsageError
from tests.core.test_validation import graph_of

texts = st.text(max_size=8)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
pieces = st.builds(Piece, st.sampled_from(["text", "parameter", "input", "output"]), texts)
words = st.lists(pieces, max_size=3).map(tuple)
names = st.lists(texts, max_size=2).map(tuple)
sources = st.builds(FolderSource, texts) | st.builds(CellSource, texts, texts, names, texts)
inputs = st.builds(InputPort, texts, texts, st.sampled_from(["mount", "download", "direct"]), texts, texts)
outputs = st.builds(OutputPort, texts, texts, st.sampled_from(["file", "folder", "any"]), texts)
resources = st.builds(
    Resources, st.integers(0, 4), st.none() | st.integers(1), st.none() | st.floats(1, 9), st.integers(0, 3)
)
counts = st.sampled_from(["imports", "full", "none"])
environments = st.builds(
    EnvironmentSpec, texts, counts, st.dictionaries(texts, values, max_size=2),
    st.dictionaries(texts, texts, max_size=2), names, names, st.integers(1, 4), resources,
)  # fmt: skip
nodes = st.builds(
    Node, texts, texts, texts, sources, st.lists(words, max_size=3).map(tuple),
    st.lists(inputs, max_size=2).map(tuple), st.lists(outputs, max_size=2).map(tuple),
    st.dictionaries(texts, pieces, max_size=2), names, texts, environments, st.booleans(), texts,
)  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph = Graph(draw(texts))
    graph.parameters = draw(st.dictionaries(texts, values, max_size=3))
    for name, paths in draw(st.lists(st.tuples(texts, st.lists(texts, min_size=1)), max_size=3)):
        graph.add_data_source(name, paths, is_file=draw(st.booleans()))
    for node in draw(st.lists(nodes, max_size=3, unique_by=lambda node: node.node_id)):
        if node.node_id not in graph.data_sources:
            graph.add_node(node)
    return graph


@given(graphs())
def test_a_graph_goes_to_json_and_back(graph: Graph) -> None:
    text = json.dumps(graph.to_json())
    back = Graph.from_json(json.loads(text))
    assert (back.name, back.parameters, back.nodes) == (graph.name, graph.parameters, graph.nodes)
    assert back.data_sources == graph.data_sources
    assert json.dumps(back.to_json()) == text
    for source in graph.data_sources.values():
        assert back.add_data_source("other", source.paths, is_file=source.is_file) == source


@pytest.mark.parametrize("other", [None, 3, [], {}, {"nbpipe_graph": "1"}, {"cells": []}])
def test_another_json_is_no_graph(other: object) -> None:
    with pytest.raises(UsageError, match="no saved graph"):
        Graph.from_json(other)


def test_a_newer_graph_is_refused() -> None:
    with pytest.raises(UsageError, match=f"has format {GRAPH_FORMAT + 1}; this nbpipe reads {GRAPH_FORMAT}"):
        Graph.from_json(Graph().to_json() | {"nbpipe_graph": GRAPH_FORMAT + 1})


@pytest.mark.parametrize("lost", ["name", "parameters", "data_sources", "nodes"])
@pytest.mark.parametrize("instead", [..., 3, [3], [{}]])
def test_a_damaged_graph_is_told(lost: str, instead: object) -> None:
    saved = graph_of({"a": []}).to_json()
    if instead is ... or lost == "name":
        del saved[lost]
    else:
        saved[lost] = instead
    with pytest.raises(UsageError, match="saved graph is damaged"):
        Graph.from_json(saved)


@given(st.lists(st.sampled_from(["a", "b", "a#2", "a#2#2", "b#3"]), max_size=12))
def test_every_id_is_given_once_and_the_first_is_the_name(wanted: list[str]) -> None:
    naming = Naming()
    given_ids = [naming.take(name) for name in wanted]
    assert len(set(given_ids)) == len(given_ids)
    assert all(
        re.fullmatch(re.escape(name) + r"(#\d+)?", got) for name, got in zip(wanted, given_ids, strict=True)
    )
    assert wanted[:1] == given_ids[:1]


def test_an_id_is_taken_by_a_node_or_by_data() -> None:
    graph = graph_of({"a": []})
    source = graph.add_data_source("x", ["x.csv"])
    assert graph.free_id("a") == "a#2"
    for taken in ("a", source.node_id):
        with pytest.raises(UsageError, match="already"):
            graph.add_node(Node(taken, "a", "a.py", FolderSource(".")))


def test_data_is_shared_by_all_that_read_the_same_paths() -> None:
    graph = Graph()
    first = graph.add_data_source("a.csv", ["x/a.csv"])
    assert graph.add_data_source("other", ["x/a.csv"]) is first
    second = graph.add_data_source("a.csv", ["y/a.csv"])
    as_file = graph.add_data_source("a.csv", ["x/a.csv"], is_file=True)
    assert [source.node_id for source in (first, second, as_file)] == [
        "data:a.csv",
        "data:a.csv#2",
        "data:a.csv#3",
    ]


@st.composite
def dags(draw: st.DrawFn) -> dict[str, list[str]]:
    """Node -> what it reads, without circles, declared in any order."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 8)))]
    parents = {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        for place, name in enumerate(names)
    }
    return {name: parents[name] for name in draw(st.permutations(names))}


@given(dags())
def test_the_order_is_the_first_by_declaration_of_all_that_can_be(parents: dict[str, list[str]]) -> None:
    graph = graph_of(parents)
    left, expected = list(parents), []
    while left:
        expected.append(next(name for name in left if not set(parents[name]) & set(left)))
        left.remove(expected[-1])
    assert [node.node_id for node in graph.topological()] == expected


@given(dags(), st.data())
def test_a_part_holds_what_it_needs_and_no_more(parents: dict[str, list[str]], draw: st.DataObject) -> None:
    graph = graph_of(parents)
    wanted = draw.draw(st.sets(st.sampled_from(list(parents))))
    part = graph.subgraph(wanted)
    assert set(part.node_dict) == wanted | graph.ancestors(wanted)
    assert all(set(node.parents()) <= part.node_dict.keys() for node in part.nodes)
    for name in parents:
        assert graph.children(name) == [other for other in parents if name in parents[other]]


@given(graphs(), st.data())
def test_a_graph_moved_after_another_is_the_graph_moved_alone(graph: Graph, draw: st.DataObject) -> None:
    moved = graph.relocated(_move)
    other = Graph(graph.name)
    other.parameters = dict(graph.parameters)
    for source in graph.data_sources.values():
        other._keep(source)
    for node in graph.nodes:
        kept = draw.draw(st.sampled_from([node, replace(node, version="2"), None]))
        if kept is not None:
            other.add_node(kept)
    again = other.relocated(_move, moved)
    assert again.to_json() == other.relocated(_move).to_json()
    for name, node in again.node_dict.items():
        assert (node is moved.node_dict[name]) == (other.node_dict[name] is graph.node_dict[name])


def test_a_graph_moved_to_another_place_keeps_nothing() -> None:
    graph = graph_of({"a": [], "b": ["a"]})
    moved = graph.relocated(_move)
    elsewhere = graph.relocated(lambda path: f"other/{path}", moved)
    assert {node.source.folder for node in elsewhere.nodes} == {"other/."}


def _move(path: str) -> str:
    return f"moved/{path}"


def test_a_part_keeps_the_data_and_parameters_it_takes() -> None:
    graph = Graph()
    sources = [graph.add_data_source(name, [name]) for name in ("x", "y")]
    for name, source in zip("ab", sources, strict=True):
        word = ((Piece("parameter", f"p{name}"),),)
        ports = (InputPort(name, "in", "mount", source.node_id),)
        graph.add_node(Node(name, name, "a.py", FolderSource("."), word, ports))
    graph.parameters = {"pa": 1, "pb": 2}
    part = graph.subgraph(["b"])
    assert (list(part.data_sources), part.parameters) == (["data:y"], {"pb": 2})
    assert [edge.source_port for edge in part.edges] == [sources[1]]


def test_an_order_may_be_added() -> None:
    graph = graph_of({"a": [], "b": [], "c": ["a"]})
    assert graph.children("b") == []
    graph.order_after("c", ["b", "c", "b"])
    assert (graph.get_node("c").parents(), graph.children("b")) == (["a", "b"], ["c"])


def test_an_unknown_name_names_those_there_are() -> None:
    graph = graph_of({"a": [], "b": ["a"]})
    for ask, told in [
        (lambda: graph.get_node("x"), "No step x.\n  Steps: a, b"),
        (lambda: graph.get_node("b").input("x"), "Step b has no input x.\n  It has: a"),
        (lambda: graph.get_node("a").input("x"), "Step a has no input x.\n  It has: none"),
        (lambda: graph.get_node("b").output("x"), "Step b makes no {x}.\n  It has: out"),
    ]:
        with pytest.raises(UnknownName) as caught:
            ask()
        assert str(caught.value) == told


def test_nodes_are_changed_only_through_the_graph() -> None:
    with pytest.raises(TypeError):
        graph_of({"a": []}).node_dict["b"] = None


texts_and_ports = st.lists(
    st.builds(Piece, st.sampled_from(["text", "input", "output"]), st.text("{}>ab", max_size=4))
)


@given(texts_and_ports, texts_and_ports)
def test_two_words_that_count_differently_never_look_alike(one: list[Piece], other: list[Piece]) -> None:
    def joined(word: list[Piece]) -> list[tuple[str, str]]:
        merged: list[tuple[str, str]] = []
        for piece in word:
            if piece.kind != "text" and not re.fullmatch(r"\w+", piece.value):
                return []
            if piece.kind == "text" and merged and merged[-1][0] == "text":
                merged[-1] = ("text", merged[-1][1] + piece.value)
            elif piece.value:
                merged.append((piece.kind, piece.value))
        return merged

    if joined(one) and joined(other):
        assert (symbolic(tuple(one)) == symbolic(tuple(other))) == (joined(one) == joined(other))
