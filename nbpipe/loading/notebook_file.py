"""A notebook's file: its cells, whatever format it was saved in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbpipe.errors import NotebookError

SKIP_TAG = "nbpipe-skip"
"""Tag of a cell that is left out when its notebook is loaded."""
MAY_FAIL_TAG = "raises-exception"
"""Jupyter's own tag of a cell that may fail."""


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a notebook.

    Attributes:
        number: its place among all cells, counted from 1, as messages name it.
        cell_id: its id, or empty in a notebook older than format 4.5.
        source: its text.
        may_fail: it is tagged so.
    """

    number: int
    cell_id: str
    source: str
    may_fail: bool = False

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"cell {self.number}"


def read_notebook(path: Path) -> Any:
    """A notebook of any format, as one of format 4.

    Raises:
        NotebookError: it is not there, or is no notebook.
    """
    import nbformat

    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise NotebookError(f"{path} is no notebook: it is not text.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ids that are missing are not asked for here
            notebook = nbformat.reads(text, as_version=4)
            cells = notebook.cells
    except (nbformat.reader.NotJSONError, RecursionError):
        raise NotebookError(f"{path} is no notebook: it is not JSON.", remedy=_after_a_merge(text)) from None
    except Exception as error:  # noqa: BLE001 - nbformat lets any of its converters' errors through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is no notebook: {reason}.") from None
    if not isinstance(cells, list):
        raise NotebookError(f"{path} is no notebook: its cells are no list.")
    return notebook


def _after_a_merge(text: str) -> str | None:
    conflict = any(line.startswith("<<<<<<< ") for line in text.splitlines())
    return "It has the marks of an unfinished merge (<<<<<<<); settle that first." if conflict else None


def code_cells(notebook: Any) -> Iterator[CodeCell]:
    """The code cells that count, in order: those tagged ``nbpipe-skip`` do not."""
    for number, cell in enumerate(notebook.cells, 1):
        tags = cell.get("metadata", {}).get("tags", [])
        if cell.get("cell_type") == "code" and SKIP_TAG not in tags:
            cell_id, source = str(cell.get("id", "")), str(cell.get("source", ""))
            yield CodeCell(number, cell_id, source, MAY_FAIL_TAG in tags)
