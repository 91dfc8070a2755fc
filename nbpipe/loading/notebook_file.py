"""A notebook's file: its cells, whatever format it was saved in."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.errors import NotebookError

SKIP_TAG = "nbpipe-skip"
"""Tag of a cell that is left out when its notebook is loaded."""
MAY_FAIL_TAG = "raises-exception"
"""Jupyter's own tag of a cell that may fail."""
OLDEST_READ = 4
"""Notebook format that is read as it is; an older one is converted by nbformat."""


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


@dataclass(frozen=True)
class Notebook:
    """A notebook's file, as far as it is read here.

    Attributes:
        cells: every cell, as its JSON has it.
        kernel: name of the kernelspec it asks for, or empty.
    """

    cells: tuple[dict[str, Any], ...]
    kernel: str = ""


def read_notebook(path: Path) -> Notebook:
    """A notebook of any format.

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
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise NotebookError(f"{path} is no notebook: it is not JSON.", remedy=_after_a_merge(text)) from None
    if not isinstance(data, dict) or not isinstance(data.get("nbformat"), int):
        raise NotebookError(f"{path} is no notebook: it names no format of one.")
    cells = data.get("cells") if data["nbformat"] >= OLDEST_READ else _upgraded(path, text)
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NotebookError(f"{path} is no notebook: its cells are no list of cells.")
    return Notebook(tuple(cells), str(_part(_part(data, "metadata"), "kernelspec").get("name") or ""))


def _upgraded(path: Path, text: str) -> Any:
    """Cells of a notebook older than format 4."""
    import nbformat  # takes a second to import, so only where it is needed

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(nbformat.reads(text, as_version=OLDEST_READ).cells)
    except Exception as error:  # noqa: BLE001 - nbformat lets any of its converters' errors through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is no notebook: {reason}.") from None


def _after_a_merge(text: str) -> str | None:
    conflict = any(line.startswith("<<<<<<< ") for line in text.splitlines())
    return "It has the marks of an unfinished merge (<<<<<<<); settle that first." if conflict else None


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    return part if isinstance(part, Mapping) else {}


def code_cells(notebook: Notebook) -> Iterator[CodeCell]:
    """The code cells that count, in order: those tagged ``nbpipe-skip`` do not."""
    for number, cell in enumerate(notebook.cells, 1):
        tags = _part(cell, "metadata").get("tags") or ()
        if cell.get("cell_type") == "code" and SKIP_TAG not in tags:
            yield CodeCell(number, str(cell.get("id", "")), text_of(cell), MAY_FAIL_TAG in tags)


def text_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell, which its JSON has as one text or as a list of lines."""
    source = cell.get("source") or ""
    return source if isinstance(source, str) else "".join(map(str, source))
