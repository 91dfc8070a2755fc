"""Steps, data and parameters as SVG, each in the sizes M (200 by 76), S (120 by 28) and XS (16 by 16)."""

from __future__ import annotations

from typing import Literal

from nbpipe.core.record import dataclass
from nbpipe.views.dag import Box
from nbpipe.views.glyphs import DATA, SCREEN, glyph, number
from nbpipe.views.picture import DataView, NodeView, ParameterView
from nbpipe.views.text import escaped, fit, is_measured, visible, width_of
from nbpipe.views.wording import duration

TAG_HEIGHT = 22.0
TAG_GAP = 4.0
TAG_DROP = 14.0


@dataclass(frozen=True)
class Size:
    """A size of cards, and the gaps that go with it, in pixels."""

    name: Literal["M", "S", "XS"]
    width: float
    height: float
    rank_gap: float
    row_gap: float


MEDIUM = Size("M", 200, 76, 62, 26)
SMALL = Size("S", 120, 28, 44, 12)
TINY = Size("XS", 16, 16, 28, 10)


def size_for(count: int) -> Size:
    """The size in which so many steps are drawn."""
    if count <= 60:
        return MEDIUM
    return SMALL if count <= 300 else TINY


def write(
    x: float,
    y: float,
    text: str,
    pixels: float,
    style: str = "nbp-fg",
    *,
    room: float,
    bold: bool = False,
    mono: bool = False,
    anchor: Literal["start", "middle", "end"] = "start",
    middle: bool = False,
) -> str:
    """One line of text that never leaves its room; its full form belongs into a ``<title>``.

    Args:
        x, y: its anchor on the base line.
        text: a visible line.
        pixels: font size.
        style: class that colours it.
        room: pixels that it may take.
        bold, mono: the face.
        anchor: which of its points is at ``x``.
        middle: leave out its middle where it is too long, not its end.
    """
    shown = fit(visible(text), room, pixels, bold=bold, mono=mono, middle=middle)
    classes = " ".join([style, *(["nbp-b"] if bold else []), *(["nbp-mono"] if mono else [])])
    at = f' text-anchor="{anchor}"' if anchor != "start" else ""

    def line(left: float, base: float) -> str:
        place = f'x="{number(left)}" y="{number(base)}" font-size="{number(pixels)}"'
        return f'<text {place} class="{classes}"{at}>{escaped(shown)}</text>'

    if is_measured(shown):
        return line(x, y)
    # Nobody knows how wide the reader's font draws these: an inner picture cuts off what its room does not hold.
    inner = {"start": 0.0, "middle": room / 2, "end": room}[anchor]
    box = f'x="{number(x - inner)}" y="{number(y - 1.2 * pixels)}" width="{number(room)}"'
    return f'<svg {box} height="{number(1.7 * pixels)}" overflow="hidden">{line(inner, 1.2 * pixels)}</svg>'


def card(node: NodeView, x: float, y: float, size: Size) -> str:
    """A step, its full text in its ``<title>``."""
    look = node.look
    told = [node.name, f"{node.words}: {node.why}" if node.why else node.words, *node.advice.splitlines()[:1]]
    head = (
        f'<g class="nbp-{look.hue}{" nbp-bare" if size.name == "XS" else ""}" '
        f'transform="translate({number(x)} {number(y)})" data-step="{escaped(node.node_id)}" '
        f'data-status="{escaped(look.data_status)}"><title>{escaped(" · ".join(told))}</title>'
    )
    if size.name == "XS":
        return f"{head}{glyph(node.status, 8, 8, 16)}</g>"
    dash = ' stroke-dasharray="5 4"' if look.border == "dashed" else ""
    own = " nbp-own" if look.border == "hue" else ""
    radius = 8 if size.name == "M" else 6
    rail = f"M3 {radius}V{number(size.height - radius)}"
    dotted = ' stroke-dasharray="3 5"' if look.planned else ""
    frame = (
        f'<rect width="{number(size.width)}" height="{number(size.height)}" rx="{radius}" class="nbp-card{own}" '
        f'stroke-width="1.25"{dash}/><path d="{rail}" class="nbp-rail"{dotted}/>'
    )
    return head + frame + (_medium(node) if size.name == "M" else _small(node)) + "</g>"


def _small(node: NodeView) -> str:
    name = write(31, 18.2, node.name, 12, _name_style(node), room=82, bold=True, middle=True)
    return glyph(node.status, 18, 14, 12) + name


def _name_style(node: NodeView) -> str:
    return "nbp-fg2" if node.look.muted else "nbp-fg"


def _medium(node: NodeView) -> str:
    time = _time_of(node)
    taken = width_of(time, 11) + 8 if time else 0.0
    parts = [
        glyph(node.status, 21, 20, 15),
        write(37, 24.5, node.name, 13, _name_style(node), room=151 - taken, bold=True, middle=True),
    ]
    if time:
        parts.append(write(188, 24, time, 11, "nbp-fg2 nbp-n", room=100, anchor="end"))
    mark = 0.0
    if node.key:
        parts.append(write(188, 42, node.key[:6], 10, "nbp-fg2", room=40, mono=True, anchor="end"))
        mark = 44.0
    elif node.before and node.look.planned:
        hue = "fail" if node.before == "failed" else "done" if node.before == "done" else "idle"
        parts.append(f'<g class="nbp-{hue}">{glyph(node.before, 182, 38, 11)}</g>')
        mark = 20.0
    parts.append(write(37, 42, node.words, 11, "nbp-hue", room=151 - mark, bold=True))
    if node.why:
        parts.append(write(12, 61, node.why, 10.5, "nbp-fg2", room=178))
    if node.target:
        parts.append(_target(node.target))
    return "".join(parts)


def _time_of(node: NodeView) -> str:
    if node.seconds is not None:
        return duration(node.seconds)
    return f"~{duration(node.estimate)}" if node.estimate is not None and not node.settled else ""


def _target(name: str) -> str:
    shown = fit(name, 110, 10, middle=True)
    width = width_of(shown, 10) + 28
    return (
        f'<g transform="translate({number(192 - width)} -9)"><rect width="{number(width)}" height="18" rx="9" '
        f'class="nbp-card"/><g transform="translate(12 9)" fill="none" class="nbp-sign" stroke-width="1.2">{SCREEN}</g>'
        f"{write(20, 12.6, shown, 10, 'nbp-fg2', room=110)}</g>"
    )


def pill_box(data: DataView, size: Size) -> Box:
    """Room that a data source takes."""
    if size.name == "XS":
        return Box(16, 16)
    if size.name == "S":
        return Box(min(120.0, width_of(data.name, 11, bold=True) + 38), 28)
    words = max(width_of(data.name, 11, bold=True), width_of(data.note, 9))
    return Box(min(200.0, max(90.0, words + 54)), 46)


def pill(data: DataView, x: float, y: float, size: Size) -> str:
    """A data source."""
    box = pill_box(data, size)
    told = f"{data.name} · {data.note}" if data.note else data.name
    head = (
        f'<g transform="translate({number(x)} {number(y)})" data-input="{escaped(data.name)}">'
        f"<title>{escaped(told)}</title>"
    )
    if size.name == "XS":
        return f"{head}{_drum(8, 8, 0.8)}</g>"
    frame = (
        f'<rect width="{number(box.width)}" height="{number(box.height)}" rx="{number(box.height / 2)}" '
        'class="nbp-card"/>'
    )
    if size.name == "S":
        name = write(26, 18, data.name, 11, room=box.width - 36, bold=True, middle=True)
        return f"{head}{frame}{_drum(15, 14, 0.65)}{name}</g>"
    room = box.width - 50
    base = 21.0 if data.note else 27.0
    name = write(36, base, data.name, 11, room=room, bold=True, middle=True)
    note = write(36, 34, data.note, 9, "nbp-fg2", room=room) if data.note else ""
    return f"{head}{frame}{_drum(21, 22.5, 1)}{name}{note}</g>"


def _drum(x: float, y: float, scale: float) -> str:
    place = f'transform="translate({number(x)} {number(y)}) scale({number(scale, 3)})"'
    return f'<g {place} fill="none" class="nbp-sign" stroke-width="1.4">{DATA}</g>'


def tag_width(tag: ParameterView) -> float:
    """Pixels that a parameter's tag takes."""
    name, value = _tag_texts(tag)
    return width_of(name, 10.5, mono=True) + width_of(value, 10.5, mono=True) + 30


def _tag_texts(tag: ParameterView) -> tuple[str, str]:
    return fit(tag.name, 90, 10.5, mono=True, middle=True), fit(tag.value, 70, 10.5, mono=True, middle=True)


def tag(parameter: ParameterView, x: float, y: float) -> str:
    """A parameter and its value."""
    name, value = _tag_texts(parameter)
    width = tag_width(parameter)
    left = write(10, 15, name, 10.5, room=90, mono=True)
    right = write(width - 10, 15, value, 10.5, room=70, mono=True, bold=True, anchor="end")
    return (
        f'<g transform="translate({number(x)} {number(y)})" data-parameter="{escaped(parameter.name)}">'
        f"<title>{escaped(f'{parameter.name} = {parameter.value}')}</title>"
        f'<rect width="{number(width)}" height="{number(TAG_HEIGHT)}" rx="4" class="nbp-tint-warn"/>{left}{right}</g>'
    )
