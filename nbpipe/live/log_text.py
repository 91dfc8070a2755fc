"""One line of a log as a view may show it: colours stay, and nothing else that a terminal would obey."""

from __future__ import annotations

import re

from nbpipe.views.text import laid_bare

LONGEST = 10_000
"""Characters of a line that are shown."""

_SGR = re.compile(r"(\x1b\[[0-9;:]{0,64}m)")
_SAYS_NOTHING = re.compile(r"\x1b\[(?:[0-2]?K|\?25[hl])")
_TORN_SGR = re.compile(r"\x1b\[?[0-9;:]*$")
_INSIDE_OF_CHARACTERS = bytes(range(0x80, 0xC0))
_TAB = 4


def shown_text(text: str) -> str:
    r"""A line with its colour sequences, everything else that is hidden made visible.

    What erases the rest of a line, or hides the cursor, is left out: it says nothing in a list of lines.

    Example:
        >>> shown_text("\x1b[31mred\x1b[0m\tx\x07\x1b[2K")
        '\x1b[31mred\x1b[0m x␇'
    """
    if text.isascii() and text.isprintable():
        return text
    parts = []
    column = 0
    for number, part in enumerate(_SGR.split(_SAYS_NOTHING.sub("", text))):
        if number % 2:
            parts.append(part)
            continue
        before = column % _TAB
        bare = laid_bare((" " * before + part).expandtabs(_TAB)[before:])
        column += len(bare)
        parts.append(bare)
    return "".join(parts)


def cut_text(data: bytes, rest: int = 0, limit: int = LONGEST) -> tuple[str, int]:
    """The beginning of a line that is fit to be shown, and how many characters of it were left out.

    Args:
        data: the line, or its first ``4 * limit`` bytes.
        rest: characters behind these.
        limit: characters to keep.
    """
    text = data.decode("utf-8", "replace")
    if len(text) <= limit and not rest:
        return shown_text(text), 0
    return shown_text(_TORN_SGR.sub("", text[:limit])), max(len(text) - limit, 0) + rest


def characters(data: bytes) -> int:
    """How many characters begin in a stretch of UTF-8.

    Example:
        >>> characters("café".encode())
        4
    """
    return len(data.translate(None, _INSIDE_OF_CHARACTERS))
