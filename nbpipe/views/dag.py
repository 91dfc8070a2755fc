"""Where the nodes of a graph stand and how its edges run, to the right or downwards."""

from __future__ import annotations

import importlib.util
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from nbpipe.core.record import dataclass
from nbpipe.views.median import Edge, Place, place_by_medians, ranks_of

Direction = Literal["right", "down"]
Point = tuple[float, float]

_LARGE = 1000
"""Above so many nodes the search for fewer crossings is left out: 28 ms instead of half a second."""

_MOST_BENDS = 20_000
"""fast-sugiyama bends each edge in each rank it passes; above so many it takes seconds, or minutes."""

_UNIT = 100.0


@dataclass(frozen=True)
class Arrangement:
    """Who stands in which rank and in which row, before sizes count.

    Attributes:
        places: node -> rank and row.
        edges: as they were given.
        bends: edge -> rank and row of each rank that it passes without ending there.
    """

    places: Mapping[str, Place]
    edges: Sequence[Edge]
    bends: Mapping[Edge, Sequence[Place]]


def arrange(ids: Sequence[str], edges: Sequence[Edge]) -> Arrangement:
    """Arrange a graph by ranks, with few crossings.

    Args:
        ids: nodes in topological order.
        edges: pairs of them, each once.

    Example:
        >>> arrange(["a", "b"], [("a", "b")]).places
        {'a': (0, 0.0), 'b': (1, 0.0)}
    """
    joined = {each for edge in edges for each in edge}
    alone = [each for each in ids if each not in joined]
    linked = [each for each in ids if each in joined]
    ranks = ranks_of(linked, edges)
    passed = sum(ranks[dest] - ranks[source] - 1 for source, dest in edges)
    if edges and passed <= _MOST_BENDS and importlib.util.find_spec("fast_sugiyama"):
        made = _sugiyama(linked, edges)
    else:
        made = Arrangement(place_by_medians(linked, edges), edges, {})
    places = dict(made.places) | _grid(alone, made.places)
    return Arrangement({each: places[each] for each in ids}, edges, made.bends)


def _sugiyama(ids: Sequence[str], edges: Sequence[Edge]) -> Arrangement:
    """Each connected part on its own, one below the other.

    Given them all at once, the library numbers the dummy vertices of each part like nodes of another.
    """
    places: dict[str, Place] = {}
    bends: dict[Edge, Sequence[Place]] = {}
    top = 0.0
    for part, links in _parts(ids, edges):
        made = _arrange_part(part, links)
        rows = [row for _, row in (*made.places.values(), *chain.from_iterable(made.bends.values()))]
        shift = top - min(rows)
        places |= {each: (rank, row + shift) for each, (rank, row) in made.places.items()}
        bends |= {edge: [(rank, row + shift) for rank, row in way] for edge, way in made.bends.items()}
        top += max(rows) - min(rows) + 1.0
    return Arrangement(places, edges, bends)


def _parts(ids: Sequence[str], edges: Sequence[Edge]) -> Iterator[tuple[list[str], list[Edge]]]:
    """Connected parts, in the order of their first node."""
    part = {each: each for each in ids}

    def first(each: str) -> str:
        while part[each] != each:
            part[each] = part[part[each]]
            each = part[each]
        return each

    for source, dest in edges:
        part[first(dest)] = first(source)
    members: dict[str, list[str]] = defaultdict(list)
    links: dict[str, list[Edge]] = defaultdict(list)
    for each in ids:
        members[first(each)].append(each)
    for edge in edges:
        links[first(edge[0])].append(edge)
    for key, nodes in members.items():
        yield nodes, links[key]


def _arrange_part(ids: Sequence[str], edges: Sequence[Edge]) -> Arrangement:
    from fast_sugiyama import from_edges

    numbers = {each: number for number, each in enumerate(ids)}
    ((positions, _, _, links),) = from_edges(
        [(numbers[source], numbers[dest]) for source, dest in edges],
        vertex_spacing=_UNIT,
        dummy_vertices=True,
        ranking_type="up",
        transpose=len(ids) <= _LARGE,
        check_layout=False,
    )
    heights = sorted({y for _, (_, y) in positions}, reverse=True)
    ranks = {y: rank for rank, y in enumerate(heights)}
    there: dict[int, Place] = {int(number): (ranks[y], x / _UNIT) for number, (x, y) in positions}
    places = {each: there[number] for each, number in numbers.items()}
    return Arrangement(places, edges, _bends(ids, there, list(links or ())))


def _bends(
    ids: Sequence[str], there: Mapping[int, Place], links: Sequence[Any]
) -> dict[Edge, Sequence[Place]]:
    """Chains of the library's dummy vertices, whose numbers follow those of the nodes, as bends of edges."""
    follow = {source: dest for source, dest in links if source >= len(ids)}
    found: dict[Edge, Sequence[Place]] = {}
    for source, dest in links:
        if source < len(ids) <= dest:
            way, last = [], dest
            while last >= len(ids):
                way.append(there[last])
                last = follow[last]
            found[ids[source], ids[last]] = way
    return found


def _grid(alone: Sequence[str], others: Mapping[str, Place]) -> dict[str, Place]:
    """Nodes without any edge, in a block below the rest."""
    if not alone:
        return {}
    top = max((row for _, row in others.values()), default=-1.0) + 1.0
    columns = max(math.ceil(math.sqrt(len(alone))), max((rank + 1 for rank, _ in others.values()), default=1))
    return {each: (number % columns, top + number // columns) for number, each in enumerate(alone)}


@dataclass(frozen=True)
class Box:
    """Room that a node takes: its card, and what hangs below the card, in pixels."""

    width: float
    height: float
    below: float = 0.0


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels from the top left.

    Attributes:
        direction: which way the data go.
        width, height: of the whole.
        corners: node -> top left corner of its card.
        routes: edge -> points that it goes through, joined by a straight line and a curve in turn: straight away
            from the card and along each rank that it passes, a curve from one rank to the next.
    """

    direction: Direction
    width: float
    height: float
    corners: Mapping[str, Point]
    routes: Mapping[Edge, Sequence[Point]]


def lay_out(
    arrangement: Arrangement,
    boxes: Mapping[str, Box],
    *,
    direction: Direction,
    row_gap: float,
    rank_gap: float,
    rank_gaps: Mapping[int, float] | None = None,
) -> Layout:
    """Give an arrangement its size.

    Args:
        arrangement: ranks and rows.
        boxes: room of every node.
        direction: data go to the ``right`` or ``down``.
        row_gap: pixels between two cards of a rank.
        rank_gap: pixels between two ranks.
        rank_gaps: rank -> pixels between it and the next, where that is not ``rank_gap``.
    """
    plane = _Plane(arrangement, boxes, direction, row_gap)
    plane.stretch(rank_gap, rank_gaps or {})
    corners = {each: plane.turned(plane.card(each)[0], plane.top(each)) for each in arrangement.places}
    ends = plane.ends(arrangement.edges)
    routes = {
        edge: [
            plane.turned(main, cross)
            for main, cross in plane.way(edge, arrangement.bends.get(edge, ()), ends[edge])
        ]
        for edge in arrangement.edges
    }
    passed = [point for route in routes.values() for point in route]
    width = max(
        [*(x for x, _ in passed), *(x + boxes[each].width for each, (x, _) in corners.items())], default=0.0
    )
    lower = (y + boxes[each].height + boxes[each].below for each, (_, y) in corners.items())
    height = max([*(y for _, y in passed), *lower], default=0.0)
    return Layout(direction, width, height, corners, routes)


class _Plane:
    """Coordinates along the way of the data (``main``) and across it (``cross``), whichever way that is."""

    def __init__(
        self, arrangement: Arrangement, boxes: Mapping[str, Box], direction: Direction, row_gap: float
    ) -> None:
        self.boxes = boxes
        self.right = direction == "right"
        self.ranks = {each: rank for each, (rank, _) in arrangement.places.items()}
        self.rows = self._rows(arrangement, row_gap)
        self.starts: dict[int, float] = {}
        self.depths: dict[int, float] = {}

    def turned(self, main: float, cross: float) -> Point:
        """A point as x and y."""
        return (main, cross) if self.right else (cross, main)

    def _rows(self, arrangement: Arrangement, gap: float) -> dict[Any, float]:
        """Middle of every card, and of every bend (by edge and rank), across the way of the data."""
        pitch = gap + max((b.height if self.right else b.width for b in self.boxes.values()), default=0.0)
        slots: dict[int, list[Slot]] = defaultdict(list)
        for each, (rank, row) in arrangement.places.items():
            box = self.boxes[each]
            before = (box.height if self.right else box.width) / 2
            slots[rank].append(Slot(row * pitch, before, before + (box.below if self.right else 0.0), each))
        for edge, bends in arrangement.bends.items():
            for rank, row in bends:
                slots[rank].append(Slot(row * pitch, 4.0, 4.0, (edge, rank)))
        rows = {slot.key: row for each in slots.values() for slot, row in spread(each, gap)}
        lanes = [row for key, row in rows.items() if key not in self.boxes]
        first = min([*lanes, *(rows[each] - self._before(each) for each in arrangement.places)], default=0.0)
        return {key: row - first for key, row in rows.items()}

    def _before(self, each: str) -> float:
        return (self.boxes[each].height if self.right else self.boxes[each].width) / 2

    def top(self, each: str) -> float:
        """Where a card begins, across."""
        return self.rows[each] - self._before(each)

    def stretch(self, gap: float, gaps: Mapping[int, float]) -> None:
        """Set where each rank begins and how deep it is."""
        for each, rank in self.ranks.items():
            box = self.boxes[each]
            depth = box.width if self.right else box.height + box.below
            self.depths[rank] = max(self.depths.get(rank, 0.0), depth)
        start = 0.0
        for rank in range(max(self.depths, default=-1) + 1):
            self.starts[rank] = start
            self.depths.setdefault(rank, 0.0)
            start += self.depths[rank] + gaps.get(rank, gap)

    def card(self, each: str) -> tuple[float, float]:
        """Where a card begins and ends, along: a narrow one stands next to the following rank."""
        rank, box = self.ranks[each], self.boxes[each]
        if self.right:
            end = self.starts[rank] + self.depths[rank]
            return end - box.width, end
        return self.starts[rank], self.starts[rank] + box.height

    def way(self, edge: Edge, bends: Sequence[Place], end: float) -> list[Point]:
        """Points of an edge: along the ranks that it passes straight on, between them in a curve."""
        source, dest = edge
        away = 0.0 if self.right else self.boxes[source].below
        points = [(self.card(source)[1] + each, self.rows[source]) for each in (0.0, away)]
        for rank, _ in bends:
            row = self.rows[edge, rank]
            points += [(self.starts[rank], row), (self.starts[rank] + self.depths[rank], row)]
        return [*points, (self.card(dest)[0], end)]

    def ends(self, edges: Sequence[Edge]) -> dict[Edge, float]:
        """Where each edge meets its card: side by side, in the order in which they come."""
        arriving: dict[str, list[tuple[float, Edge]]] = defaultdict(list)
        for edge in edges:
            source, dest = edge
            arriving[dest].append((self.rows.get((edge, self.ranks[dest] - 1), self.rows[source]), edge))
        found = {}
        for dest, comers in arriving.items():
            step = min(16.0, (2 * self._before(dest) - 24.0) / max(len(comers) - 1, 1))
            first = self.rows[dest] - max(step, 0.0) * (len(comers) - 1) / 2
            for number, (_, edge) in enumerate(sorted(comers)):
                found[edge] = first + max(step, 0.0) * number
        return found


@dataclass(frozen=True)
class Slot:
    """Something that wants a place on a line: its middle, and what it takes before and after it."""

    wanted: float
    before: float
    after: float
    key: Any


def spread(slots: Sequence[Slot], gap: float) -> Iterator[tuple[Slot, float]]:
    """Move what stands too close apart, the whole as little as possible from where it wants to be."""
    placed: list[tuple[Slot, float]] = []
    free = -math.inf
    for slot in sorted(slots, key=lambda each: (each.wanted, str(each.key))):
        middle = max(slot.wanted, free + slot.before)
        free = middle + slot.after + gap
        placed.append((slot, middle))
    moved = sum(middle - slot.wanted for slot, middle in placed) / max(len(placed), 1)
    for slot, middle in placed:
        yield slot, middle - moved
