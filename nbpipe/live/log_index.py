"""The index of a log: where in it every so many bytes a line stands, so that any page is found at once.

It holds 128 bytes for each 256 KB of log, whatever the log's lines are like, and is built as the log grows.
"""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from nbpipe.compute.base import Stream
from nbpipe.execution.logs import STREAMS, Position, StepLog
from nbpipe.live.log_walk import Extent, OpenLine, Walk, joined

SPACING = 2**18
"""Bytes of log between two marks, and bytes that are read at once."""

_HEAD = 160
_TRACEBACK = b"Traceback (most recent call last):"
_BEFORE_TRACEBACK = re.compile(rb"[ +|]*(?:Exception Group )?")
_FRAME = re.compile(rb'^  File ".+", line \d+$', re.MULTILINE)
_FRAME_BEGINS = b'  File "'
_DROPPED = re.compile(rb"^\[nbpipe: ([\d,]{1,30}) bytes of std(?:out|err) left out;", re.MULTILINE)

_LINE, _SIZE = 0, 1  # columns of a mark; behind them those of the position and of each open line
_POSITION = slice(2, 6)
_COLUMNS = 6 + 6 * len(STREAMS)


class LogIndex:
    """Finds lines and bytes in a log that may still grow.

    Args:
        log: of one attempt.

    Attributes:
        errors: lines of stderr so far.
        dropped: bytes that the log's writer left out of its middle.
        traceback: number of the line where the first traceback begins, or None.

    Example:
        ``index.advance(0.1)`` reads on for a tenth of a second; ``index.extents(500_000, 200)`` finds 200 lines.
    """

    def __init__(self, log: StepLog) -> None:
        self.log = log
        self._front = Walk()
        self._heads: dict[Stream, bytes] = dict.fromkeys(STREAMS, b"")
        self._marks = array("q", _mark(self._front))
        self.errors = 0
        self.dropped = 0
        self.traceback: int | None = None

    @property
    def size(self) -> int:
        """Bytes that it knows, of both streams."""
        return self._front.size

    @property
    def lines(self) -> int:
        """Lines that it knows; those that have not ended yet stand at the end."""
        return self._front.lines

    def unfinished_errors(self) -> int:
        """Lines of stderr that have not ended yet: one, or none."""
        return sum(extent.stream == "stderr" for extent in self._front.unfinished())

    def advance(self, seconds: float) -> bool:
        """Read on in the log for some time; True when all that is there by now was read."""
        end = time.monotonic() + seconds
        while True:
            chunks, position = self.log.read(self._front.position, limit=SPACING)
            if not chunks:
                return True
            whole = joined(chunks)
            if self.traceback is None and any(self._may_hold_one(*each) for each in whole.items()):
                for stream, data in chunks:
                    self._take(stream, data)
            else:
                for stream, data in whole.items():
                    self._take(stream, data)
            self._front.position = position
            if self._front.size - self._marks[-_COLUMNS + _SIZE] >= SPACING:
                self._marks.extend(_mark(self._front))
            if time.monotonic() > end:
                return False

    def _may_hold_one(self, stream: Stream, data: bytes) -> bool:
        """Whether a traceback may begin in a stretch of a stream."""
        lines = self._heads[stream] + data
        return _TRACEBACK in lines or (stream == "stderr" and _FRAME_BEGINS in lines)

    def _take(self, stream: Stream, data: bytes) -> None:
        before, head = self._front.ended, self._heads[stream]
        count = self._front.pass_by(stream, data)
        if not count:
            self._heads[stream] = (head + data[:_HEAD])[:_HEAD]
            return
        last = data.rfind(b"\n") + 1
        self._look(stream, head + data[:last], before)
        self._heads[stream] = data[last : last + _HEAD]
        self.errors += count if stream == "stderr" else 0

    def _look(self, stream: Stream, lines: bytes, before: int) -> None:
        """Look for what is told of a log, in whole lines; the middle of the first may be missing."""
        if self.traceback is None:
            place = _traceback_in(lines, stream)
            if place is not None:
                self.traceback = before + lines.count(b"\n", 0, place) + 1
        if b"[nbpipe: " in lines:
            self.dropped += sum(int(count.replace(b",", b"")) for count in _DROPPED.findall(lines))

    def snapshot(self) -> Walk:
        """Where it stands now, for readers that must not be overtaken."""
        return self._front.copy()

    def extents(self, first: int, count: int, until: Walk) -> Iterator[Extent]:
        """Where lines lie, from number ``first`` (from 1) on, as far as ``until``."""
        last = min(first + count - 1, until.lines)
        walk = self.walk_before(first)
        for chunks in self.batches(walk, until):
            if walk.ended + sum(data.count(b"\n") for _, data in chunks) < first:
                walk.pass_all(chunks)
                continue
            for stream, data in chunks:
                for extent in walk.take(stream, data):
                    if first <= walk.ended <= last:
                        yield extent
                    if walk.ended >= last:
                        return
        for number, extent in enumerate(walk.unfinished(), walk.ended + 1):
            if first <= number <= last:
                yield extent

    def walk_before(self, number: int) -> Walk:
        """A walk that stands where a line has not ended yet, and not far before it."""
        return self._walk_from(number - 1, _LINE)

    def batches(self, walk: Walk, until: Walk) -> Iterator[list[tuple[Stream, bytes]]]:
        """What comes after a walk, some at a time; who takes it lets the walk take it, or pass it by."""
        while walk.size < until.size:
            chunks, position = self.log.read(walk.position, limit=min(SPACING, until.size - walk.size))
            if not chunks:
                return
            yield chunks
            walk.position = position

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Bytes of both streams in the order they came.

        Args:
            offset: bytes before them.
            size: how many at most.
        """
        walk = self._walk_from(offset, _SIZE)
        found = bytearray()
        skip = offset - walk.size
        position = walk.position
        while len(found) < skip + size:
            chunks, position = self.log.read(position, limit=skip + size - len(found))
            if not chunks:
                break
            for _, data in chunks:
                found += data
        return bytes(found[skip : skip + size])

    def _walk_from(self, value: int, column: int) -> Walk:
        """A walk from the last mark whose column is at most that."""
        count = len(self._marks) // _COLUMNS
        row = bisect_right(range(count), value, key=lambda each: self._marks[each * _COLUMNS + column]) - 1
        mark = self._marks[row * _COLUMNS : (row + 1) * _COLUMNS]
        opened: dict[Stream, OpenLine] = {}
        for number, stream in enumerate(STREAMS):
            start, end, state, solid, kept_start, kept_end = mark[6 + 6 * number : 12 + 6 * number]
            opened[stream] = OpenLine(start, end, state, bool(solid), kept_start, kept_end)
        return Walk(Position(*mark[_POSITION]), mark[_LINE], opened)


def _mark(walk: Walk) -> list[int]:
    row = [walk.ended, walk.size, *walk.position]
    for line in map(walk.open.__getitem__, STREAMS):
        row += [line.start, line.end, line.state, int(line.solid), line.kept_start, line.kept_end]
    return row


def _traceback_in(lines: bytes, stream: Stream) -> int | None:
    """Where the line begins that opens a traceback; that of a script which does not parse has no head."""
    found = lines.find(_TRACEBACK)
    while found >= 0:
        begin = lines.rfind(b"\n", 0, found) + 1
        if _BEFORE_TRACEBACK.fullmatch(lines, begin, found):
            return begin
        found = lines.find(_TRACEBACK, found + 1)
    frame = _FRAME.search(lines) if stream == "stderr" and _FRAME_BEGINS in lines else None
    return frame.start() if frame else None
