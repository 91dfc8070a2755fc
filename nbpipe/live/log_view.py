"""The log that a view follows: of one attempt at a step, read a page at a time however long it is."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from nbpipe.core.run_state import Status
from nbpipe.errors import NbpipeError, StoreError, UsageError
from nbpipe.execution.logs import LogFiles, StepLog
from nbpipe.live.log_index import LogIndex
from nbpipe.live.log_search import find
from nbpipe.live.log_text import LONGEST, characters, cut_text
from nbpipe.live.log_walk import Extent
from nbpipe.run import PipelineRun, StepRun
from nbpipe.run.origin import origin_of
from nbpipe.run.story import RunStory
from nbpipe.views.answers import LogHits, LogLine, LogPage
from nbpipe.views.protocol import LogMessage

MOST_LINES = 2000
"""Lines of one page."""
LARGEST_CHUNK = 4 * 2**20
"""Bytes of one chunk."""
FIRST_LOOK = 0.2
"""Seconds of reading when a log is opened; the rest follows with the polls."""
LOOK = 0.03
"""Seconds of reading at a poll."""
SEARCH = 0.4
"""Seconds of one search."""

_ROOM = 400_000  # characters of a page; when they are used up, its further lines are cut short
_SHORT = 200
_COUNTED = 64 * 2**20  # bytes behind the shown part of a line whose characters are counted
_BLOCK = 2**20


class LogView:
    """One view's window on a log; its methods may be called from any thread.

    Args:
        view: id of the view, for its messages.

    Example:
        ``view.open(run, "train")``, then ``view.poll()`` ten times a second and ``view.page(1, 200)`` when asked.
    """

    def __init__(self, view: str) -> None:
        self.view = view
        self._lock = Lock()
        self._number = 0
        self._step: StepRun | None = None
        self._index: LogIndex | None = None
        self._asked = ""
        self._newest = True
        self._attempt = 0
        self._sent: LogMessage | None = None

    def open(self, run: PipelineRun, node_id: str, attempt: int = 0) -> None:
        """Follow the log of a step; of a reused one that of the run it comes from.

        Args:
            run: a run that has the step.
            node_id: the step.
            attempt: its number; 0 for the newest, and for those that follow it.

        Raises:
            UsageError: there is no such attempt, or the run that it was reused from is gone.
            UnknownName: the run has no such step.
        """
        step = origin_of(own(run).step(node_id))
        if attempt < 0 or attempt > max(step.state.attempts, 1):
            made = step.state.attempts
            raise UsageError(
                f"{step.name} had {made} attempt{'' if made == 1 else 's'} in run {step.run.id}."
            )
        with self._lock:
            self._step, self._asked, self._newest = step, node_id, attempt == 0
            self._sent = None
            self._begin(attempt or max(step.state.attempts, 1))
            self._advance(FIRST_LOOK)

    def close(self) -> None:
        """Follow nothing any more."""
        with self._lock:
            self._step = self._index = self._sent = None

    @property
    def following(self) -> bool:
        """True while a log is open that may grow, or of which the view was told nothing yet."""
        return self._index is not None and not (self._sent and self._sent.ended)

    def poll(self) -> LogMessage | None:
        """What the view is to be told; None where nothing is new. Costs little: it reads for 30 ms at most."""
        with self._lock, suppress(NbpipeError, OSError):  # a run whose record is damaged tells nothing more
            step, index = self._step, self._index
            if step is None or index is None or not self.following:
                return None
            settled = Status(step.state.status).settled or step.run.interrupted
            attempts = step.state.attempts
            read = self._advance(LOOK)
            message = self._message(step, index, ended=read and (settled or attempts > self._attempt))
            if self._newest and attempts > self._attempt:
                self._begin(attempts)
                message = self._message(step, self._index or index, ended=False)
            if self._sent is not None and replace(message, number=self._sent.number) == self._sent:
                return None
            self._number += 1
            self._sent = replace(message, number=self._number)
            return self._sent
        return None

    def _begin(self, attempt: int) -> None:
        if self._step is not None:
            run, node_id = self._step.run, self._step.node_id
            folder = run.folder.attempt(run.position(node_id), node_id, attempt)
            self._index, self._attempt = LogIndex(StepLog(folder)), attempt

    def _advance(self, seconds: float) -> bool:
        """Read on; a log that cannot be read ends where it could be read last."""
        with suppress(StoreError):
            return self._index is None or self._index.advance(seconds)
        return True

    def _message(self, step: StepRun, index: LogIndex, *, ended: bool) -> LogMessage:
        return LogMessage(
            self.view, 0, self._asked, step.run.id, self._attempt, index.lines, index.size,
            index.errors + index.unfinished_errors(), ended, index.dropped, index.traceback,
        )  # fmt: skip

    def _opened(self) -> LogIndex:
        if self._index is None:
            raise UsageError("No log is open.", remedy="Choose the step again.")
        return self._index

    def page(self, first: int, count: int) -> LogPage:
        """Lines from number ``first`` (from 1) on; the last ones may not have ended yet.

        Raises:
            UsageError: no log is open.
            StoreError: it cannot be read.
        """
        with self._lock:
            index = self._opened()
            until = index.snapshot()
        first = max(first, 1)
        extents = index.extents(first, min(max(count, 0), MOST_LINES), until)
        with LogFiles(index.log.paths) as files:
            return LogPage(first, tuple(_lines(files, extents, first)), until.lines)

    def find(self, text: str, first: int = 1) -> LogHits:
        """Numbers of lines from ``first`` on that hold a text, whatever its case; raises as ``page`` does."""
        with self._lock:
            index = self._opened()
            until = index.snapshot()
        return find(index, text, max(first, 1), until, SEARCH)

    def chunk(self, offset: int, size: int = LARGEST_CHUNK) -> dict[str, Any]:
        """Bytes of the log as they were written, both streams in the order they came; raises as ``page`` does.

        Returns:
            ``data`` in base64, ``next`` to ask from, and ``end`` where there is no more by now.
        """
        with self._lock:
            index = self._opened()
        offset = max(offset, 0)
        data = index.bytes_at(offset, min(max(size, 1), LARGEST_CHUNK))
        after = offset + len(data)
        return {"data": base64.b64encode(data).decode(), "next": after, "end": after >= index.log.size()}


def own(run: RunStory) -> PipelineRun:
    """The same run with a journal of its own, since another thread may be reading that of the given one."""
    return PipelineRun(run.folder, run.objects(), run.memory(), run.frozen)


def _lines(files: LogFiles, extents: Iterator[Extent], first: int) -> Iterator[LogLine]:
    room = _ROOM
    for number, (stream, start, end) in enumerate(extents, first):
        limit = LONGEST if room > 0 else _SHORT
        shown = min(end, start + 4 * limit)
        rest = _characters(files, Extent(stream, shown, end))
        text, cut = cut_text(files.read(stream, start, shown - start), rest, limit)
        room -= len(text)
        yield LogLine(number, stream == "stderr", text, cut)


def _characters(files: LogFiles, part: Extent) -> int:
    """How many characters a part has; of a very long one, what lies far behind is counted by its bytes."""
    count, place = 0, part.start
    until = min(part.end, place + _COUNTED)
    while place < until:
        block = files.read(part.stream, place, min(until - place, _BLOCK))
        if not block:
            break
        count += characters(block)
        place += len(block)
    return count + part.end - place
