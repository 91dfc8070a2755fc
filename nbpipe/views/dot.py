"""The picture in Graphviz's language; no ``dot`` binary is needed to make it."""

from __future__ import annotations

from typing import Any

from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.status import LIGHT
from nbpipe.views.text import visible


def digraph(picture: Picture) -> Any:
    """A ``graphviz.Digraph`` of the picture; its ``source`` is the text, ``render`` wants the binary.

    Nodes have numbers for names, since a colon in a name would mean a port.
    """
    import graphviz

    def plain(text: str) -> Any:
        """Text in which neither a backslash nor angle brackets at both ends mean anything."""
        return graphviz.escape(visible(text))

    graph = graphviz.Digraph(
        name=plain(picture.name), graph_attr={"rankdir": "LR", "tooltip": plain(picture.summary)}
    )
    graph.attr("node", shape="box", style="rounded,filled", fontname="Helvetica", fontsize="11")
    graph.attr("edge", fontname="Courier", fontsize="9", color=LIGHT["edge"])
    numbers: dict[str, str] = {}
    for place, each in enumerate(picture.data):
        numbers[each.node_id] = f"d{place}"
        graph.node(numbers[each.node_id], plain(each.name), shape="cylinder", style="", color=LIGHT["fg2"])
    for place, node in enumerate(picture.nodes):
        numbers[node.node_id] = f"n{place}"
        graph.node(
            numbers[node.node_id],
            f"{plain(node.name)}\\n{plain(node.words)}",
            **_drawn(node, plain(node.why)),
        )
    for edge in picture.edges:
        label = plain(", ".join(name for name, _ in edge.labels if name))
        style = {"there": "solid", "order": "dotted"}.get(edge.state, "dashed")
        colour = {"color": LIGHT["fail"]} if edge.state == "stopped" else {}
        graph.edge(numbers[edge.source], numbers[edge.dest], label=label, style=style, **colour)
    return graph


def _drawn(node: NodeView, why: str) -> dict[str, str]:
    look = node.look
    style = "rounded,filled,dashed" if look.planned or look.border == "dashed" else "rounded,filled"
    return {
        "style": style,
        "color": LIGHT[look.hue],
        "fillcolor": LIGHT[f"{look.hue}-tint"],
        "fontcolor": LIGHT["fg"],
        "tooltip": why or node.status,
    }
