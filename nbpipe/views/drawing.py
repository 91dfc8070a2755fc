"""Where everything of a picture stands and how its lines run: one geometry for the static SVG and the live view."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from nbpipe.core.record import dataclass
from nbpipe.views.cards import MEDIUM, TAG_DROP, TAG_GAP, TAG_HEIGHT, Size, pill_box, tag_width
from nbpipe.views.dag import Arrangement, Box, Direction, Layout, Point, Slot, arrange, lay_out, spread
from nbpipe.views.glyphs import number
from nbpipe.views.picture import EdgeView, ParameterView, Picture
from nbpipe.views.text import width_of

SMALLEST = 0.6
"""Scale below which words cannot be read."""
PAGE = 1100.0
"""Width in pixels of a notebook's column: a picture that is wider is made smaller by the page."""
WIDEST_GAP = 144.0
"""Pixels between two ranks at most, however long the names of data are."""
LABEL_ROOM = WIDEST_GAP - 34
"""Pixels that a line of a label may take."""
_NAMED = 3

Pair = tuple[str, str]
"""Source and destination of an edge."""


@dataclass(frozen=True)
class EdgeLabel:
    """The data whose names stand at one edge.

    Attributes:
        named: ``(name, note)`` of those that are told.
        more: how many are not.
    """

    named: tuple[tuple[str, str], ...]
    more: int = 0

    @property
    def lines(self) -> list[tuple[str, bool]]:
        """What is written, line by line: a text, and whether it is a name."""
        told = [line for name, note in self.named for line in ((name, True), (note, False)) if line[0]]
        return [*told, (f"+{self.more}", False)] if self.more else told

    @property
    def width(self) -> float:
        """Pixels of its widest line."""
        widths = (width_of(text, 10 if is_name else 9, mono=is_name) for text, is_name in self.lines)
        return min(LABEL_ROOM, max(widths))


@dataclass(frozen=True)
class HungTag:
    """A parameter's tag below a card: its corner, from the card's own."""

    parameter: ParameterView
    x: float
    y: float


class Drawing:
    """One picture in one size: who stands where.

    Args:
        picture: what is drawn; of its steps only the ids count.
        size: form of the cards.

    Attributes:
        data: the data sources that are read, which alone are drawn.
        edges: by source and destination.
        tags: id of a step -> the tags below its card.
        labels: edge -> the data whose names stand there.
    """

    def __init__(self, picture: Picture, size: Size) -> None:
        self.picture = picture
        self.size = size
        self.tags = _hang(picture.parameters) if size is MEDIUM else {}
        read = {edge.source for edge in picture.edges}
        self.data = [each for each in picture.data if each.node_id in read]
        self.edges = {(edge.source, edge.dest): edge for edge in picture.edges}
        self.boxes = {each.node_id: pill_box(each, size) for each in self.data}
        for node in picture.nodes:
            below = max((each.y + TAG_HEIGHT for each in self.tags.get(node.node_id, ())), default=0.0)
            self.boxes[node.node_id] = Box(size.width, size.height, max(0.0, below - size.height))
        ids = [*(each.node_id for each in self.data), *(node.node_id for node in picture.nodes)]
        self.arrangement = arrange(ids, list(self.edges))
        self.labels = _labelled(picture.edges, self.arrangement) if size is MEDIUM else {}

    def layout(self, direction: Direction | None = None) -> Layout:
        """The layout in a direction, or in the one that fits a page better."""
        if direction:
            return self._laid_out(direction)
        right = self._laid_out("right")
        if right.width <= PAGE / SMALLEST:
            return right
        down = self._laid_out("down")
        return down if down.width < right.width else right

    def _laid_out(self, direction: Direction) -> Layout:
        gaps: dict[int, float] = {}
        for (source, _), label in self.labels.items():
            rank = self.arrangement.places[source][0]
            wanted = min(WIDEST_GAP, label.width + 34)
            gaps[rank] = max(gaps.get(rank, self.size.rank_gap), wanted)
        return lay_out(
            self.arrangement,
            self.boxes,
            direction=direction,
            row_gap=self.size.row_gap,
            rank_gap=self.size.rank_gap,
            rank_gaps=gaps if direction == "right" else {},
        )

    def tag_corners(self, layout: Layout) -> Iterator[tuple[ParameterView, float, float]]:
        """Every tag and its top left corner."""
        for host, tags in self.tags.items():
            x, y = layout.corners[host]
            yield from ((each.parameter, x + each.x, y + each.y) for each in tags)

    def hairlines(self, layout: Layout) -> Iterator[tuple[ParameterView, str]]:
        """From each tag up to its host, and around the other cards to every further step that takes the parameter."""
        for parameter, x, y in self.tag_corners(layout):
            width = tag_width(parameter)
            edge = layout.corners[parameter.takers[0]][1] + self.size.height
            ways = [f"M{number(x + width / 2)} {number(y)}V{number(edge)}"]
            host = layout.corners[parameter.takers[0]][0]
            for taker in parameter.takers[1:]:
                left, top = layout.corners[taker]
                start = x + (width if left > host else 0.0)
                lane, end = number(left - 16), number(top + self.size.height - 10)
                ways.append(f"M{number(start)} {number(y + TAG_HEIGHT / 2)}H{lane}V{end}H{number(left)}")
            yield parameter, "".join(ways)

    def label_places(self, layout: Layout) -> Iterator[tuple[Pair, float, float]]:
        """The middle of every label, beside its line; those of one gap are kept apart."""
        slots: dict[int, list[Slot]] = defaultdict(list)
        right = layout.direction == "right"
        for pair, label in self.labels.items():
            first, second = layout.routes[pair][1:3]
            cross = (first[1] + second[1]) / 2 if right else (first[0] + second[0]) / 2
            half = 6.0 * len(label.lines) if right else label.width / 2
            lifted = half + 5 if right and abs(first[1] - second[1]) < 1 else 0.0
            slots[self.arrangement.places[pair[0]][0]].append(Slot(cross - lifted, half, half, pair))
        for rank in sorted(slots):
            for slot, cross in spread(slots[rank], 4.0):
                first, second = layout.routes[slot.key][1:3]
                main = (first[0] + second[0]) / 2 if right else (first[1] + second[1]) / 2
                yield slot.key, main if right else cross, cross if right else main


def _hang(parameters: Sequence[ParameterView]) -> dict[str, list[HungTag]]:
    """Tags below the first step that takes each parameter, side by side as far as the card is wide."""
    hung: dict[str, list[HungTag]] = defaultdict(list)
    for each in parameters:
        tags = hung[each.takers[0]]
        x, y = 0.0, MEDIUM.height + TAG_DROP
        if tags:
            last = tags[-1]
            x, y = last.x + tag_width(last.parameter) + 6, last.y
            if x + tag_width(each) > MEDIUM.width:
                x, y = 0.0, last.y + TAG_HEIGHT + TAG_GAP
        tags.append(HungTag(each, x, y))
    return {host: _centred(tags) for host, tags in hung.items()}


def _centred(tags: Sequence[HungTag]) -> list[HungTag]:
    ends: Mapping[float, float] = {each.y: each.x + tag_width(each.parameter) for each in tags}
    return [HungTag(each.parameter, each.x + (MEDIUM.width - ends[each.y]) / 2, each.y) for each in tags]


def _labelled(edges: Sequence[EdgeView], arrangement: Arrangement) -> dict[Pair, EdgeLabel]:
    """Each output named once, at the straightest of the lines that carry it."""
    best: dict[tuple[str, str], tuple[float, int]] = {}
    for place, edge in enumerate(edges):
        row, other = arrangement.places[edge.source][1], arrangement.places[edge.dest][1]
        for name, _ in edge.labels:
            best[edge.source, name] = min(best.get((edge.source, name), (9e9, 0)), (abs(row - other), place))
    found: dict[Pair, EdgeLabel] = {}
    for place, edge in enumerate(edges):
        named = tuple(each for each in edge.labels if best[edge.source, each[0]][1] == place)
        label = EdgeLabel(named[:_NAMED], max(len(named) - _NAMED, 0))
        if label.lines:
            found[edge.source, edge.dest] = label
    return found


def edge_way(points: Sequence[Point], direction: Direction) -> tuple[str, str]:
    """The ``d`` of an edge's line and that of its arrow head.

    Args:
        points: its route in a layout.
        direction: which way the data go.
    """
    right = direction == "right"
    x, y = points[-1]
    stop = (x - 8, y) if right else (x, y - 8)
    way = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for place, (here, there) in enumerate(pairwise([*points[:-1], stop])):
        if here != there:
            way.append(_curve(here, there, right) if place % 2 else f"L{number(there[0])} {number(there[1])}")
    head = (
        f"M{number(x - 9)} {number(y - 4)}L{number(x - 2)} {number(y)}L{number(x - 9)} {number(y + 4)}Z"
        if right
        else f"M{number(x - 4)} {number(y - 9)}L{number(x)} {number(y - 2)}L{number(x + 4)} {number(y - 9)}Z"
    )
    return "".join(way), head


def _curve(here: Point, there: Point, right: bool) -> str:
    (x, y), (to_x, to_y) = here, there
    if (y if right else x) == (to_y if right else to_x):
        return f"L{number(to_x)} {number(to_y)}"
    near = ((x + to_x) / 2, y) if right else (x, (y + to_y) / 2)
    far = ((x + to_x) / 2, to_y) if right else (to_x, (y + to_y) / 2)
    return f"C{' '.join(number(each) for each in (*near, *far, to_x, to_y))}"
