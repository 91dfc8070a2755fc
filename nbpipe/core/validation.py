"""What is wrong with a graph: every problem at once, each at the earliest moment that knows it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from typing import Any

from nbpipe.core.graph import Graph, Node
from nbpipe.errors import Problem


def close_to(name: str, known: Collection[str]) -> str:
    """The known name that one most likely meant, or empty.

    Example:
        >>> close_to("claen", ["clean", "raw"])
        'clean'
    """
    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.6)), "")


def build_problems(
    graph: Graph, *, script_problem: Callable[[Node], str], targets: Collection[str]
) -> Iterator[Problem]:
    """Problems that Azure ML v1 tells when the pipeline is built: missing script, unknown target, two producers.

    Args:
        graph: the nodes.
        script_problem: says why a node's script cannot be found, or an empty string.
        targets: names of the compute targets there are.
    """
    for node in graph.nodes:
        problem = script_problem(node)
        if problem:
            yield Problem(f"Step {node.name}: {problem}", step=node.node_id)
        if node.target not in targets:
            known = f"This workspace has: {', '.join(sorted(targets))}"
            yield Problem(f"No compute target {node.target}. Step {node.name} wants it.", known, node.node_id)
        if node.environment.node_count > 1 and node.target == "local":
            fact = f"Step {node.name} wants {node.environment.node_count} nodes; local is one machine."
            yield Problem(fact, "Set node_count to 1, or choose another compute target.", node.node_id)


def circle_problems(graph: Graph) -> Iterator[Problem]:
    """One problem for each group of steps that wait for each other."""
    sorted_ids = {node.node_id for node in graph.topological()}
    left = [node for node in graph.nodes if node.node_id not in sorted_ids]
    told: set[str] = set()
    for node in left:
        circle = _circle_through(graph, node.node_id)
        if circle and not told & set(circle):
            told |= set(circle)
            yield _circle_problem(graph, circle)


def _circle_through(graph: Graph, start: str) -> list[str]:
    """A shortest way from a node back to itself along parents, or an empty list."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    for way in ways:
        for parent in graph.get_node(way[-1]).parents():
            if parent == start:
                return way
            if parent not in seen and parent in graph.node_dict:
                seen.add(parent)
                ways.append([*way, parent])
    return []


def _circle_problem(graph: Graph, circle: list[str]) -> Problem:
    names = [graph.get_node(node_id).name for node_id in circle]
    if len(names) == 1:
        return Problem(f"{names[0]} reads what it writes.", "Give the output another name.", circle[0])
    in_order = sorted(names, key=lambda name: list(graph.node_dict).index(name) if name in graph.node_dict else 0)
    listed = ", ".join(in_order[:-1]) + " and " + in_order[-1]
    way = " <- ".join([*names, names[0]])
    count = {2: "two", 3: "three", 4: "four"}.get(len(names), str(len(names)))
    return Problem(f"{listed} wait for each other: {way}.", f"Take one of the {count} inputs away.", circle[0])


def parameter_problems(graph: Graph, given: Collection[str]) -> Iterator[Problem]:
    """One problem for each value given to a parameter that no step takes."""
    for name in given:
        if name not in graph.parameters:
            meant = close_to(name, graph.parameters)
            known = f"Parameters: {', '.join(graph.parameters) or 'none'}"
            hint = f" Did you mean {meant}?" if meant else ""
            yield Problem(f"No parameter {name}.{hint}", known)


def default_problems(defaults: dict[str, list[tuple[str, Any]]]) -> Iterator[Problem]:
    """One problem for each parameter name that two steps give different defaults.

    Args:
        defaults: parameter name -> ``(step name, default)`` of every step that takes it.
    """
    for name, uses in defaults.items():
        first_step, first = uses[0]
        for step, value in uses[1:]:
            if value != first or type(value) is not type(first):
                fact = f"Parameter {name} has two defaults: {first!r} in {first_step} and {value!r} in {step}."
                yield Problem(fact, "Make one PipelineParameter and give it to both.")
                break
