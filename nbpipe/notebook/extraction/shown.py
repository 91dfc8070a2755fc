"""What a notebook shows of a cell by itself, which a script has to print."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from nbpipe.notebook.extraction.body import is_silenced
from nbpipe.notebook.extraction.book import BookCell

_SHOWING = ("print", "display")


def shown_line(cell: BookCell, variables: Mapping[str, Any]) -> int:
    """Line of the expression at the end of a cell whose value the notebook shows, or 0.

    Nothing is shown of a value that is None, which the kernel's own record of outputs tells, and nothing is printed of
    what pyplot gives back, since the figure is written.

    Args:
        cell: the cell.
        variables: the notebook's; IPython keeps its outputs among them.
    """
    body = ast.parse(cell.python).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if last is None or is_silenced(cell.python):
        return 0
    if isinstance(last, ast.Call) and isinstance(last.func, ast.Name) and last.func.id in _SHOWING:
        return 0
    outputs, number = variables.get("_oh"), cell.label.strip("cel []")
    if isinstance(outputs, dict) and number.isdigit() and _says_nothing(outputs.get(int(number))):
        return 0
    return last.lineno


def _says_nothing(value: Any) -> bool:
    parts = list(value)[:1] if type(value) in (list, tuple) else [value]
    home = type(parts[0]).__module__ if parts else ""
    return value is None or home.partition(".")[0] in ("matplotlib", "seaborn")
