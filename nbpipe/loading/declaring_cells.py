"""Which cells of a notebook have to run so that every step is declared."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MAGIC = re.compile(
    r"^[ \t]*%{1,2}(?:pipeline_(?:step|module|remove|restore|load)|step|pipeline[ \t]+(?:remove|restore|load))\b"
    r"|run_cell_magic\(|run_line_magic\(",
    re.MULTILINE,
)
_API = re.compile(r"\b(?:PythonScriptStep|StepSequence|Pipeline|run_after)\b")
_DEFINED = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", re.MULTILINE)
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t][^\n]*import[ \t]*(?:\([^)]*\)|[^\n]*)|import[ \t][^\n]*)", re.MULTILINE
)


def last_declaring(cells: Sequence[str]) -> int:
    r"""Number of the last cell that may declare a step; of the last cell where that cannot be told.

    A cell may when it has a magic that declares, uses the object API, or a function or class whose own cell does.

    Args:
        cells: text of every code cell.

    Example:
        >>> last_declaring(["%load_ext nbpipe", "%%pipeline_step a.py\nprint(1)", "%pipeline_run", "show()"])
        1
        >>> last_declaring(["def make():\n    return Pipeline(ws, [])", "pipeline = make()", "1 / 0"])
        1
        >>> last_declaring(["import mine", "pipeline = mine.make()"])
        1
    """
    bare = [_IMPORT.sub("", cell) for cell in cells]
    found = {place for place, cell in enumerate(bare) if _MAGIC.search(cell) or _API.search(cell)}
    names: set[str] = set()
    while more := {name for place in found for name in _DEFINED.findall(bare[place])} - names:
        names |= more
        uses = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
        found |= {place for place, cell in enumerate(bare) if uses.search(cell)}
    return max(found, default=len(cells) - 1)
