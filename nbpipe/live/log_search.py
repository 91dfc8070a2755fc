"""Finds the lines of a log that hold a text, for as long as a reader likes to wait."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import field

from nbpipe.compute.base import Stream
from nbpipe.core.record import dataclass
from nbpipe.execution.logs import STREAMS, LogFiles
from nbpipe.live.log_index import LogIndex
from nbpipe.live.log_walk import Walk, joined
from nbpipe.views.answers import LogHits

MOST_HITS = 1000
"""Lines that one answer names."""

_LONGEST_NEEDLE = 500
_LONGEST_BEGINNING = 2**24


@dataclass
class _Search:
    """What is looked for, and what of the streams' open lines was seen already.

    Attributes:
        needle: lower case.
        first: number of the first line that counts.
        hits: numbers of lines.
        overlap: the last bytes of each open line, where a hit may begin.
        hit: whether each open line has one already.
    """

    needle: str
    first: int
    hits: list[int] = field(default_factory=list)
    overlap: dict[Stream, bytes] = field(default_factory=lambda: dict.fromkeys(STREAMS, b""))
    hit: dict[Stream, bool] = field(default_factory=lambda: dict.fromkeys(STREAMS, False))

    def begin(self, index: LogIndex, walk: Walk) -> None:
        """Look at the lines that are open where the search begins; of very long ones at the beginning."""
        with LogFiles(index.log.paths) as files:
            for stream, line in walk.open.items():
                data = files.read(stream, line.start, min(line.end - line.start, _LONGEST_BEGINNING))
                self.hit[stream] = self.needle in data.decode("utf-8", "replace").lower()
                self.overlap[stream] = data[-4 * len(self.needle) :]

    def look_through(self, walk: Walk, chunks: Sequence[tuple[Stream, bytes]]) -> None:
        """Look through some pieces; one by one only where there is a hit, whose number is asked for."""
        whole = joined(chunks)
        for stream, data in whole.items() if self._is_not_in(whole) else chunks:
            self.look(walk, stream, data)

    def _is_not_in(self, whole: Mapping[Stream, bytes]) -> bool:
        texts = ((self.overlap[stream] + data).decode("utf-8", "replace") for stream, data in whole.items())
        return not any(self.hit.values()) and not any(self.needle in text.lower() for text in texts)

    def look(self, walk: Walk, stream: Stream, data: bytes) -> None:
        """Look through a piece and let the walk pass it by."""
        before = walk.ended
        count = walk.pass_by(stream, data)
        text = (self.overlap[stream] + data).decode("utf-8", "replace").lower()
        numbers = self._lines_in(text)
        if self.hit[stream]:
            numbers.setdefault(0)
        self.hit[stream] = count in numbers
        numbers.pop(count, None)  # it has not ended
        self.hits += [before + each + 1 for each in sorted(numbers) if before + each + 1 >= self.first]
        tail = data.rpartition(b"\n")[2] if count else self.overlap[stream] + data
        self.overlap[stream] = tail[-4 * len(self.needle) :]

    def _lines_in(self, text: str) -> dict[int, None]:
        """Which lines of a text hold it, from 0."""
        found: dict[int, None] = {}
        number = start = 0
        place = text.find(self.needle)
        while place >= 0:
            number += text.count("\n", start, place)
            found[number] = None
            start = text.find("\n", place)
            if start < 0:
                break
            place = text.find(self.needle, start)
        return found

    def finish(self, walk: Walk) -> None:
        """The lines that have not ended are lines too."""
        for number, extent in enumerate(walk.unfinished(), walk.ended + 1):
            if self.hit[extent.stream] and number >= self.first:
                self.hits.append(number)


def find(index: LogIndex, text: str, first: int, until: Walk, seconds: float) -> LogHits:
    """Numbers of the lines that hold a text, whatever its case.

    Of a line that rewrote itself every state is looked at.

    Args:
        index: the log.
        text: what is looked for.
        first: number of the line to begin with.
        until: where the log ends for this search.
        seconds: how long it may take.
    """
    needle = text.lower()[:_LONGEST_NEEDLE]
    if not needle or "\n" in needle:
        return LogHits(())
    end = time.monotonic() + seconds
    walk = index.walk_before(first)
    search = _Search(needle, first)
    search.begin(index, walk)
    for chunks in index.batches(walk, until):
        search.look_through(walk, chunks)
        if len(search.hits) >= MOST_HITS or time.monotonic() > end:
            hits = search.hits[:MOST_HITS]
            cut = len(search.hits) > MOST_HITS
            go_on = hits[-1] + 1 if cut else max(walk.ended + 1, first)
            return LogHits(tuple(hits), more=go_on <= until.lines, next=go_on)
    search.finish(walk)
    return LogHits(tuple(search.hits), next=until.lines + 1)
