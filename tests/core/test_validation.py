"""What is wrong with a graph: circles in words, and what was meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.graph import FolderSource, Graph, InputPort, Node, OutputPort
from nbpipe.core.validation import circle_problems, close_to


def graph_of(parents: dict[str, list[str]], *, ordered: frozenset[tuple[str, str]] = frozenset()) -> Graph:
    """A graph from node -> what it reads; pairs in `ordered` wait without reading."""
    graph = Graph()
    for name, wanted in parents.items():
        read = [parent for parent in wanted if (name, parent) not in ordered]
        graph.add_node(
            Node(
                name,
                name.partition("#")[0],
                "a.py",
                FolderSource("."),
                inputs=tuple(InputPort(name, parent, "mount", parent, "out") for parent in read),
                outputs=(OutputPort(name, "out"),),
                run_after=tuple(parent for parent in wanted if parent not in read),
            )
        )
    return graph


def told(graph: Graph) -> list[str]:
    return [str(problem) for problem in circle_problems(graph)]


def test_a_circle_is_told_as_one_reads_it() -> None:
    graph = graph_of(
        {"prep": ["train"], "split": ["prep"], "train": ["split"], "report": ["train"], "raw": []}
    )
    (problem,) = circle_problems(graph)
    assert problem.fact == "prep, split and train wait for each other: prep <- train <- split <- prep."
    assert problem.remedy == "Take one of the three inputs away."


def test_a_circle_of_two_is_told_by_its_names() -> None:
    graph = graph_of({"a": ["a#2"], "a#2": ["a"]})
    assert told(graph) == ["a and a wait for each other: a <- a <- a.\n  Take one of the two inputs away."]


def test_a_step_that_reads_itself_is_told() -> None:
    assert told(graph_of({"a": ["a"]})) == ["a reads what it writes.\n  Give the output another name."]


def test_an_order_is_told_as_an_order() -> None:
    circle = {"a": ["b"], "b": ["a"]}
    assert told(graph_of(circle, ordered=frozenset({("a", "b")})))[0].endswith(
        "the two inputs or orders away."
    )
    assert told(graph_of(circle, ordered=frozenset({("a", "b"), ("b", "a")})))[0].endswith(
        "the two orders away."
    )


def test_a_long_circle_is_told_in_short() -> None:
    names = [f"s{number}" for number in range(100)]
    graph = graph_of(dict(zip(names, [[name] for name in names[1:] + names[:1]], strict=True)))
    (problem,) = circle_problems(graph)
    assert problem.fact == (
        "s0, s1, s2, s3, s4, s5, 93 more and s99 wait for each other: "
        "s0 <- s1 <- s2 <- s3 <- s4 <- s5 <- ... <- s99 <- s0."
    )


@given(st.data())
def test_circles_are_told_exactly_where_there_are_some(draw: st.DataObject) -> None:
    names = [f"s{number}" for number in range(draw.draw(st.integers(1, 7)))]
    parents = {name: draw.draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) for name in names}
    graph = graph_of(parents)
    on_circle = {name for name in names if name in graph.ancestors([name])}
    problems = list(circle_problems(graph))
    assert bool(problems) == bool(on_circle)
    assert {problem.step for problem in problems} <= on_circle
    sorted_ids = {node.node_id for node in graph.topological()}
    assert sorted_ids == {name for name in names if not ({name} | graph.ancestors([name])) & on_circle}


def test_what_was_meant_is_close_or_nothing() -> None:
    assert close_to("claen", ["clean", "raw"]) == "clean"
    assert close_to("claen", []) == close_to("xyz", ["clean", "raw"]) == ""
