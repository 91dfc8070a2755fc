"""The cells that ran in this kernel: their texts, in which order they ran, and how what each left would be kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from nbpipe.core.names import names_of
from nbpipe.core.record import dataclass
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.formats.format import Format
from nbpipe.notebook.formats.known import format_of
from nbpipe.notebook.python_text import as_python

LONGEST_NOTED = 100_000
"""Characters of a cell up to which it is noted what it leaves."""


@dataclass
class RanCell:
    """A cell that ran.

    Attributes:
        cell: its id and how messages call it.
        text: the cell as it ran.
        python: the same with its magics as Python; empty for a step's cell, which shares no variable.
        turn: how many cells had run before it.
        began: when it began to run, in seconds since the epoch.
        left: name that it set or changed -> how the value that it left is kept in a file.
        also: name whose object it may have changed in place -> other names of this object.
    """

    cell: Cell
    text: str
    python: str
    turn: int
    began: float
    left: dict[str, Format] = field(default_factory=dict)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is known by: its id, else its label."""
        return self.cell.cell_id or self.cell.label


class RanCells:
    """Every cell that ran, under its id or, where the front end tells none, its label; in the order of first runs.

    Attributes:
        made_of: script of a step -> key of the cell that it was written from.

    Example:
        >>> ran = RanCells()
        >>> ran.begin(Cell("a1", "cell [1]"), "x = [1]", "x = [1]")
        >>> ran.end({"x": [1]})
        >>> [(each.cell.label, each.left["x"].kind) for each in ran]
        [('cell [1]', 'json')]
    """

    def __init__(self) -> None:
        self._cells: dict[str, RanCell] = {}
        self._running: list[RanCell] = []
        self._turns = 0
        self.made_of: dict[str, str] = {}

    def __iter__(self) -> Iterator[RanCell]:
        return iter(list(self._cells.values()))

    def begin(self, cell: Cell, text: str, python: str) -> None:
        """Note a cell that runs now, or ran before this was told; one that ran already is replaced."""
        ran = RanCell(cell, text, python, self._turns, time.time())
        self._turns += 1
        self._cells[ran.key] = ran
        self._running.append(ran)

    def end(self, variables: Mapping[str, Any]) -> None:
        """Note what the cell that has just run left."""
        if not self._running:  # the cell in which the extension was loaded
            return
        ran = self._running.pop()
        if not ran.python or len(ran.text) > LONGEST_NOTED:
            return
        try:
            names = names_of(as_python(ran.text))
        except SyntaxError:
            return
        changed = {*names.alters, *names.calls, *(name for _, _, name in names.passes)}
        touched = sorted(name for name in {*names.sets, *changed} if name in variables)
        ran.left = {name: noted(variables[name]) for name in touched}
        ran.also = {name: _also(name, variables) for name in touched if name in changed}

    def by_label(self) -> dict[str, str]:
        """Label -> the cell as Python, of all but step cells."""
        return {each.cell.label: each.python for each in self if each.python}


def _also(name: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Other names of a variable's object; those with a ``_`` are the kernel's record of what it showed."""
    value = variables[name]
    return tuple(
        each
        for each, other in variables.items()
        if other is value and each != name and not each.startswith("_")
    )


def noted(value: Any) -> Format:
    """How a value is kept; an object that cannot even be looked at has no kind."""
    try:
        return format_of(value)
    except Exception as error:  # noqa: BLE001 - it runs after every cell, and must never be in its way
        return Format(type(value).__name__, why=f"it cannot be looked at ({type(error).__name__})")
