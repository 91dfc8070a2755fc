"""The notebook's file: where it is, and its cells."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from nbpipe.errors import NotebookError

SKIP_TAG = "nbpipe-skip"
"""Tag of cells that are left out when a notebook is loaded."""


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a notebook.

    Attributes:
        number: its place among all cells, counted from 1, as messages name it.
        cell_id: its id, or empty in a notebook older than format 4.5.
        source: its text.
    """

    number: int
    cell_id: str
    source: str

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"cell {self.number}"


def notebook_path(namespace: Mapping[str, Any]) -> Path | None:
    """The file of the notebook that this kernel serves, where the front end tells it.

    Args:
        namespace: the notebook's variables; some front ends leave the path there.
    """
    for told in (namespace.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(told, str) and told.endswith(".ipynb") and Path(told).is_file():
            return Path(told).absolute()
    return None


def read_notebook(path: Path) -> Any:
    """A notebook of any format, as one of format 4.

    Raises:
        NotebookError: it is not there, or is no notebook.
    """
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
        raise NotebookError(f"{path} is no notebook: it is not JSON.", remedy=_first_line(text)) from None
    except Exception as error:  # noqa: BLE001 - nbformat lets any of its converters' errors through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is no notebook: {reason}.") from None
    if not isinstance(cells, list):
        raise NotebookError(f"{path} is no notebook: its cells are no list.")
    return notebook


def _first_line(text: str) -> str:
    conflict = any(line.startswith("<<<<<<< ") for line in text.splitlines())
    return "It has the marks of an unfinished merge (<<<<<<<); settle that first." if conflict else ""


def code_cells(notebook: Any) -> Iterator[CodeCell]:
    """The code cells that count, in order: those tagged ``nbpipe-skip`` do not."""
    for number, cell in enumerate(notebook.cells, 1):
        tags = cell.get("metadata", {}).get("tags", [])
        if cell.get("cell_type") == "code" and SKIP_TAG not in tags:
            yield CodeCell(number, str(cell.get("id", "")), str(cell.get("source", "")))
