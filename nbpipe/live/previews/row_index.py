"""Where the rows of a long table stand, so that a page far down is found without reading all before it again."""

from __future__ import annotations

import csv
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from threading import Lock
from typing import BinaryIO

from nbpipe.live.previews.source import Source

BLOCK = 2**18
"""Bytes that are counted at once; an entry of the index stands for one or more."""

Rows = Callable[[BinaryIO, int], Iterator[tuple[list[str], int]]]
"""Gives the rows of a file from an offset at which one begins on, each with the offset behind it."""


class RowIndex:
    """Rows of one file, counted as far as anybody had the time for.

    Args:
        source: the file.
        rows: how its rows are read.
        plain: says of whole lines that each of them is one row.
        start: where the first row begins.

    Attributes:
        counted: rows so far.
        whole: True when that is all.
        trouble: why it ends before the file does, or empty.
    """

    def __init__(self, source: Source, rows: Rows, plain: Callable[[bytes], bool], start: int) -> None:
        self._source = source
        self._rows = rows
        self._plain = plain
        self._lock = Lock()
        self._numbers = array("q", [0])
        self._offsets = array("q", [start])
        self._end = start
        self.counted = 0
        self.whole = False
        self.trouble = ""

    def count_to(self, number: int, seconds: float) -> bool:
        """Count on until row ``number`` (from 0) is known; False where there is no such row, or no time."""
        until = time.monotonic() + seconds
        with self._lock, self._source.open() as file:
            while self.counted <= number and not self.whole:
                self._count_block(file)
                if time.monotonic() > until:
                    break
            return self.counted > number

    def _count_block(self, file: BinaryIO) -> None:
        file.seek(self._end)
        block = file.read(BLOCK)
        lines = block[: block.rfind(b"\n") + 1]
        if not block:
            self.whole = True
        elif lines and self._plain(lines):
            self._mark(self.counted + lines.count(b"\n"), self._end + len(lines))
        else:
            self._count_rows(file)

    def _count_rows(self, file: BinaryIO) -> None:
        """Count row by row where a line end may be inside a cell."""
        counted, end = self.counted, self._end
        try:
            for _, after in self._rows(file, self._end):
                counted, end = counted + 1, after
                if end - self._end >= BLOCK:
                    self._mark(counted, end)
                    return
        except csv.Error as error:
            self.trouble = str(error)
        self.whole = True
        self._mark(counted, end)

    def _mark(self, counted: int, end: int) -> None:
        self.counted, self._end = counted, end
        self._numbers.append(counted)
        self._offsets.append(end)

    def page(self, first: int, count: int, seconds: float) -> list[list[str]]:
        """Rows from number ``first`` (from 0) on; none where they are not counted in that time."""
        if not self.count_to(first, seconds):
            return []
        with self._lock:
            row = bisect_right(self._numbers, first) - 1
            number, offset = self._numbers[row], self._offsets[row]
        found: list[list[str]] = []
        with self._source.open() as file, suppress(csv.Error):
            for cells, _ in self._rows(file, offset):
                if number >= first:
                    found.append(cells)
                    if len(found) == count:
                        break
                number += 1
        return found


class RowIndexes:
    """The indexes of the files that were looked into last; a changed file has another key.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._lock = Lock()
        self._known: OrderedDict[Hashable, RowIndex] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], RowIndex]) -> RowIndex:
        """The index of that key, made at the first call."""
        with self._lock:
            if key not in self._known:
                self._known[key] = make()
                if len(self._known) > self._most:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]
