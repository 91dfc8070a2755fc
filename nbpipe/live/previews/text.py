"""Texts, JSON and bytes: the beginning of a file, with nothing hidden in it."""

from __future__ import annotations

import json
from itertools import islice

from nbpipe.live.previews.source import HEAD, Source, encoding_of
from nbpipe.views.answers import PreviewCard
from nbpipe.views.text import visible_line
from nbpipe.views.wording import size

_LARGEST_JSON = 2 * 2**20
_LINES = 2000
_LINE = 1000
_HEX = 256


def text_card(source: Source, note: str = "") -> PreviewCard:
    """The beginning of a text; of a file that is none, its first bytes in hex.

    Raises:
        StoreError: it cannot be read.
    """
    head, length = source.read(HEAD), source.size
    encoding = encoding_of(head, whole=length <= HEAD)
    if b"\0" in head and encoding != "utf-16":
        return bytes_card(source, note)
    shown, cut = _bounded(head.decode(encoding, "replace"))
    notes = [
        size(length),
        *([encoding] if not encoding.startswith("utf-8") else []),
        *([note] if note else []),
    ]
    return PreviewCard("text", text=shown, cut=cut or length > HEAD, note=" · ".join(notes))


def json_card(source: Source) -> PreviewCard:
    """A JSON file laid out for eyes; one that is large, or none, as the text that it is.

    Raises:
        StoreError: it cannot be read.
    """
    length = source.size
    if length > _LARGEST_JSON:
        return text_card(source, "shown as it is: it is large")
    try:
        value = json.loads(source.read(_LARGEST_JSON))
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text_card(source, "no whole JSON")
    shown, cut = _bounded(text)
    return PreviewCard("json", text=shown, cut=cut, note=size(length))


def bytes_card(source: Source, note: str = "") -> PreviewCard:
    """Size and first bytes of a file of any kind; raises as ``text_card`` does."""
    head, length = source.read(_HEX), source.size
    rows = [head[start : start + 16].hex(" ") for start in range(0, len(head), 16)]
    told = " · ".join(filter(None, [size(length), note]))
    return PreviewCard("binary", text="\n".join(rows), cut=length > len(head), note=told)


def _bounded(text: str) -> tuple[str, bool]:
    """So many lines of a text, each so long and with nothing hidden; True where something is left out."""
    lines = text.splitlines()
    shown = [
        visible_line(line[:_LINE]) + ("…" if len(line) > _LINE else "") for line in islice(lines, _LINES)
    ]
    return "\n".join(shown), len(lines) > _LINES or any(len(line) > _LINE for line in lines)
