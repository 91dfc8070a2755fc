"""Pictures as data URLs: those formats that cannot run anything, known by their first bytes and of sane size."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

from nbpipe.live.previews.source import Source

LARGEST = 8 * 2**20
"""Bytes of a picture that is shown."""
MOST_PIXELS = 100_000_000
"""A small file can hold a picture that fills a browser's memory."""

_MOST_SEGMENTS = 10_000
Size = tuple[int, int]


def data_url(source: Source) -> str:
    """A picture for a browser, or empty where it is none that is shown: PNG, JPEG, GIF or WebP.

    SVG is none of them: it is a document that may hold scripts.
    """
    if source.size > LARGEST:
        return ""
    data = source.read(LARGEST)
    kind = kind_of(data)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}" if kind else ""


def kind_of(data: bytes) -> str:
    r"""``png``, ``jpeg``, ``gif`` or ``webp``, or empty where it is none of them, damaged or far too large.

    Example:
        >>> kind_of(b"GIF89a\x10\x00\x10\x00"), kind_of(b"<svg/>")
        ('gif', '')
    """
    for kind, is_one, measure in _KINDS:
        if is_one(data):
            try:
                width, height = measure(data)
            except (struct.error, IndexError):
                return ""
            return kind if 0 < width * height <= MOST_PIXELS else ""
    return ""


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> Size:
    """The size in the first frame header; other segments before it are passed over."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        mark, code, length = struct.unpack_from(">BBH", data, place)
        if mark != 0xFF:
            return 0, 0
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        place += 1 if code == 0xFF else 2 + length
    return 0, 0


def _webp(data: bytes) -> Size:
    form = data[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


_KINDS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Size]], ...] = (
    ("png", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR", _png),
    ("jpeg", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    ("gif", lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    ("webp", lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
)
