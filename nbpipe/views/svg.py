"""The static picture of a pipeline as SVG: the same bytes for the same result, in light and dark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from nbpipe.views.cards import card, pill, size_for, tag, write
from nbpipe.views.dag import Direction, Layout, Point
from nbpipe.views.drawing import LABEL_ROOM, PAGE, SMALLEST, Drawing, EdgeLabel, edge_way
from nbpipe.views.glyphs import glyph, number
from nbpipe.views.palette import style_sheet
from nbpipe.views.picture import EdgeView, Picture
from nbpipe.views.status import look
from nbpipe.views.text import escaped, width_of

_MARGIN = 20.0
_HEAD = 92.0
"""Height of the title, the summary and the legend."""
_NARROW_PAGE = 900.0
"""Width in pixels that every page has: a picture that needs no more has a size of its own."""
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
    drawing = Drawing(picture, size)
    layout = drawing.layout(direction)
    return _document(picture, "".join(_parts(drawing, layout)), layout.width, layout.height)


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
    least = f"min-width:{number(wide * SMALLEST, 0)}px;height:auto"
    if _NARROW_PAGE < wide <= PAGE / SMALLEST:
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


def _parts(drawing: Drawing, layout: Layout) -> Iterator[str]:
    """Everything, what lies below first."""
    size = drawing.size
    for pair, edge in drawing.edges.items():
        yield _edge(edge, layout.routes[pair], layout.direction)
    for _, way in drawing.hairlines(layout):
        yield f'<path d="{way}" fill="none" stroke-width="1.2" class="nbp-hair"/>'
    for pair, x, y in drawing.label_places(layout):
        yield _label(drawing.labels[pair], x, y)
    for each in drawing.data:
        yield pill(each, *layout.corners[each.node_id], size)
    tags: dict[str, list[str]] = defaultdict(list)
    for parameter, x, y in drawing.tag_corners(layout):
        tags[parameter.takers[0]].append(tag(parameter, x, y))
    for node in drawing.picture.nodes:
        yield from tags[node.node_id]
        yield card(node, *layout.corners[node.node_id], size)


def _label(label: EdgeLabel, x: float, y: float) -> str:
    texts = label.lines
    width, height = label.width + 6, 12.0 * len(texts)
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
            write(x, base, text, pixels, style, room=LABEL_ROOM, mono=is_name, anchor="middle", middle=True)
        )
    return "".join(lines)


def _edge(edge: EdgeView, points: Sequence[Point], direction: Direction) -> str:
    way, head = edge_way(points, direction)
    state = f" nbp-{edge.state}" if edge.state != "there" else ""
    return f'<path d="{way}" class="nbp-edge{state}"/><path d="{head}" class="nbp-head{state}"/>'
