"""What travels between a machine and an agent: a head of JSON, and bytes beside it.

A question has the head ``{"id": 7, "verb": "put", "told": {...}}``, its answer ``{"id": 7, "told": {...}}`` or
``{"id": 7, "error": kind, "fact": ..., "place": ..., "remedy": ...}``. Many may be on their way at once.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any

_LENGTHS = struct.Struct(">IQ")
_LONGEST_HEAD = 1 << 28  # bytes; a parcel of a million files has less
_MOST_DATA = 1 << 26  # bytes; parts are far smaller


class BadFrame(Exception):
    """What came is no frame: somebody else speaks there."""


def pack(head: Mapping[str, Any], data: bytes = b"") -> bytes:
    """A frame as it crosses a stream.

    Example:
        >>> pack({"id": 1}, b"xyz")[12:]
        b'{"id": 1}xyz'
    """
    text = json.dumps(head).encode("ascii")
    return b"".join((_LENGTHS.pack(len(text), len(data)), text, data))


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """The next frame of a stream.

    Raises:
        asyncio.IncompleteReadError: the stream ended.
        BadFrame: it is none.
    """
    head_length, data_length = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if head_length > _LONGEST_HEAD or data_length > _MOST_DATA:
        raise BadFrame(f"a frame of {head_length} and {data_length} bytes")
    try:
        head = json.loads(await reader.readexactly(head_length))
    except ValueError as error:
        raise BadFrame(f"a head that is no JSON: {error}") from error
    if not isinstance(head, dict):
        raise BadFrame("a head that is no table")
    return head, await reader.readexactly(data_length)
