"""The notebook's cells in their order, as the front end shows them, else as saved, each with its last run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from nbpipe.core.names import Names, names_of
from nbpipe.core.record import dataclass
from nbpipe.errors import UnknownName, UsageError
from nbpipe.loading.notebook_file import read_notebook, text_of
from nbpipe.notebook.extraction.pieces import Piece, pieces_of
from nbpipe.notebook.notebook_file import notebook_path
from nbpipe.notebook.python_text import as_python
from nbpipe.notebook.ran import RanCell
from nbpipe.notebook.session import Session
from nbpipe.notebook.transform import read_step_cell

_SHOWN = re.compile(r"\[?(\d+)\]?")
_PLACE = re.compile(r"cell (\d+)")


@dataclass(frozen=True)
class BookCell:
    """A cell of the notebook.

    Attributes:
        place: its place among all cells, counted from 1; 0 where it is not saved.
        cell_id: its id, or empty.
        text: the cell: as it ran, or as it stands where it did not run.
        kind: ``code``, ``markdown`` or ``raw``.
        count: the number that the front end shows beside it as saved, or None.
        ran: its last run in this kernel, or None.
        stands: the cell as it stands now, where the front end tells or a save is newer than the run; else ``text``.
    """

    place: int
    cell_id: str
    text: str
    kind: str = "code"
    count: int | None = None
    ran: RanCell | None = None
    stands: str = ""

    @property
    def label(self) -> str:
        """How messages call it: ``cell [5]`` where it ran, else ``cell 3``."""
        return self.ran.cell.label if self.ran else f"cell {self.place}"

    @property
    def shares(self) -> bool:
        """True for a cell whose names are the notebook's: code, and no step."""
        return self.kind == "code" and read_step_cell(self.text) is None

    @cached_property
    def python(self) -> str:
        """The cell as IPython runs it; empty for one that shares no names."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n")
        return as_python(lines) if self.shares else ""

    @cached_property
    def names(self) -> Names:
        """What it does with names; nothing where it is no Python."""
        try:
            return names_of(self.python)
        except SyntaxError:
            return Names()

    @cached_property
    def pieces(self) -> Mapping[str, Piece | None]:
        """What it defines by code."""
        return pieces_of(self.python)


@dataclass(frozen=True)
class Book:
    """Every cell of the notebook, in order.

    Attributes:
        cells: the cells; those that ran and are not saved yet stand at the end, in the order in which they ran.
    """

    cells: tuple[BookCell, ...]

    def find(self, word: str) -> BookCell:
        """The cell that a user means.

        Args:
            word: the number beside the cell, ``[5]``; its place, ``cell 5``; or its id.

        Raises:
            UnknownName: there is no such cell.
            UsageError: the number is of an earlier kernel.
        """
        place, shown = _PLACE.fullmatch(word), _SHOWN.fullmatch(word)
        for cell in self.cells:
            if word and word == cell.cell_id:
                return cell
            if place and cell.place == int(place[1]) > 0:
                return cell
            if shown and cell.ran and cell.ran.cell.label == f"cell [{shown[1]}]":
                return cell
        if shown and any(cell.count == int(shown[1]) and not cell.ran for cell in self.cells):
            raise UsageError(f"Cell [{shown[1]}] has not run in this kernel.", remedy="Run it first.")
        known = ", ".join(f"[{number}]" for number in self._numbers()) or "none"
        raise UnknownName(f"No cell {word or '(empty)'}.", remedy=f"Cells that ran here: {known}")

    def _numbers(self) -> Iterator[str]:
        for cell in self.cells:
            if cell.ran and cell.shares:
                yield cell.ran.cell.label.strip("cel []")

    def before(self, cell: BookCell) -> Sequence[BookCell]:
        """The cells above a cell that share names."""
        return [each for each in self.cells[: self.cells.index(cell)] if each.shares]

    def after(self, cell: BookCell) -> Sequence[BookCell]:
        """The cells below a cell that share names."""
        return [each for each in self.cells[self.cells.index(cell) + 1 :] if each.shares]


def read_book(session: Session, cells: Sequence[Mapping[str, Any]] | None = None) -> Book:
    """The notebook of a session.

    Args:
        session: the session.
        cells: the cells as the front end has them now, each as a notebook's file has it; default: as saved, else those
            that ran.

    Raises:
        NotebookError: the notebook's file cannot be read.
    """
    path = session.notebook or notebook_path(session.namespace)
    ran = {each.cell.cell_id or each.cell.label: each for each in session.ran}
    live = cells is not None
    if cells is None:
        cells = read_notebook(path).cells if path and path.is_file() else ()
    saved = path.stat().st_mtime if path and path.is_file() else 0.0
    ids = {str(each.get("id") or "") for each in cells} - {""}
    found = [_cell(number, each, ran, ids, None if live else saved) for number, each in enumerate(cells, 1)]
    left = [each for each in ran.values() if not cells or (each.cell.cell_id and not live)]
    return Book((*found, *(BookCell(0, each.cell.cell_id, each.text, ran=each) for each in left)))


def _cell(
    place: int, data: Mapping[str, Any], ran: dict[str, RanCell], ids: set[str], saved: float | None
) -> BookCell:
    """One cell with its last run, which is taken out of those left: the run of its id, else of its text."""
    cell_id, text, count = str(data.get("id") or ""), text_of(data), data.get("execution_count")
    kind = str(data.get("cell_type") or "code")
    nameless = [key for key, each in ran.items() if each.cell.cell_id not in ids]
    same = [key for key in nameless if ran[key].text.strip() == text.strip()]
    key = cell_id if cell_id in ran else same[-1] if same else ""
    last = ran.pop(key) if kind == "code" and key else None
    stands = text if last and (saved is None or saved > last.began) else ""
    number = count if isinstance(count, int) else None
    return BookCell(place, cell_id, last.text if last else text, kind, number, last, stands)
