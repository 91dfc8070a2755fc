"""The static picture of a pipeline as SVG: the same bytes for the same result, in light and dark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nbpipe.views.cards import (
    MEDIUM,
    TAG_DROP,
    TAG_GAP,
    TAG_HEIGHT,
    Size,
    card,
    pill,
    pill_box,
    size_for,
    tag,
    tag_width,
    write,
)
from nbpipe.views.dag import Arrangement, Box, Direction, Layout, Point, Slot, arrange, lay_out, spread
from nbpipe.views.glyphs import glyph, number
from nbpipe.views.palette import style_sheet
from nbpipe.views.picture import EdgeView, ParameterView, Picture
from nbpipe.views.status import look
from nbpipe.views.text import escaped, width_of

_MARGIN = 20.0
_SMALLEST = 0.6
"""Scale below which words cannot be read."""
_HEAD = 92.0
"""Height of the title, the summary and the legend."""
_PAGE = 1100.0
"""Width in pixels of a notebook's column: a picture that is wider is made smaller by the page."""
_NARROW_PAGE = 900.0
"""Width in pixels that every page has: a picture that needs no more has a size of its own."""
_WIDEST_GAP = 144.0
_GREYED = 0.6  # a graph that is only remembered
_SMALLEST_CELL = "%%pipeline_step prepare.py --out {>clean.csv}"


def svg(picture: Picture, *, direction: Direction | None = None) -> str:
    """The picture as an SVG document, without ids, scripts, links or clock times.

    Args:
        picture: what to draw; ``picture.still()`` for one that is saved.
        direction: which way the data go; by default the one that has to be made less small to fit a page.
    """
    size = size_for(len(picture.nodes))
    if not picture.nodes:
        return _document(picture, _ghost(), 3 * 200 + 2 * 62, 76)
    drawing = _Drawing(picture, size)
    layout = drawing.layout(direction)
    return _document(picture, "".join(drawing.parts(layout)), layout.width, layout.height)


def _document(picture: Picture, body: str, width: float, height: float) -> str:
    head, least = _head(picture)
    wide, high = max(width, least) + 2 * _MARGIN, height + _HEAD + _MARGIN
    faded = f' opacity="{_GREYED}"' if picture.bar else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {_size(wide, high)} class="nbp" role="img" '
        f'aria-label="{escaped(f"Pipeline {picture.name}: {picture.summary}")}">'
        f"<style>{style_sheet()}</style>"
        f'<rect width="100%" height="100%" rx="10" class="nbp-canvas"/>{head}'
        f'<g transform="translate({number(_MARGIN)} {number(_HEAD)})"{faded}>{body}</g></svg>\n'
    )


def _size(wide: float, high: float) -> str:
    """Attributes that let a narrower page shrink the picture, to what can still be read; then the page scrolls.

    JupyterLab shows an SVG as an image and takes its width as it stands, so one that does not fit every page asks
    for the page's width: its own is then the most it takes.
    """
    width, height = number(wide, 0), number(high, 0)
    box = f'viewBox="0 0 {width} {height}"'
    least = f"min-width:{number(wide * _SMALLEST, 0)}px;height:auto"
    if _NARROW_PAGE < wide <= _PAGE / _SMALLEST:
        return f'width="100%" {box} preserveAspectRatio="xMinYMin" style="max-width:{width}px;{least}"'
    return f'width="{width}" height="{height}" {box} style="max-width:100%;{least}"'


def _head(picture: Picture) -> tuple[str, float]:
    """Name, summary and legend, and the width that they take."""
    name = write(_MARGIN, 31, picture.name, 15, room=300, bold=True, middle=True)
    left = _MARGIN + min(300.0, width_of(picture.name, 15, bold=True)) + 12
    run = f"run {picture.run} · " if picture.run else ""
    summary = f"{run}{picture.summary}"
    style = "nbp-done nbp-hue" if picture.all_reused else "nbp-fg2"
    parts = [name, write(left, 31, summary, 12, style, room=620)]
    right = left + min(620.0, width_of(summary, 12))
    x = _MARGIN
    for word, count in picture.counts.items():
        told = f"{count} {word}"
        width = width_of(told, 11) + 36
        hue = look(word).hue
        parts.append(
            f'<g class="nbp-{hue}" transform="translate({number(x)} 46)"><rect width="{number(width)}" height="22" '
            f'rx="11" class="nbp-tint-{hue}"/>{glyph(word, 14, 11, 11)}{write(25, 15, told, 11, room=200)}</g>'
        )
        x += width + 8
    if picture.hint:
        parts.append(write(x + 4, 61, picture.hint, 11, "nbp-fg2", room=520))
        x += 12 + min(520.0, width_of(picture.hint, 11))
    return "".join(parts), max(right, x - 8) - _MARGIN


def _ghost() -> str:
    """Three steps that are not there yet, and the smallest cell that makes one."""
    boxes = (f'<rect x="{262 * n}" width="200" height="76" rx="8" stroke-width="1.25"/>' for n in range(3))
    lines = (f'<path d="M{262 * n + 200} 38H{262 * n + 262}"/>' for n in range(2))
    cell = write(0, -28, _SMALLEST_CELL, 11, "nbp-fg2", room=724, mono=True)
    return f'<g fill="none" class="nbp-hair" stroke-dasharray="5 4">{"".join([*boxes, *lines])}</g>{cell}'


@dataclass(frozen=True)
class _Tag:
    """A parameter's tag below a card: its corner, from the card's own."""

    parameter: ParameterView
    x: float
    y: float


class _Drawing:
    """One picture in one size: who stands where, and everything as SVG."""

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

    def layout(self, direction: Direction | None) -> Layout:
        """The layout in a direction, or in the one that fits a page better."""
        if direction:
            return self._laid_out(direction)
        right = self._laid_out("right")
        if right.width <= _PAGE / _SMALLEST:
            return right
        down = self._laid_out("down")
        return down if down.width < right.width else right

    def _laid_out(self, direction: Direction) -> Layout:
        gaps: dict[int, float] = {}
        for edge, texts in self.labels.items():
            rank = self.arrangement.places[edge.source][0]
            wanted = min(_WIDEST_GAP, _label_width(texts) + 34)
            gaps[rank] = max(gaps.get(rank, self.size.rank_gap), wanted)
        return lay_out(
            self.arrangement,
            self.boxes,
            direction=direction,
            row_gap=self.size.row_gap,
            rank_gap=self.size.rank_gap,
            rank_gaps=gaps if direction == "right" else {},
        )

    def parts(self, layout: Layout) -> Iterator[str]:
        """Everything, what lies below first."""
        for pair, edge in self.edges.items():
            yield _edge(edge, layout.routes[pair], layout.direction)
        yield from self._hairlines(layout)
        yield from self._label_texts(layout)
        for each in self.data:
            yield pill(each, *layout.corners[each.node_id], self.size)
        for node in self.picture.nodes:
            x, y = layout.corners[node.node_id]
            yield from (
                tag(each.parameter, x + each.x, y + each.y) for each in self.tags.get(node.node_id, ())
            )
            yield card(node, x, y, self.size)

    def _hairlines(self, layout: Layout) -> Iterator[str]:
        """From each tag up to its host, and around the other cards to every further step that takes the parameter."""
        for host, tags in self.tags.items():
            x, y = layout.corners[host]
            for each in tags:
                width = tag_width(each.parameter)
                ways = [
                    f"M{number(x + each.x + width / 2)} {number(y + each.y)}V{number(y + self.size.height)}"
                ]
                for taker in each.parameter.takers[1:]:
                    left, top = layout.corners[taker]
                    start = x + each.x + (width if left > x else 0.0)
                    lane, end = number(left - 16), number(top + self.size.height - 10)
                    ways.append(
                        f"M{number(start)} {number(y + each.y + TAG_HEIGHT / 2)}H{lane}V{end}H{number(left)}"
                    )
                yield f'<path d="{"".join(ways)}" fill="none" stroke-width="1.2" class="nbp-hair"/>'

    def _label_texts(self, layout: Layout) -> Iterator[str]:
        """Names of the data beside their lines, those of one gap kept apart."""
        slots: dict[int, list[Slot]] = defaultdict(list)
        right = layout.direction == "right"
        for edge, texts in self.labels.items():
            first, second = layout.routes[edge.source, edge.dest][1:3]
            cross = (first[1] + second[1]) / 2 if right else (first[0] + second[0]) / 2
            half = 6.0 * len(texts) if right else _label_width(texts) / 2
            lifted = half + 5 if right and abs(first[1] - second[1]) < 1 else 0.0
            slots[self.arrangement.places[edge.source][0]].append(Slot(cross - lifted, half, half, edge))
        for rank in sorted(slots):
            for slot, cross in spread(slots[rank], 4.0):
                first, second = layout.routes[slot.key.source, slot.key.dest][1:3]
                main = (first[0] + second[0]) / 2 if right else (first[1] + second[1]) / 2
                yield _label(self.labels[slot.key], main if right else cross, cross if right else main)


def _hang(parameters: Sequence[ParameterView]) -> dict[str, list[_Tag]]:
    """Tags below the first step that takes each parameter, side by side as far as the card is wide."""
    hung: dict[str, list[_Tag]] = defaultdict(list)
    for each in parameters:
        tags = hung[each.takers[0]]
        x, y = 0.0, MEDIUM.height + TAG_DROP
        if tags:
            last = tags[-1]
            x, y = last.x + tag_width(last.parameter) + 6, last.y
            if x + tag_width(each) > MEDIUM.width:
                x, y = 0.0, last.y + TAG_HEIGHT + TAG_GAP
        tags.append(_Tag(each, x, y))
    return {host: _centred(tags) for host, tags in hung.items()}


def _centred(tags: Sequence[_Tag]) -> list[_Tag]:
    ends: Mapping[float, float] = {each.y: each.x + tag_width(each.parameter) for each in tags}
    return [_Tag(each.parameter, each.x + (MEDIUM.width - ends[each.y]) / 2, each.y) for each in tags]


def _labelled(edges: Sequence[EdgeView], arrangement: Arrangement) -> dict[EdgeView, list[tuple[str, bool]]]:
    """Each output named once, at the straightest of the lines that carry it: edge -> (text, is a name)."""
    best: dict[tuple[str, str], tuple[float, int]] = {}
    for place, edge in enumerate(edges):
        row, other = arrangement.places[edge.source][1], arrangement.places[edge.dest][1]
        for name, _ in edge.labels:
            best[edge.source, name] = min(best.get((edge.source, name), (9e9, 0)), (abs(row - other), place))
    found: dict[EdgeView, list[tuple[str, bool]]] = {}
    for place, edge in enumerate(edges):
        named = [(name, note) for name, note in edge.labels if best[edge.source, name][1] == place]
        lines = [line for name, note in named[:3] for line in ((name, True), (note, False)) if line[0]]
        if len(named) > 3:
            lines.append((f"+{len(named) - 3}", False))
        if lines:
            found[edge] = lines
    return found


def _label_width(texts: Sequence[tuple[str, bool]]) -> float:
    widths = (width_of(text, 10 if is_name else 9, mono=is_name) for text, is_name in texts)
    return min(_WIDEST_GAP - 34, max(widths))


def _label(texts: Sequence[tuple[str, bool]], x: float, y: float) -> str:
    width, height = _label_width(texts) + 6, 12.0 * len(texts)
    top = y - height / 2
    lines = [
        (
            f'<rect x="{number(x - width / 2)}" y="{number(top)}" width="{number(width)}" height="{number(height)}" '
            'rx="4" class="nbp-canvas" fill-opacity=".92"/>'
        )
    ]
    for place, (text, is_name) in enumerate(texts):
        pixels, style = (10, "nbp-fg") if is_name else (9, "nbp-fg2")
        base = top + 12 * place + 9
        lines.append(
            write(
                x,
                base,
                text,
                pixels,
                style,
                room=_WIDEST_GAP - 34,
                mono=is_name,
                anchor="middle",
                middle=True,
            )
        )
    return "".join(lines)


def _edge(edge: EdgeView, points: Sequence[Point], direction: Direction) -> str:
    right = direction == "right"
    end = points[-1]
    stop = (end[0] - 8, end[1]) if right else (end[0], end[1] - 8)
    way = [f"M{number(points[0][0])} {number(points[0][1])}"]
    stops = [*points[:-1], stop]
    for place, (here, there) in enumerate(pairwise(stops)):
        if here != there:
            way.append(_curve(here, there, right) if place % 2 else f"L{number(there[0])} {number(there[1])}")
    x, y = end
    head = (
        f"M{number(x - 9)} {number(y - 4)}L{number(x - 2)} {number(y)}L{number(x - 9)} {number(y + 4)}Z"
        if right
        else f"M{number(x - 4)} {number(y - 9)}L{number(x)} {number(y - 2)}L{number(x + 4)} {number(y - 9)}Z"
    )
    state = f" nbp-{edge.state}" if edge.state != "there" else ""
    return f'<path d="{"".join(way)}" class="nbp-edge{state}"/><path d="{head}" class="nbp-head{state}"/>'


def _curve(here: Point, there: Point, right: bool) -> str:
    (x, y), (to_x, to_y) = here, there
    if (y if right else x) == (to_y if right else to_x):
        return f"L{number(to_x)} {number(to_y)}"
    near = ((x + to_x) / 2, y) if right else (x, (y + to_y) / 2)
    far = ((x + to_x) / 2, to_y) if right else (to_x, (y + to_y) / 2)
    return f"C{' '.join(number(each) for each in (*near, *far, to_x, to_y))}"
