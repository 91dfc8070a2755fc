"""What the step of a cell writes: the values that later cells use, and the figure that it draws."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbpipe.core.record import dataclass
from nbpipe.notebook.extraction.answers import Answers, Question, kinds_question
from nbpipe.notebook.extraction.book import BookCell
from nbpipe.notebook.extraction.drawing import drawing_of
from nbpipe.notebook.extraction.inputs import keeping_problem
from nbpipe.notebook.extraction.makers import Makers, output_name
from nbpipe.notebook.extraction.origins import Origins
from nbpipe.notebook.formats.format import Format
from nbpipe.notebook.formats.known import format_of

CURRENT_FIGURE = Format("Figure", "png", "{plt}.savefig({path})", kinds=("png",))


@dataclass(frozen=True)
class Output:
    """Something that a step writes.

    Attributes:
        name: the variable; empty for the current figure of pyplot.
        kept: its format.
        note: why it is written.
    """

    name: str
    kept: Format
    note: str


class Outputs:
    """Finds what the step of one cell writes.

    Args:
        cell: the cell, which has run.
        origins: the notebook.
        makers: its steps.
        answers: what the user has said.
    """

    def __init__(self, cell: BookCell, origins: Origins, makers: Makers, answers: Answers) -> None:
        self.cell, self.origins, self.makers, self.answers = cell, origins, makers, answers
        self.left = cell.ran.left if cell.ran else {}

    def all(self) -> list[Output | Question | str]:
        """Every output, every question about one, and what is worth saying."""
        found: list[Output | Question | str] = [*self._values(), *self._shared(), *self._drawn()]
        if not any(isinstance(each, Output | Question) for each in found):
            found += self._last()
        return found

    def _values(self) -> Iterator[Output | Question | str]:
        touched = self.origins.touched(self.cell)
        for name in (*self.cell.names.sets, *sorted(touched - set(self.cell.names.sets))):
            kept = self.left.get(name)
            why = self._use(name)
            if kept is None and why:
                yield f"{name} is used by a later cell and was not there when this one had run: it is not written"
            elif kept is not None and kept.role != "code" and (why or kept.type == "Figure"):
                yield self._output(name, kept, why or "is a figure")

    def _shared(self) -> Iterator[Question]:
        """Names of objects that the cell changes under another name, which in a step are two objects."""
        touched, also = self.origins.touched(self.cell), self.cell.ran.also if self.cell.ran else {}
        for name in sorted({*self.origins.changes(self.cell), *self.cell.names.alters}):
            for other in also.get(name, ()):
                used = other not in touched and self.origins.is_used_after(other, self.cell)
                if used and other not in self.answers.skip:
                    fact = (
                        f"{other} and {name} are one object, which this cell changes; in a step they are two."
                    )
                    yield Question(other, fact, (f"make {name} a copy of {other} first", f"--skip {other}"))

    def _use(self, name: str) -> str:
        """Why what the cell leaves under a name is needed; empty where nobody reads it."""
        if self.origins.is_used_after(name, self.cell):
            return "is used by later cells"
        output = output_name(name)
        for step in self.makers.steps:
            made = any(output in each.outputs for each in self.makers.steps if each is not step)
            if not made and any(not read.path and read.name == name for read in step.line.reads()):
                return f"is read by {step.called}"
        return ""

    def _output(self, name: str, kept: Format, why: str) -> Output | Question | str:
        if name in self.answers.skip:
            return f"{name} is not written, as you said"
        kind = self.answers.kinds.get(name, "")
        fresh = name in self.origins.variables and self.origins.is_fresh(name, self.cell)
        value = self.origins.variables.get(name)
        if kind:
            kept = format_of(value, kind)
        if not kept.kind:
            return kinds_question(name, f"{name} {why}; {kept.why}.", kept.kinds)
        problem = keeping_problem(name, kept, value, asked=bool(kind)) if fresh else None
        return problem or Output(name, kept, f"{name} {why}")

    def _drawn(self) -> Iterator[Output | str]:
        """The current figure, where the cell draws and names no figure of its own."""
        named = [
            name for name in self.cell.names.sets if name in self.left and self.left[name].type == "Figure"
        ]
        drawing = drawing_of(self.cell.python, self.origins.variables)
        if named or not drawing.draws:
            return
        if drawing.closes > drawing.draws:
            yield f"line {drawing.closes} closes the figure, so none is written"
        else:
            yield Output("", CURRENT_FIGURE, f"line {drawing.draws} draws")

    def _last(self) -> Iterator[Output | Question | str]:
        """The variable that the cell shows at its end, else the one it sets last; where it leaves nothing else."""
        for name, why in (
            (self._shown(), "is what the cell shows"),
            (self._set_last(), "is what the cell leaves"),
        ):
            if name:
                yield self._output(name, self.left[name], why)
                return

    def _is_kept(self, name: str) -> bool:
        kept = self.left.get(name)
        return kept is not None and kept.role == "file" and bool(kept.kind)

    def _shown(self) -> str:
        body = ast.parse(self.cell.python).body
        part = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
        while isinstance(part, ast.Attribute | ast.Call | ast.Subscript):
            part = part.func if isinstance(part, ast.Call) else part.value
        own = isinstance(part, ast.Name) and part.id in self.origins.touched(self.cell)
        return part.id if isinstance(part, ast.Name) and own and self._is_kept(part.id) else ""

    def _set_last(self) -> str:
        surely = [name for name in self.cell.names.sets if name in self.cell.names.surely]
        return next((name for name in reversed(surely) if self._is_kept(name)), "")
