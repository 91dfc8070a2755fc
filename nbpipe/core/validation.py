"""What is wrong with a graph: every problem at once, each at the earliest moment that knows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from nbpipe.core.compute import LOCAL
from nbpipe.core.dataset import FileDataset
from nbpipe.core.datastore import DataPath
from nbpipe.core.graph import Graph, Node
from nbpipe.core.parameter import SIMPLE_TYPES
from nbpipe.errors import Problem


def close_to(name: str, known: Collection[str]) -> str:
    """The known name that one most likely meant, or empty.

    Example:
        >>> close_to("claen", ["clean", "raw"])
        'clean'
    """
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.6)), "")


def build_problems(
    graph: Graph, *, script_problem: Callable[[Node], str], targets: Mapping[str, Any]
) -> Iterator[Problem]:
    """Problems that Azure ML v1 tells when the pipeline is built: a missing script, an unknown target.

    Args:
        graph: the nodes.
        script_problem: says why a node's script cannot be found, or an empty string.
        targets: the compute targets there are, by name; None for one of which no more is known.
    """
    for node in graph.nodes:
        problem = script_problem(node)
        if problem:
            yield Problem(f"Step {node.name}: {problem}", step=node.node_id)
        if node.target not in targets:
            known = f"This workspace has: {', '.join(sorted(targets))}"
            yield Problem(f"No compute target {node.target}. Step {node.name} wants it.", known, node.node_id)
        target = targets.get(node.target)
        alone = node.target == LOCAL or (target is not None and not target.takes_nodes)
        if node.environment.node_count > 1 and alone:
            count = node.environment.node_count
            fact = f"Step {node.name} wants {count} nodes; {node.target} is one machine."
            yield Problem(fact, "Set node_count to 1, or choose another compute target.", node.node_id)


def gpu_problems(graph: Graph, there: Mapping[str, int]) -> Iterator[Problem]:
    """One problem for each step that wants more GPUs than its compute target has.

    Args:
        graph: the nodes.
        there: target -> GPUs that steps may hold; a target that is not named gives them out itself.
    """
    for node in graph.nodes:
        wanted, has = node.environment.resources.gpus, there.get(node.target)
        if has is not None and wanted > has:
            where = "this machine" if node.target == LOCAL else node.target
            fact = f"Step {node.name} wants {wanted} GPUs; {where} has {has}."
            yield Problem(fact, step=node.node_id)


def two_makers_problem(output: str, first: str, second: str, step: str) -> Problem:
    """The problem of an output that two steps write: ``Two steps make {clean}: prep.py and prepare.py.``."""
    return Problem(
        f"Two steps make {{{output}}}: {first} and {second}.", "Give one of them another output.", step
    )


def circle_problems(graph: Graph) -> Iterator[Problem]:
    """One problem for each group of steps that wait for each other."""
    sorted_ids = {node.node_id for node in graph.topological()}
    left = _without_dead_ends(graph, [node_id for node_id in graph.node_dict if node_id not in sorted_ids])
    told: set[str] = set()
    for node_id in left:
        circle = [] if node_id in told else _circle_through(graph, node_id, left)
        if circle and not told & set(circle):
            told |= set(circle)
            yield _circle_problem(graph, circle)


def _without_dead_ends(graph: Graph, node_ids: Collection[str]) -> dict[str, None]:
    """These nodes without those that only wait for a circle: nobody in a circle waits for them."""
    left = dict.fromkeys(node_ids)
    waiting = {node_id: sum(child in left for child in graph.children(node_id)) for node_id in left}
    todo = [node_id for node_id, count in waiting.items() if not count]
    while todo:
        node_id = todo.pop()
        del left[node_id]
        for parent in graph.get_node(node_id).parents():
            if parent in left:
                waiting[parent] -= 1
                if not waiting[parent]:
                    todo.append(parent)
    return left


def _circle_through(graph: Graph, start: str, among: Collection[str]) -> list[str]:
    """A shortest way from a node back to itself along parents, or an empty list."""
    came_from: dict[str, str] = {}
    todo = deque([start])
    while todo:
        node_id = todo.popleft()
        for parent in graph.get_node(node_id).parents():
            if parent == start:
                way = [node_id]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if parent in among and parent not in came_from:
                came_from[parent] = node_id
                todo.append(parent)
    return []


def _circle_problem(graph: Graph, circle: list[str]) -> Problem:
    """The problem as people read it: ``a and b wait for each other: a <- b <- a``."""
    place = {node_id: number for number, node_id in enumerate(graph.node_dict)}
    listed = _shortened([graph.get_node(node_id).name for node_id in sorted(circle, key=place.__getitem__)])
    names = [graph.get_node(node_id).name for node_id in circle]
    if len(names) == 1:
        return Problem(f"{names[0]} reads what it writes.", "Give the output another name.", circle[0])
    way = " <- ".join([*_shortened(names, "..."), names[0]])
    fact = f"{', '.join(listed[:-1])} and {listed[-1]} wait for each other: {way}."
    count = {2: "two", 3: "three", 4: "four"}.get(len(names), str(len(names)))
    ordered = [
        node_id
        for node_id, parent in zip(circle, [*circle[1:], circle[0]], strict=True)
        if parent not in graph.get_node(node_id).data_parents()
    ]
    what = "orders" if len(ordered) == len(circle) else "inputs or orders" if ordered else "inputs"
    return Problem(fact, f"Take one of the {count} {what} away.", circle[0])


def _shortened(names: list[str], middle: str = "") -> list[str]:
    """At most eight names: a circle of a thousand steps is told by its first and last."""
    if len(names) <= 8:
        return names
    return [*names[:6], middle or f"{len(names) - 7} more", names[-1]]


def parameter_problems(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Problem]:
    """One problem for each value given to a parameter that no step takes, or that it cannot have.

    Args:
        defaults: parameter name -> default (or present) value.
        given: parameter name -> new value.
    """
    for name, value in given.items():
        if name not in defaults:
            meant = close_to(name, defaults)
            known = f"Parameters: {', '.join(defaults) or 'none'}"
            yield Problem(f"No parameter {name}.{f' Did you mean {meant}?' if meant else ''}", known)
        elif isinstance(defaults[name], SIMPLE_TYPES) and not isinstance(value, SIMPLE_TYPES):
            yield Problem(f"Parameter {name} got {value!r}.", "A value is an int, float, bool or str.")
        elif not isinstance(defaults[name], SIMPLE_TYPES) and not isinstance(value, DataPath | FileDataset):
            yield Problem(f"Parameter {name} got {value!r}.", "A value is a DataPath or a FileDataset.")


def default_problems(defaults: dict[str, list[tuple[str, Any]]]) -> Iterator[Problem]:
    """One problem for each parameter name that two steps give different defaults.

    Args:
        defaults: parameter name -> ``(step name, default)`` of every step that takes it.
    """
    for name, uses in defaults.items():
        first_step, first = uses[0]
        for step, value in uses[1:]:
            if value is not first and (value != first or type(value) is not type(first)):
                fact = (
                    f"Parameter {name} has two defaults: {first!r} in {first_step} and {value!r} in {step}."
                )
                yield Problem(fact, "Make one PipelineParameter and give it to both.")
                break
