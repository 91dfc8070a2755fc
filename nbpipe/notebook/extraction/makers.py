"""Which step makes a value that a cell reads: steps are found by what they write, and by the cell they were made of."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from nbpipe.notebook.declaration import Declaration
from nbpipe.notebook.extraction.book import BookCell
from nbpipe.notebook.extraction.origins import Origins
from nbpipe.notebook.file_name import part_problem

LONGEST = 80
"""Characters of an output's name."""


def output_name(variable: str) -> str:
    """How an output is called that holds a variable: outputs have ASCII letters, digits and _.

    Example:
        >>> output_name("df"), output_name("größe"), output_name("数")
        ('df', 'groe', 'value')
    """
    plain = unicodedata.normalize("NFKD", variable).encode("ascii", "ignore").decode()
    name = re.sub(r"\W", "", plain)[:LONGEST] or "value"
    name = f"value_{name}" if name.isdigit() else name
    return f"{name}_" if part_problem(f"{name}.csv") else name


class Makers:
    """The steps of a notebook, by what they make.

    Args:
        steps: the steps' declarations.
        origins: the notebook.
        known: script of a step -> key of the cell that it was written from, as far as this kernel knows.
    """

    def __init__(
        self, steps: Sequence[Declaration], origins: Origins, known: Mapping[str, str] | None = None
    ) -> None:
        self.steps = steps
        self.origins = origins
        self._made_of = dict(self._matched(known or {}))

    def step_for(self, name: str, maker: BookCell | None) -> Declaration | None:
        """The step that makes the value which a cell left under a name, or None.

        Args:
            name: the variable.
            maker: the cell; None where no ordinary cell makes it, so that only a step can.
        """
        found = [each for each in self.steps if output_name(name) in each.outputs]
        setters = self.origins.setters(name)
        made_of = [(self.cell_of(each), each) for each in found]
        own = [each for cell, each in made_of if cell is maker]
        if own:
            return own[-1]
        strange = [each for cell, each in made_of if cell is None]
        return strange[-1] if strange and len(setters) <= 1 else None

    def reading(self, step: Declaration, name: str) -> str:
        """The placeholder that reads a step's output, with the step where the name alone could mean another."""
        output = output_name(name)
        others = [each for each in self.steps if each is not step and output in each.outputs]
        several = others or len(self.origins.setters(name)) > 1
        return f"{{{step.name}.{output}}}" if several else f"{{{output}}}"

    def cell_of(self, step: Declaration) -> BookCell | None:
        """The cell that a step was written from, or None."""
        return self._made_of.get(step.name)

    def _matched(self, known: Mapping[str, str]) -> Iterator[tuple[str, BookCell]]:
        """Each step with its cell: the one that is known, else the one with which it has most statements in common.

        Of cells that have equally many, the first counts that is no other step's.
        """
        cells = [each for each in self.origins.book.cells if each.shares]
        texts, taken = [_statements(each.python) for each in cells], set[int]()
        for step in self.steps:
            own, key = _statements(step.body), known.get(step.body.strip())
            shared = [len(own & each) for each in texts]
            best = [n for n, each in enumerate(shared) if each and each == max(shared)]
            by_key = [n for n, each in enumerate(cells) if key and each.ran and each.ran.key == key]
            found = by_key or [n for n in best if n not in taken] or best
            if found:
                taken.add(found[0])
                yield step.name, cells[found[0]]


def _statements(python: str) -> set[str]:
    """Statements at the top of a text as they compare: texts, and what a step was passed, do not count."""
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            found.add(ast.dump(_WithoutTexts().visit(statement)))
    return found


class _WithoutTexts(ast.NodeTransformer):
    """Puts one word in place of texts and of what ``args`` holds, since a path becomes an argument."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id.startswith("args"):
            return ast.Constant("")
        self.generic_visit(node)
        return node
