"""How far a running step says it is: read strictly from the line that it rewrites, never guessed."""

from __future__ import annotations

import re

_TQDM = re.compile(r"(?:^|[\s:])(\d{1,3})%\|[^|]*\|")
_PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:\.\d+)?)\s?%")
_COUNT = re.compile(r"(?<![\d/.,:-])(\d{1,9})\s?/\s?(\d{1,9})(?![\d/.,:-])")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def progress_of(tail: str) -> float | None:
    r"""How far the bar is that a script draws, 0 to 1; None where it draws none, or several figures could be meant.

    Only a line that rewrites itself and has not ended is a bar.

    Args:
        tail: the end of a stream.

    Example:
        >>> progress_of("start\n 10%|#         | 1/10\r 62%|######    | 62/100"), progress_of("\repoch 31/50")
        (0.62, 0.62)
        >>> progress_of("100 %\n"), progress_of("loss 3 %"), progress_of("\r3/4 of 1/2")
        (None, None, None)
    """
    line = tail.rpartition("\n")[2]
    if "\r" not in line:
        return None
    states = [each for each in _ANSI.sub("", line).split("\r") if each.strip()]
    return _told(states[-1]) if states else None


def _told(state: str) -> float | None:
    bar = _TQDM.search(state)
    percents = [bar[1]] if bar else _PERCENT.findall(state)
    if len(percents) == 1:
        return float(percents[0]) / 100 if float(percents[0]) <= 100 else None
    counts = _COUNT.findall(state)
    if percents or len(counts) != 1:
        return None
    done, whole = int(counts[0][0]), int(counts[0][1])
    return done / whole if whole > 0 and done <= whole else None
