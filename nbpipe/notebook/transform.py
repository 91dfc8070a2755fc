"""Step cells as people write them: comments above the magic, and a magic line over several lines."""

from __future__ import annotations

import re

from nbpipe.core.record import dataclass
from nbpipe.notebook.magic_line import MODULE_MAGIC, STEP_MAGICS

_MAGIC = re.compile(rf"%%(?P<magic>{'|'.join((*STEP_MAGICS, MODULE_MAGIC))})(?=\s|$)")


@dataclass(frozen=True)
class StepCell:
    """A cell that begins with one of nbpipe's cell magics.

    Attributes:
        magic: the magic's name.
        line: what follows it, continuation lines joined.
        body: the script.
        first: number of the cell's line that is line 1 of the script; script line = cell line - first + 1.
    """

    magic: str
    line: str
    body: str
    first: int


def read_step_cell(text: str) -> StepCell | None:
    r"""What a cell declares, or None where it does not begin with one of nbpipe's cell magics.

    Blank lines and comments above the magic are passed over; a ``\`` at the end of the magic line, or a ``\``
    and blanks, continues it.

    Example:
        >>> cell = read_step_cell("# prepare\n%%step prep.py \\\n  --out {>clean.csv}\nprint(1)\n")
        >>> cell.line, cell.body, cell.first
        ('prep.py   --out {>clean.csv}', 'print(1)\n', 4)
    """
    lines = text.splitlines(keepends=True)
    start = next(
        (n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None
    )
    match = _MAGIC.match(lines[start]) if start is not None else None
    if start is None or match is None:
        return None
    end = start
    joined = lines[start][match.end() :].rstrip("\r\n")
    while _continues(joined):
        joined = joined.rstrip()[:-1]
        end += 1
        if end == len(lines):
            break
        joined += lines[end].rstrip("\r\n")
    return StepCell(match["magic"], joined.strip(), "".join(lines[end + 1 :]), end + 2)


def _continues(line: str) -> bool:
    bare = line.rstrip()
    return (len(bare) - len(bare.rstrip("\\"))) % 2 == 1


def join_magic_line(lines: list[str]) -> list[str]:
    """Bring a step cell into the form that IPython knows: the magic first, on one line.

    For ``input_transformers_cleanup``; other cells pass unchanged.
    """
    cell = read_step_cell("".join(lines))
    if cell is None:
        return lines
    return [f"%%{cell.magic} {cell.line}\n", *cell.body.splitlines(keepends=True)]
