"""The cause path: from the step where a change began to each step that it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.reason import Reason
from nbpipe.views.picture import NodeView

LONGEST = 48
"""Steps of a path that are told; of a longer one the root and the nearest."""
_STOPPED = frozenset({"failed", "cancelled", "blocked"})


def cause_paths(
    nodes: Iterable[NodeView], graph: Graph, reasons: Mapping[str, Sequence[Reason]]
) -> dict[str, tuple[str, ...]]:
    """Id of a step -> ids from the root cause to it; steps whose cause is their own are missing.

    Args:
        nodes: each after all it waits for.
        graph: whose steps they are.
        reasons: id of a step -> why it is as it is.
    """
    statuses: dict[str, str] = {}
    paths: dict[str, tuple[str, ...]] = {}
    for view in nodes:
        statuses[view.node_id] = view.status
        node = graph.get_node(view.node_id)
        parent = _parent(node, view, reasons.get(view.node_id, ()), statuses)
        if parent is not None:
            path = (*paths.get(parent, (parent,)), view.node_id)
            paths[view.node_id] = path if len(path) <= LONGEST else (path[0], *path[1 - LONGEST :])
    return paths


def _parent(node: Node, view: NodeView, reasons: Sequence[Reason], statuses: Mapping[str, str]) -> str | None:
    """The step upstream that a step's first reason speaks of, or that stopped it."""
    if reasons and reasons[0].kind == "upstream":
        name = reasons[0].name
        for port in node.inputs:
            if port.source_port and name in (port.source_port, port.source_id) and port.source_id in statuses:
                return port.source_id
    if view.status == "blocked":
        return next((each for each in node.parents() if statuses.get(each) in _STOPPED), None)
    return None
