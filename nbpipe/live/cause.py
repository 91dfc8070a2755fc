"""The way from the cause of a step's run, which may lie far upstream, to the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.reason import Reason


def cause_path(graph: Graph, node_id: str, reasons_of: Callable[[str], Sequence[Reason]]) -> tuple[str, ...]:
    """Ids from the root cause to a step; nothing where the step's first reason is its own.

    Args:
        graph: the steps.
        node_id: the step.
        reasons_of: node id -> why it runs.
    """
    path = [node_id]
    while reasons := reasons_of(path[0]):
        source = _source(graph.get_node(path[0]), reasons[0])
        if source is None or source in path or source not in graph.node_dict:
            break
        path.insert(0, source)
    return tuple(path) if len(path) > 1 else ()


def _source(node: Node, reason: Reason) -> str | None:
    """The step upstream that a reason speaks of: it names the step, or what that makes."""
    if reason.kind != "upstream":
        return None
    if reason.name in node.parents():
        return reason.name
    return next((port.source_id for port in node.inputs if port.source_port == reason.name), None)
