"""What running steps tell by their logs: the last line, and the bar that they draw."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nbpipe.errors import NbpipeError
from nbpipe.execution.logs import STREAMS
from nbpipe.live.progress import progress_of
from nbpipe.live.scene import Vitals
from nbpipe.run import StepRun
from nbpipe.views.tail import shown_line

_TAIL = 4096
_LONGEST_LINE = 200


class Pulse:
    """Looks at the end of one attempt's log; reads only what has grown.

    Args:
        step: whose; it must have begun.
    """

    def __init__(self, step: StepRun) -> None:
        self.attempt = step.state.attempts
        self._log = step.log
        self._sizes: dict[str, int] = {}
        self._bars: dict[str, float | None] = {}
        self._line = ""

    def look(self) -> Vitals:
        """What it tells now, its metric left out."""
        for stream in STREAMS:
            size = _size(self._log.paths[stream])
            if size != self._sizes.get(stream, 0):
                self._sizes[stream] = size
                with suppress(NbpipeError, OSError):
                    tail = self._log.tail(stream, _TAIL).decode("utf-8", "replace")
                    self._bars[stream] = progress_of(tail)
                    self._line = last_line(tail) or self._line
        bars = (self._bars.get(stream) for stream in reversed(STREAMS))
        return Vitals(next((bar for bar in bars if bar is not None), None), self._line)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_line(tail: str) -> str:
    r"""The last line that is not blank, as a terminal would show it.

    Example:
        >>> last_line("one\n10 %\r20 %\n\n")
        '20 %'
    """
    for line in reversed(tail.split("\n")):
        shown = shown_line(line[-_TAIL:]).strip()
        if shown:
            return shown[:_LONGEST_LINE]
    return ""
