"""The shapes of the states, drawn around the origin in a field of 16 by 16, in the current colour."""

from __future__ import annotations

from collections.abc import Mapping

GLYPHS: Mapping[str, str] = {
    "reused": '<path d="M5.9 -3.6A7 7 0 1 0 7 1.2"/><path d="M6.9 -7 6.3 -3 2.4 -3.6"/>',
    "will run": '<path d="M-4.2 -6 6 0 -4.2 6Z" fill="currentColor"/>',
    "new": '<circle r="7"/><path d="M-3.4 0H3.4M0 -3.4V3.4"/>',
    "maybe": (
        '<circle r="7" stroke-dasharray="3.1 2.4"/><path d="M-2.2 -1.8A2.2 2.2 0 1 1 0 .9V1.6"/>'
        '<circle cy="4" r=".6" fill="currentColor"/>'
    ),
    "blocked": '<circle r="7"/><path d="M-3.4 0H3.4" stroke-width="2.2"/>',
    "edited": '<path d="M-6.4 6.4 -5.4 2.6 3 -5.8A1.9 1.9 0 0 1 5.8 -3L-2.6 5.4Z"/>',
    "queued": '<circle r="7"/><path d="M0 -3.6V.4L2.8 2"/>',
    "running": (
        '<circle r="7" stroke-opacity=".28"/><path d="M0 -7A7 7 0 0 1 6.1 3.5"/>'
        '<circle r="2.6" fill="currentColor" stroke="none"/>'
    ),
    "done": (
        '<circle r="8" fill="currentColor" stroke="none"/>'
        '<path class="nbp-cut" d="M-3.6 .2 -1 2.8 3.8 -2.6" stroke-width="2"/>'
    ),
    "failed": (
        '<path d="M-3.3 -8H3.3L8 -3.3V3.3L3.3 8H-3.3L-8 3.3V-3.3Z" fill="currentColor" stroke="none"/>'
        '<path class="nbp-cut" d="M-2.8 -2.8 2.8 2.8M2.8 -2.8 -2.8 2.8" stroke-width="2"/>'
    ),
    "cancelled": (
        '<circle r="7"/><rect x="-2.6" y="-2.6" width="5.2" height="5.2" fill="currentColor" stroke="none"/>'
    ),
}
"""Status word -> SVG; ``nbp-cut`` is stroked in the colour of the ground."""

DATA = (
    '<ellipse cy="-6" rx="7" ry="2.8"/><path d="M-7 -6V5c0 1.6 3 2.8 7 2.8s7 -1.2 7 -2.8v-11'
    'M-7 -.5c0 1.6 3 2.8 7 2.8s7 -1.2 7 -2.8"/>'
)
"""A drum: data that no step makes."""

SCREEN = '<path d="M-4 -3.5h8v5h-8zM-1.5 3.5h3"/>'
"""A screen: the compute target."""


def glyph(word: str, x: float, y: float, pixels: float) -> str:
    """The shape of a state at a place, so many pixels wide.

    Args:
        word: status word; one that has no shape is drawn as an empty ring.
        x, y: its middle.
        pixels: its width and height.
    """
    shape = GLYPHS.get("reused" if word == "will reuse" else word, '<circle r="7"/>')
    scale = f" scale({number(pixels / 16, 4)})" if pixels != 16 else ""
    return (
        f'<g transform="translate({number(x)} {number(y)}){scale}" fill="none" stroke="currentColor" '
        f'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">{shape}</g>'
    )


def number(value: float, digits: int = 1) -> str:
    """A coordinate in the shortest form, to a tenth of a pixel.

    Example:
        >>> number(12.0), number(-0.04), number(100.26)
        ('12', '0', '100.3')
    """
    text = f"{value:.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
