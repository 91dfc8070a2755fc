"""A notebook that ran, its cells made into steps, and the scripts of those run by Python itself."""

from __future__ import annotations

import io
import os
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.extraction.answers import Extraction
from nbpipe.notebook.extraction.extract import extract
from nbpipe.notebook.magic_line import parse_magic_line
from nbpipe.notebook.python_text import as_python
from nbpipe.notebook.session import Session
from nbpipe.notebook.transform import StepCell, read_step_cell
from nbpipe.notebook.words import Read, Write


class Written:
    """A notebook whose cells run in this process as a kernel runs them.

    Args:
        folder: the notebook's folder.
        cells: the cells to run.
        variables: what the notebook has besides.
    """

    def __init__(self, folder: Path, *cells: str, **variables: Any) -> None:
        self.folder = folder
        self.variables: dict[str, Any] = {"__name__": "__main__", **variables}
        self.session = Session(folder, self.variables)
        self.made: dict[str, Path] = {}
        for cell in cells:
            self.run(cell)

    def run(self, text: str, cell_id: str = "") -> None:
        """Run a cell; one without an id of its own has that of its number."""
        number = len(list(self.session.ran)) + 1
        self.session.begin_cell(text, cell_id or f"id{number}", f"cell [{number}]", as_python(text))
        try:
            exec(compile(as_python(text), "<cell>", "exec", dont_inherit=True), self.variables)
        finally:
            self.session.ran.end(self.variables)

    def extract(self, cell: str, **answers: Any) -> Extraction:
        """A step cell made of a cell."""
        return extract(self.session, cell, answers)

    def asked(self, cell: str, **answers: Any) -> list[str]:
        """The questions about a cell, as they are shown."""
        return [str(each) for each in self.extract(cell, **answers).questions]

    def register(self, made: Extraction) -> StepCell:
        """Register the step of a new cell, as running it does."""
        assert made.questions == ()
        cell = read_step_cell(made.text)
        assert cell is not None
        self.session.declare(cell.line, cell.body, cell.magic, Cell(f"step-{made.name}", made.name))
        return cell

    def play(self, made: Extraction) -> tuple[dict[str, Path], str]:
        """Run the script of a new cell: what it wrote, and what it printed.

        Its placeholders mean what they mean in a run: files of steps played before, variables, files by their path.
        """
        cell = self.register(made)
        line = parse_magic_line(cell.line)
        work = self.folder / "played" / line.name
        work.mkdir(parents=True, exist_ok=True)
        written = {each.name: work / each.file_name for each in line.writes()}
        words = ["".join(self._meant(part, written) for part in word.parts) for word in line.words]
        printed = io.StringIO()
        before, at = sys.argv, Path.cwd()
        sys.argv = [line.script, *words]
        os.chdir(work)
        try:
            with redirect_stdout(printed):
                exec(compile(cell.body, line.script, "exec", dont_inherit=True), {"__name__": "__main__"})
        finally:
            sys.argv = before
            os.chdir(at)
        self.made |= {name: path for name, path in written.items() if path.exists()}
        self.made |= {f"{line.name}.{name}": path for name, path in written.items()}
        assert set(written) == {name for name, path in written.items() if path.exists()}, shlex.join(words)
        return written, printed.getvalue()

    def _meant(self, part: str | Read | Write, written: dict[str, Path]) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, Write):
            return str(written[part.name])
        if part.path:
            return str(self.folder / part.path)
        if part.text in self.made:
            return str(self.made[part.text])
        value = self.variables[part.name]
        return str(self.folder / value) if isinstance(value, Path) else str(value)


def script(made: Extraction) -> str:
    """The body of a new cell."""
    cell = read_step_cell(made.text)
    assert cell is not None
    return cell.body


def line(made: Extraction) -> str:
    """The magic line of a new cell, without the magic's name."""
    cell = read_step_cell(made.text)
    assert cell is not None
    return " ".join(cell.line.split())
