"""Cards of steps, edges, data and parameters, made of a picture; what has not changed stays the same object."""

from __future__ import annotations

from collections.abc import Mapping

from nbpipe.live.badge import badge
from nbpipe.live.scene import StepFacts
from nbpipe.views.picture import EdgeView, NodeView, Picture
from nbpipe.views.protocol import DataCard, EdgeCard, LabelCard, NodeCard, ParameterCard

_PLAIN = StepFacts()


def edge_id(source: str, dest: str) -> str:
    """The id of the edge between two nodes, which no other pair has.

    Example:
        >>> edge_id("prep", "train")
        '4:prep>train'
    """
    return f"{len(source)}:{source}>{dest}"


def node_card(node: NodeView, facts: StepFacts = _PLAIN) -> NodeCard:
    """The card of a step.

    Example:
        >>> node_card(NodeView("train", "will run", why="train.py line 12 changed")).badge
        'will run: train.py line 12 changed'
    """
    cell, vitals = facts.cell, facts.vitals
    return NodeCard(
        id=node.node_id,
        name=node.name,
        status=node.status,
        detail=node.detail,
        why=node.why,
        advice=node.advice,
        key=node.key,
        target=node.target,
        seconds=node.seconds,
        estimate=node.estimate,
        started=node.started,
        reused_at=node.reused_at,
        before=node.before,
        progress=vitals.progress,
        last_line=vitals.last_line,
        metric=vitals.metric,
        inputs=facts.inputs,
        outputs=facts.outputs,
        parameters=facts.parameters,
        cell=cell.cell,
        cell_label=cell.cell_label,
        cell_gone=cell.cell_gone,
        first=cell.first,
        digest=cell.digest,
        script=cell.script,
        badge=badge(node, cell.script, vitals.progress),
        cause=facts.cause,
        line=facts.line,
        parents=node.parents,
    )


def edge_card(edge: EdgeView, *, reading: bool = False) -> EdgeCard:
    """The card of an edge, with all its labels; ``reading`` while its step runs."""
    labels = tuple(LabelCard(name, note) for name, note in edge.labels)
    return EdgeCard(edge_id(edge.source, edge.dest), edge.source, edge.dest, edge.state, reading, labels)


class CardMaker:
    """Makes the cards of one pipeline's pictures, one after the other.

    A step or edge of which nothing is new keeps the card object that it had, so that a change is found by
    identity.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[tuple[NodeView, StepFacts], NodeCard]] = {}
        self._edges: dict[tuple[str, str], tuple[tuple[EdgeView, bool], EdgeCard]] = {}

    def nodes(self, picture: Picture, facts: Mapping[str, StepFacts]) -> dict[str, NodeCard]:
        """Cards of all steps by id, in the order of the picture."""
        made: dict[str, tuple[tuple[NodeView, StepFacts], NodeCard]] = {}
        for node in picture.nodes:
            seen = (node, facts.get(node.node_id, _PLAIN))
            known = self._nodes.get(node.node_id)
            made[node.node_id] = known if known and known[0] == seen else (seen, node_card(*seen))
        self._nodes = made
        return {each: card for each, (_, card) in made.items()}

    def edges(self, picture: Picture) -> dict[str, EdgeCard]:
        """Cards of all edges by id."""
        running = {node.node_id for node in picture.nodes if node.status == "running"}
        made: dict[tuple[str, str], tuple[tuple[EdgeView, bool], EdgeCard]] = {}
        for edge in picture.edges:
            seen = (edge, edge.dest in running and edge.state == "there")
            pair = (edge.source, edge.dest)
            known = self._edges.get(pair)
            made[pair] = known if known and known[0] == seen else (seen, edge_card(edge, reading=seen[1]))
        self._edges = made
        return {card.id: card for _, card in made.values()}


def data_cards(picture: Picture) -> dict[str, DataCard]:
    """Cards of the data that is read, by id."""
    read = {edge.source for edge in picture.edges}
    return {
        each.node_id: DataCard(each.node_id, each.name, each.note)
        for each in picture.data
        if each.node_id in read
    }


def parameter_cards(picture: Picture) -> tuple[ParameterCard, ...]:
    """Cards of the parameters."""
    return tuple(ParameterCard(each.name, each.value, each.takers) for each in picture.parameters)
