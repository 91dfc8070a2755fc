"""What the verbs print: plain lines with nothing hidden in them, or JSON objects, one a line."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from nbpipe.views.text import cell_len, pad_cells, visible


def shown(line: str) -> str:
    r"""A line as it may go to a terminal: control characters made visible, the indentation kept.

    Example:
        >>> shown("  step \x1b[2J")
        '  step ␛[2J'
    """
    bare = line.lstrip(" ")
    return " " * (len(line) - len(bare)) + visible(bare)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; ``err`` for what is no answer but a remark."""
    for line in lines:
        click.echo(shown(line), err=err)


def emit(event: str, **fields: Any) -> None:
    """Print a JSON object on a line of its own."""
    click.echo(json.dumps({"event": event, **fields}, default=str))


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell.

    Example:
        >>> columns([("1", "Finished"), ("12", "Failed")])
        ['1   Finished', '12  Failed']
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    padded = (
        "  ".join(pad_cells(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells
    )
    return [line.rstrip() for line in padded]


def window_width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere and need not fit."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
