"""What steps print, as lines fit for a terminal: whole lines as they come, or the last one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from nbpipe.execution.logs import STREAMS, Position
from nbpipe.run import StepRun
from nbpipe.views.text import visible_line

_BLOCK = 1 << 20
_TAIL = 4096


def shown_line(line: str) -> str:
    r"""A line of a log: what a terminal would show of it, without colours, and nothing that could steer ours.

    Of a progress bar that rewrites its line, the last state counts.

    Example:
        >>> shown_line("10 %\r20 %\r"), shown_line("\x1b[31mred\x1b[0m")
        ('20 %', 'red')
    """
    if line.isprintable():  # as most are; what follows takes a hundred times as long
        return visible_line(line) if line.strip() else ""
    states = [each for each in line.split("\r") if each.strip()]
    return visible_line(_without_colours(states[-1])) if states else ""


def _without_colours(line: str) -> str:
    from rich.text import Text

    return Text.from_ansi(line).plain


def last_lines(step: StepRun, count: int, *, errors: bool = False) -> list[str]:
    """The last lines that a step printed to one stream, empty ones left out.

    Args:
        step: whose log.
        count: lines at most.
        errors: look at stderr first, and at stdout where that is empty; else the other way round.
    """
    for stream in reversed(STREAMS) if errors else STREAMS:
        text = step.log.tail(stream, _TAIL).decode("utf-8", "replace")
        lines = [line for line in map(shown_line, text.split("\n")) if line]
        if lines:
            return lines[-count:]
    return []


class LineReader:
    """Gives the whole lines of a step's log as they come; its last, unfinished one when it is told to.

    Args:
        step: whose log; a further attempt begins a new one.
    """

    def __init__(self, step: StepRun) -> None:
        self._step = step
        self._attempt = 0
        self._begin(0)

    def _begin(self, attempt: int) -> None:
        self._attempt = attempt
        self._position: Position | None = None
        self._decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in STREAMS}
        self._open = dict.fromkeys(self._decoders, "")

    def lines(self, *, whole: bool = False) -> Iterator[str]:
        """Lines that came since the last call.

        Args:
            whole: the step has ended, so what is left is a line too.
        """
        attempts = self._step.state.attempts
        if attempts != self._attempt:
            yield from self._rest()
            self._begin(attempts)
        if not attempts:
            return
        log = self._step.log
        while True:
            chunks, self._position = log.read(self._position, limit=_BLOCK)
            if not chunks:
                break
            for stream, data in chunks:
                *done, self._open[stream] = (self._open[stream] + self._decoders[stream].decode(data)).split(
                    "\n"
                )
                yield from map(shown_line, done)
        if whole:
            yield from self._rest()

    def _rest(self) -> Iterator[str]:
        for stream, line in self._open.items():
            if line:
                yield shown_line(line)
                self._open[stream] = ""
