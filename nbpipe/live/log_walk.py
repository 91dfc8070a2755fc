"""A walk along a log: where its lines end, of which stream each is, and which state of it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import NamedTuple

from nbpipe.compute.base import Stream
from nbpipe.core.record import dataclass
from nbpipe.execution.logs import STREAMS, Position

_BLANK = b" \t\r\v\f"


class Extent(NamedTuple):
    """Where the text of a line lies in the file of its stream; of one that rewrote itself, its last state.

    Attributes:
        stream: which one.
        start, end: bytes.
    """

    stream: Stream
    start: int
    end: int


@dataclass
class OpenLine:
    """A line whose end has not come yet.

    Attributes:
        start: where it begins in the file of its stream.
        end: how far it has come.
        state: where its present state begins: behind the last carriage return.
        solid: the present state has more than blanks.
        kept_start, kept_end: the last earlier state that has; -1 where there is none.
    """

    start: int = 0
    end: int = 0
    state: int = 0
    solid: bool = False
    kept_start: int = -1
    kept_end: int = -1

    @staticmethod
    def at(offset: int) -> OpenLine:
        """A line that begins there."""
        return OpenLine(offset, offset, offset)

    def feed(self, data: bytes) -> None:
        """Take more of the line; there is no line end in it."""
        base, self.end = self.end, self.end + len(data)
        last = data.rfind(b"\r")
        if last < 0:
            self.solid = self.solid or bool(data.strip(_BLANK))
            return
        inked = len(data[:last].rstrip(_BLANK))
        if inked:
            before = data.rfind(b"\r", 0, inked)
            self.kept_start = self.state if before < 0 else base + before + 1
            self.kept_end = base + data.find(b"\r", inked)
        elif self.solid:
            self.kept_start, self.kept_end = self.state, base + data.find(b"\r")
        self.state = base + last + 1
        self.solid = bool(data[last + 1 :].strip(_BLANK))

    def shown(self) -> tuple[int, int]:
        """Where the state lies that counts: the last that is not blank."""
        if self.solid or self.kept_start < 0:
            return self.state, self.end
        return self.kept_start, self.kept_end


def _both() -> dict[Stream, OpenLine]:
    return {stream: OpenLine() for stream in STREAMS}


@dataclass
class Walk:
    """How far somebody has come in a log.

    A line counts when its end has come, so lines of the two streams never mix, and a number once given stays.

    Attributes:
        position: for ``StepLog.read``.
        ended: lines whose end has come.
        open: stream -> its line that has not.
    """

    position: Position = field(default_factory=Position)
    ended: int = 0
    open: dict[Stream, OpenLine] = field(default_factory=_both)

    @property
    def size(self) -> int:
        """Bytes behind it, of both streams."""
        return self.position.stdout + self.position.stderr

    @property
    def lines(self) -> int:
        """Lines behind it, those that have not ended among them."""
        return self.ended + sum(1 for _ in self.unfinished())

    def copy(self) -> Walk:
        """A walk that goes on from here on its own."""
        return Walk(self.position, self.ended, {stream: replace(line) for stream, line in self.open.items()})

    def unfinished(self) -> Iterator[Extent]:
        """The lines that have not ended."""
        for stream, line in self.open.items():
            if line.end > line.start:
                yield Extent(stream, *line.shown())

    def pass_all(self, chunks: Sequence[tuple[Stream, bytes]]) -> None:
        """Walk along several pieces without looking at their lines."""
        for stream, data in joined(chunks).items():
            self.pass_by(stream, data)

    def pass_by(self, stream: Stream, data: bytes) -> int:
        """Walk along a piece without looking at its lines; how many ended in it."""
        count = data.count(b"\n")
        line = self.open[stream]
        if count:
            last = data.rfind(b"\n") + 1
            line = self.open[stream] = OpenLine.at(line.end + last)
            data = data[last:]
        line.feed(data)
        self.ended += count
        return count

    def take(self, stream: Stream, data: bytes) -> Iterator[Extent]:
        """Walk along a piece line by line; must be taken to its end."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = self.open[stream]
            line.feed(data[start:end])
            self.ended += 1
            self.open[stream] = OpenLine.at(line.end + 1)
            yield Extent(stream, *line.shown())
            start = end + 1
        self.open[stream].feed(data[start:])


def joined(chunks: Sequence[tuple[Stream, bytes]]) -> dict[Stream, bytes]:
    """All pieces of each stream in one: what counts lines, or looks for what is mostly not there, needs no order."""
    if len(chunks) < 2:
        return dict(chunks)
    return {stream: b"".join(data for each, data in chunks if each == stream) for stream in STREAMS}
