"""Arrays in NPY files, read by their format without numpy: header, and values of the plain types."""

from __future__ import annotations

import ast
import math
import re
import struct
from typing import Any, NamedTuple

from nbpipe.live.previews.source import Source
from nbpipe.live.previews.table import COLUMNS, PAGE, cut_row
from nbpipe.views.answers import PreviewCard
from nbpipe.views.text import visible

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_FLAT = 100
_CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
_PLAIN = re.compile(r"([<>|=])([biuf]\d+)")


class NotAnArray(ValueError):
    """A file whose header is not that of an NPY file."""


class Header(NamedTuple):
    """What an NPY file says of itself.

    Attributes:
        dtype: as numpy writes it (``<f8``), or more where it is a structure.
        shape: lengths of its axes.
        fortran: columns lie together, not rows.
        start: byte where the values begin.
    """

    dtype: Any
    shape: tuple[int, ...]
    fortran: bool
    start: int


def read_header(data: bytes) -> Header:
    """The header at the beginning of an NPY file.

    Raises:
        NotAnArray: there is none.
    """
    try:
        form, skip = ("<H", 10) if data[6] == 1 else ("<I", 12)
        (length,) = struct.unpack_from(form, data, 8)
        told = ast.literal_eval(data[skip : skip + min(length, _LONGEST_HEADER)].decode("utf-8").strip())
        header = Header(told["descr"], tuple(told["shape"]), bool(told["fortran_order"]), skip + length)
    except (
        ValueError, SyntaxError, TypeError, KeyError, IndexError, struct.error, RecursionError, MemoryError,
    ) as error:  # fmt: skip
        raise NotAnArray(str(error)) from error
    sound = all(type(each) is int and each >= 0 for each in header.shape)
    if not sound or not data.startswith(_MAGIC):
        raise NotAnArray("another beginning, or a shape of other things than lengths")
    return header


def array_card(source: Source, first: int, count: int) -> PreviewCard:
    """Shape, type and values of an array: one or two axes as a table by pages, of more the first values.

    Raises:
        NotAnArray: it is no NPY file.
        StoreError: it cannot be read.
    """
    header = read_header(source.read(_LONGEST_HEADER + 12))
    shape = " × ".join(map(str, header.shape)) or "one value"
    plain = _PLAIN.fullmatch(header.dtype) if isinstance(header.dtype, str) else None
    if plain is None or plain[2] not in _CODES:
        told = "objects" if header.dtype == "|O" else f"type {header.dtype}"
        why = "not read: unpickling runs code" if header.dtype == "|O" else "values not shown"
        return PreviewCard("text", note=visible(f"{told}, {shape}; {why}"))
    bits = "" if plain[2] == "b1" else str(8 * int(plain[2][1:]))
    note = f"{_NAMES[plain[2][0]]}{bits}, {shape}"
    if len(header.shape) in (1, 2) and not (header.fortran and len(header.shape) == 2):
        return _page(source, header, plain, max(first, 0), min(max(count, 1), PAGE), note)
    total = math.prod(header.shape)
    values = _values(source, header, plain, 0, min(total, _FLAT))
    return PreviewCard("text", text=", ".join(map(str, values)), cut=total > _FLAT, note=note)


def _page(
    source: Source, header: Header, plain: re.Match[str], first: int, count: int, note: str
) -> PreviewCard:
    total, width = (*header.shape, 1)[:2]
    count = min(count, max(total - first, 0))
    shown = min(width, COLUMNS)
    rows = [_values(source, header, plain, row * width, shown) for row in range(first, first + count)]
    names = [str(number) for number in range(shown)] if len(header.shape) == 2 else ["value"]
    cut = first + count < total or shown < width
    return PreviewCard("table", tuple(names), tuple(map(cut_row, rows)), first, total, cut=cut, note=note)


def _values(source: Source, header: Header, plain: re.Match[str], start: int, count: int) -> tuple[Any, ...]:
    """Values from number ``start`` on, as far as the file has them."""
    code = _CODES[plain[2]]
    width = struct.calcsize(f"<{code}")
    data = source.read(count * width, header.start + start * width)
    order = ">" if plain[1] == ">" else "<"
    return struct.unpack(f"{order}{len(data) // width}{code}", data[: len(data) // width * width])
