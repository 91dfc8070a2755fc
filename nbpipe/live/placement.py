"""Where the cards of a scene stand, in both directions; worked out anew only when the graph has another shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from nbpipe.core.record import dataclass
from nbpipe.live.cards import edge_id
from nbpipe.live.scene import Scene
from nbpipe.views.cards import TAG_HEIGHT, Size, size_for, tag_width
from nbpipe.views.dag import Direction, Layout
from nbpipe.views.drawing import Drawing, edge_way
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture
from nbpipe.views.protocol import BoxCard, EdgeCard, LabelCard, LayoutCard, TextCard

NOTE_ROOM = "000 rows · 00 KB"
"""Room that is kept for a note on data, so that nothing moves when one comes or changes."""


def _pixels(value: float) -> float:
    """A coordinate to a tenth of a pixel."""
    return round(value, 1) + 0.0


@dataclass(frozen=True)
class Placement:
    """A drawing of a scene's shape.

    Attributes:
        shape: what the places depend on; another scene of the same shape has the same.
        drawing: who stands where.
    """

    shape: object
    drawing: Drawing

    @cached_property
    def layouts(self) -> tuple[LayoutCard, ...]:
        """The layout to the right, and the one downwards."""
        return (self._layout("right"), self._layout("down"))

    def _layout(self, direction: Direction) -> LayoutCard:
        drawing = self.drawing
        layout = drawing.layout(direction)
        ways = {edge_id(*pair): edge_way(layout.routes[pair], direction) for pair in drawing.edges}
        return LayoutCard(
            direction,
            drawing.size.name,
            _pixels(layout.width),
            _pixels(layout.height),
            self._boxes(layout),
            {each: way for each, (way, _) in ways.items()},
            {each: head for each, (_, head) in ways.items()},
            {edge_id(*pair): TextCard(_pixels(x), _pixels(y)) for pair, x, y in drawing.label_places(layout)},
            {
                tag.name: BoxCard(_pixels(x), _pixels(y), _pixels(tag_width(tag)), TAG_HEIGHT)
                for tag, x, y in drawing.tag_corners(layout)
            },
            {tag.name: way for tag, way in drawing.hairlines(layout)},
        )

    def _boxes(self, layout: Layout) -> dict[str, BoxCard]:
        boxes = self.drawing.boxes
        return {
            each: BoxCard(_pixels(x), _pixels(y), _pixels(boxes[each].width), _pixels(boxes[each].height))
            for each, (x, y) in layout.corners.items()
        }

    @cached_property
    def _told(self) -> dict[str, tuple[frozenset[str], int]]:
        """Edge -> the names that stand there, and how many more there are."""
        return {
            edge_id(*pair): (frozenset(name for name, _ in label.named), label.more)
            for pair, label in self.drawing.labels.items()
        }

    def labelled(self, edge: EdgeCard) -> EdgeCard:
        """An edge with those of its labels that stand there; in the small sizes it keeps them all."""
        if not edge.labels or not self._told:
            return edge
        names, more = self._told.get(edge.id, (frozenset[str](), 0))
        labels = [each for each in edge.labels if each.name in names]
        if more:
            labels.append(LabelCard(f"+{more}"))
        return edge if len(labels) == len(edge.labels) else replace(edge, labels=tuple(labels))


def place(scene: Scene, known: Placement | None = None) -> Placement:
    """The placement of a scene.

    Args:
        scene: its cards.
        known: an earlier one, which is kept where the scene has its shape.
    """
    size = size_for(len(scene.nodes))
    shape = _shape(scene, size)
    if known and known.shape == shape:
        return known
    return Placement(shape, Drawing(_outline(scene), size))


def _shape(scene: Scene, size: Size) -> object:
    """All that places depend on: who is there, who is joined to whom, and how wide the words between are."""
    edges = tuple(
        (each.source, each.dest, tuple(label.name for label in each.labels)) for each in scene.edges.values()
    )
    data = tuple((each.id, each.name, _note_room(each.note)) for each in scene.data.values())
    tags = tuple((each.name, each.value, each.takers) for each in scene.parameters)
    return size.name, tuple(scene.nodes), edges, data, tags


def _note_room(note: str) -> str:
    return note if len(note) > len(NOTE_ROOM) else NOTE_ROOM


def _outline(scene: Scene) -> Picture:
    """The scene as a picture that has nothing but its shape."""
    return Picture(
        "",
        tuple(NodeView(each, "") for each in scene.nodes),
        tuple(
            EdgeView(
                each.source, each.dest, each.state, tuple((label.name, NOTE_ROOM) for label in each.labels)
            )
            for each in scene.edges.values()
        ),
        tuple(DataView(each.id, each.name, _note_room(each.note)) for each in scene.data.values()),
        tuple(ParameterView(each.name, each.value, each.takers) for each in scene.parameters),
    )


def edges_in_place(
    scene: Scene, placement: Placement, known: Mapping[str, tuple[EdgeCard, EdgeCard]]
) -> dict[str, tuple[EdgeCard, EdgeCard]]:
    """Every edge as it is and as it is labelled in its place; pairs in ``known`` are kept where nothing is new."""
    made = {}
    for each in scene.edges.values():
        before = known.get(each.id)
        made[each.id] = before if before and before[0] is each else (each, placement.labelled(each))
    return made
