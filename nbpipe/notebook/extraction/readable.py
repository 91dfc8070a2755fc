"""Cells that cannot become a step as they are, each refused with the line that is in the way and what to do."""

from __future__ import annotations

import sys

from nbpipe.errors import UsageError
from nbpipe.notebook.declaration import Cell, check_python
from nbpipe.notebook.extraction.book import BookCell
from nbpipe.notebook.python_text import magic_at
from nbpipe.notebook.ran import LONGEST_NOTED
from nbpipe.notebook.transform import read_step_cell


def check_cell(cell: BookCell) -> None:
    """Refuse a cell that cannot become a step.

    Raises:
        UsageError: it is no code, a step already, empty, too long, no plain Python, or has not run as it stands.
    """
    called = cell.label.capitalize()
    if cell.kind != "code":
        raise UsageError(f"{called} is {cell.kind}, no code.", remedy="A step is made of a code cell.")
    if (step := read_step_cell(cell.text)) is not None:
        raise UsageError(f"{called} is a step already:  %%{step.magic} {step.line}".rstrip())
    if not cell.text.strip():
        raise UsageError(f"{called} is empty.")
    if len(cell.text) > LONGEST_NOTED:
        count = f"{len(cell.text):,} characters"
        raise UsageError(f"{called} has {count}, too many to be read.", remedy="Make several cells of it.")
    if line := magic_at(cell.text):
        shown = cell.text.splitlines()[line - 1].strip()
        remedy = "A step is a plain Python script. Keep that line in a cell of its own."
        raise UsageError(f"Line {line} of {cell.label} is no Python:  {shown:.80}", remedy=remedy)
    _check_names(cell)
    if cell.ran is None:
        fact = f"{called} has not run in this kernel, so it is not known what it makes."
        raise UsageError(fact, remedy="Run it first.")
    if cell.stands and cell.stands.strip() != cell.text.strip():
        raise UsageError(f"{called} was edited since it ran.", remedy="Run it first.")


def _check_names(cell: BookCell) -> None:
    """Refuse what a script cannot hold, or what cannot be told from the text."""
    if cell.names.awaits:
        raise UsageError(
            f"Line {cell.names.awaits} of {cell.label} awaits, which only a function of a script can.",
            remedy="Write it as  async def main(): ...  and run it with  asyncio.run(main())",
        )
    check_python(cell.python, cell.label, Cell(label=cell.label, first=1))
    for module, line in cell.names.stars:
        known = dir(sys.modules[module]) if module in sys.modules else ()
        used = ", ".join(sorted(set(cell.names.reads) & set(known))) or "NAME, ..."
        raise UsageError(
            f"Line {line} of {cell.label} imports every name of {module}, so it is not known which come from it.",
            remedy=f"Write  from {module} import {used}",
        )
