"""Frames: what one view sees at one moment, and the messages that lead from one frame to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.live.cards import CardMaker, data_cards, parameter_cards
from nbpipe.live.grouping import Collapse, grouped
from nbpipe.live.head import head_card
from nbpipe.live.placement import Placement, edges_in_place, place
from nbpipe.live.scene import Scene, StepFacts
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import (
    DataCard,
    EdgeCard,
    GraphMessage,
    HeadCard,
    NodeCard,
    ParameterCard,
    PatchMessage,
)

MOST_IN_PATCH = 250
"""Cards in one patch: some 250 KB at most."""


@dataclass(frozen=True)
class Frame:
    """What a view sees at one moment: its cards, and where they stand."""

    head: HeadCard
    nodes: Mapping[str, NodeCard]
    edges: Mapping[str, EdgeCard]
    data: Mapping[str, DataCard]
    parameters: tuple[ParameterCard, ...]
    placement: Placement

    def message(self, view: str, revision: int) -> GraphMessage:
        """The frame, whole."""
        return GraphMessage(
            view,
            revision,
            self.head,
            tuple(self.nodes.values()),
            tuple(self.edges.values()),
            tuple(self.data.values()),
            self.parameters,
            self.placement.layouts,
        )


@dataclass
class Framer:
    """Makes the frames of all views that group a pipeline alike.

    Attributes:
        collapse, opened: as for ``grouped``.
    """

    collapse: Collapse = ""
    opened: Collection[str] = ()
    _placement: Placement | None = None
    _edges: Mapping[str, tuple[EdgeCard, EdgeCard]] = field(default_factory=dict)

    def frame(self, scene: Scene) -> Frame:
        """The frame of a scene; places are kept where its shape is that of the scene before."""
        shown = grouped(scene, self.collapse, self.opened)
        placement = place(shown, self._placement)
        known = self._edges if placement is self._placement else {}
        self._placement, self._edges = placement, edges_in_place(shown, placement, known)
        edges = {name: labelled for name, (_, labelled) in self._edges.items()}
        return Frame(shown.head, shown.nodes, edges, shown.data, shown.parameters, placement)


def messages(
    before: Frame | None, after: Frame, view: str, revision: int
) -> Iterator[GraphMessage | PatchMessage]:
    """What tells a view that has one frame about the next.

    Args:
        before: what the view has; None where it has nothing.
        after: what it is to have.
        view: its id.
        revision: of the first message; each further one counts one up.

    Yields:
        The graph whole where its shape or its places are others; patches of bounded size where cards changed;
        nothing where nothing did.
    """
    if before is None or before.placement is not after.placement:
        yield after.message(view, revision)
        return
    head = after.head if after.head != before.head else None
    parameters = after.parameters if after.parameters != before.parameters else None
    nodes, edges = changed(before.nodes, after.nodes), changed(before.edges, after.edges)
    data = changed(before.data, after.data)
    if head is None and parameters is None and not (nodes or edges or data):
        return
    for start in range(0, max(len(nodes), len(edges), len(data), 1), MOST_IN_PATCH):
        part = slice(start, start + MOST_IN_PATCH)
        yield PatchMessage(
            view, revision, head, tuple(nodes[part]), tuple(edges[part]), tuple(data[part]), parameters
        )
        revision, head, parameters = revision + 1, None, None


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[Any]:
    """Cards that are not what they were."""
    return [card for name, card in after.items() if (was := before.get(name)) is not card and was != card]


def scene_of(
    picture: Picture, facts: Mapping[str, StepFacts], head: HeadCard, maker: CardMaker | None = None
) -> Scene:
    """The scene of a picture.

    Args:
        picture: what is shown.
        facts: id of a step -> what its card tells besides.
        head: what stands around it.
        maker: of the pictures before, whose cards are kept where nothing is new.
    """
    maker = maker or CardMaker()
    nodes, edges = maker.nodes(picture, facts), maker.edges(picture)
    return Scene(head, nodes, edges, data_cards(picture), parameter_cards(picture))


def graph_message(
    picture: Picture,
    *,
    view: str = "v",
    revision: int = 1,
    facts: Mapping[str, StepFacts] | None = None,
    head: HeadCard | None = None,
    collapse: Collapse = "",
    opened: Collection[str] = (),
) -> GraphMessage:
    """The message that shows a picture.

    Example:
        >>> from nbpipe.views.picture import NodeView
        >>> graph_message(Picture("demo", (NodeView("a", "new"),))).layouts[0].boxes["a"].width
        200.0
    """
    scene = scene_of(picture, facts or {}, head or head_card(picture))
    return Framer(collapse, opened).frame(scene).message(view, revision)
