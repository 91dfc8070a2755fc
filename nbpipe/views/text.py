"""Text from users made fit to be shown: hidden characters made visible, lengths kept to the room there is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_ASCII = {
    False: bytes.fromhex(
        "20292e5440604e1c282832542025202240404040404040404040222254545436644545464e403a4e4c1e1e4238574b4f3d4f46403e4a4563"
        "453e452822285432323e4037403e2440401c1c3a1c62403e40402a3528403c523c3c3540224054"
    ),
    True: bytes.fromhex(
        "232e35544665581f2e2e3554262a26254646464646464646464628285454543b644e4d4a544545535426264e40645456"
        "4a564e4945524e6f4e49492e252e54323244483c48442c4848232343236948454848323c3048425d41423b48254854"
    ),
}
"""Advance widths of U+0020 to U+007E in DejaVu Sans and its bold, the widest usual faces, in em / 100."""

_SIGNS = {"←": 84, "→": 84, "…": 100, "·": 38, "–": 50, "×": 84, "■": 95}
MONO = 0.61
"""Advance width of every glyph of a monospaced face, in em."""

_GIVEN_TO_BLANKS = re.compile(r"[\t\n\r\v\f\u0085\u2028\u2029]+")
_KEPT = "\u200c\u200d"  # joiners: words of Persian and Hindi, and emoji, need them


def visible(text: object) -> str:
    r"""A user's text on one line, with nothing hidden in it.

    Line breaks and tabs become blanks; control characters their pictures; direction overrides and
    other invisible characters their code point in brackets; what no encoding can carry, U+FFFD.

    Example:
        >>> visible("a\x00b\u202ec\n")
        'a␀b[U+202E]c'
    """
    return laid_bare(_GIVEN_TO_BLANKS.sub(" ", str(text)).strip())


def laid_bare(text: str) -> str:
    r"""A part of a line with nothing hidden in it; the blanks at its ends stay.

    Example:
        >>> laid_bare(" a\x00\n")
        ' a␀ '
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, _GIVEN_TO_BLANKS.sub(" ", text)))


def visible_line(line: str) -> str:
    r"""A line of a log or of code, its indentation kept.

    Example:
        >>> visible_line("\tx = 1")
        '    x = 1'
    """
    wide = line.expandtabs(4)
    return " " * (len(wide) - len(wide.lstrip(" "))) + visible(wide)


def _visible_character(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    return f"[U+{code:04X}]" if category == "Cf" else "\ufffd"


def escaped(text: object) -> str:
    """A user's text as it may stand in HTML and SVG, in elements and in quoted attributes.

    Example:
        >>> escaped('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    import html

    return html.escape(visible(text), quote=True)


def width_of(text: str, size: float, *, bold: bool = False, mono: bool = False) -> float:
    """Pixels that a text takes at most in the usual faces.

    Args:
        text: one visible line.
        size: font size in pixels.
        bold: the bold face.
        mono: the monospaced face.
    """
    if mono:
        return sum(1.2 if _is_wide(each) else MONO for each in text) * size
    return sum(_advance(each, bold) for each in text) * size / 100


def _advance(character: str, bold: bool) -> float:
    base = character if character.isascii() else unicodedata.normalize("NFD", character)[0]
    if " " <= base <= "~":
        return _ASCII[bold][ord(base) - 32]
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.combining(character):
        return 0
    return 120 if _is_wide(character) else 95


def _is_wide(character: str) -> bool:
    return not character.isascii() and unicodedata.east_asian_width(character) in "WF"


def is_measured(text: str) -> bool:
    """True when ``width_of`` knows every glyph; another text has to be clipped to be sure of its room."""
    return all(each.isascii() or each in _SIGNS for each in text)


def fit(
    text: str, room: float, size: float, *, bold: bool = False, mono: bool = False, middle: bool = False
) -> str:
    """A text cut to so many pixels, with an ellipsis at its end, or in its middle where both ends tell.

    Example:
        >>> fit("train_the_whole_forest", 90, 13, middle=True)
        'train_…forest'
    """
    return shorten(text, room, lambda part: width_of(part, size, bold=bold, mono=mono), middle=middle)


def cell_len(text: str) -> int:
    """Columns that a visible text takes in a terminal.

    Example:
        >>> cell_len("train"), cell_len("訓練")
        (5, 4)
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)


def fit_cells(text: str, room: int, *, middle: bool = False) -> str:
    """A text cut to so many columns of a terminal.

    Example:
        >>> fit_cells("train_the_whole_forest", 12)
        'train_the_w…'
    """
    return shorten(text, room, cell_len, middle=middle)


def pad_cells(text: str, room: int) -> str:
    """A text filled up with blanks to so many columns of a terminal."""
    return text + " " * max(0, room - cell_len(text))


def shorten(text: str, room: float, measure: Callable[[str], float], *, middle: bool = False) -> str:
    """The longest form of a text that ``measure`` says fits; empty where not even the ellipsis does."""
    if measure(text) <= room:
        return text
    least, most = 0, len(text)
    while least < most:
        kept = (least + most + 1) // 2
        if measure(_cut(text, kept, middle)) <= room:
            least = kept
        else:
            most = kept - 1
    cut = _cut(text, least, middle)
    return cut if measure(cut) <= room else ""


def _cut(text: str, kept: int, middle: bool) -> str:
    if not middle:
        return text[:kept].rstrip() + "…"
    tail = kept // 2
    return text[: kept - tail] + "…" + (text[-tail:] if tail else "")
