"""The one vocabulary of states: word, glyph, hue, rail and border, the same in every view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from nbpipe.core.record import dataclass

Hue = Literal["done", "run", "fail", "maybe", "warn", "idle"]
"""Name of a colour token."""


@dataclass(frozen=True)
class Look:
    """How one state is shown.

    Attributes:
        word: what stands on the node.
        glyph: one character, for terminals.
        hue: colour token of rail, glyph and word.
        planned: True for what will be (dotted rail), False for what is (solid).
        border: hairline ``line``, ``dashed``, or the hue's own.
        v1: Azure ML v1's word, or empty.
        muted: True where the name itself steps back.
    """

    word: str
    glyph: str
    hue: Hue
    planned: bool
    border: Literal["line", "dashed", "hue"] = "line"
    v1: str = ""
    muted: bool = False

    @property
    def data_status(self) -> str:
        """Value of a node's ``data-status``: the word with ``-`` for blanks."""
        return self.word.replace(" ", "-")


_ALL = (
    Look("failed", "x", "fail", planned=False, border="hue", v1="Failed"),
    Look("running", "*", "run", planned=False, border="hue", v1="Running"),
    Look("queued", ":", "run", planned=False, v1="Queued"),
    Look("blocked", "-", "idle", planned=False, border="dashed", v1="NotStarted", muted=True),
    Look("cancelled", "o", "idle", planned=False, v1="Canceled", muted=True),
    Look("edited", "~", "warn", planned=True),
    Look("new", "+", "run", planned=True, v1="NotStarted"),
    Look("will run", ">", "run", planned=True, v1="NotStarted"),
    Look("maybe", "?", "maybe", planned=True, border="dashed", v1="NotStarted"),
    Look("done", "v", "done", planned=False, v1="Finished"),
    Look("reused", "=", "done", planned=False, v1="Finished"),
    Look("will reuse", "=", "done", planned=True),
)

LOOKS: Mapping[str, Look] = {each.word: each for each in _ALL}
"""Every state by its word, what asks for attention first."""

ORDER: Mapping[str, int] = {word: place for place, word in enumerate(LOOKS)}
"""Word -> how early it is listed where there is no room for all."""

SETTLED = frozenset({"done", "reused", "failed", "cancelled", "blocked"})
"""Words of a step to which nothing more can happen in its run."""


def look(word: str) -> Look:
    """How a state is shown; a word of a later version is shown as it is, in the idle hue.

    Example:
        >>> look("will run").glyph, look("will run").data_status
        ('>', 'will-run')
    """
    return LOOKS.get(word) or Look(word, " ", "idle", planned=True)


def counted(words: Iterable[str]) -> dict[str, int]:
    """How often each word stands, in the order of ``LOOKS``.

    Example:
        >>> counted(["done", "failed", "done"])
        {'failed': 1, 'done': 2}
    """
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items(), key=lambda item: ORDER.get(item[0], len(ORDER))))


LIGHT: Mapping[str, str] = {
    "canvas": "#F7F8FA",
    "node": "#FFFFFF",
    "fg": "#1B1F24",
    "fg2": "#57606C",
    "line": "#D5DAE1",
    "edge": "#A3ACB8",
    "done": "#00695C",
    "run": "#1266D6",
    "fail": "#B3261E",
    "maybe": "#6B3FA0",
    "warn": "#9A6B00",
    "idle": "#76808E",
    "done-tint": "#E3F4F0",
    "run-tint": "#E4EFFD",
    "fail-tint": "#FDE9E6",
    "maybe-tint": "#F0E9FA",
    "warn-tint": "#FBF1D9",
    "idle-tint": "#EEF0F3",
}
"""Token -> colour on a light ground."""

DARK: Mapping[str, str] = {
    "canvas": "#15181D",
    "node": "#22272E",
    "fg": "#E8ECF1",
    "fg2": "#A4AFBC",
    "line": "#3A424D",
    "edge": "#5C6774",
    "done": "#3DDBB4",
    "run": "#4C9DFF",
    "fail": "#FF7A5C",
    "maybe": "#D9BBFF",
    "warn": "#F2CC60",
    "idle": "#8A95A3",
    "done-tint": "#16352F",
    "run-tint": "#172F4D",
    "fail-tint": "#43221D",
    "maybe-tint": "#33294A",
    "warn-tint": "#3D3419",
    "idle-tint": "#2B313A",
}
"""Token -> colour on a dark ground."""

HUES: tuple[Hue, ...] = ("done", "run", "fail", "maybe", "warn", "idle")
"""Every hue; each has a tint, named ``done-tint`` and so on."""

TERMINAL_STYLES: Mapping[Hue, str] = {
    "done": "green",
    "run": "blue",
    "fail": "red",
    "maybe": "magenta",
    "warn": "yellow",
    "idle": "bright_black",
}
"""Hue -> colour of a terminal's own palette."""
