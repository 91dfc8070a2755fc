"""Where the names of a cell come from: which cell sets each, and by code or by computing."""

from __future__ import annotations

import ast
import builtins
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from nbpipe.core.names import names_inside
from nbpipe.core.parameter import SIMPLE_TYPES
from nbpipe.core.record import dataclass
from nbpipe.notebook.extraction.book import Book, BookCell
from nbpipe.notebook.extraction.pieces import CHANGING_FUNCTIONS, Piece
from nbpipe.notebook.formats.known import CHANGING_METHODS
from nbpipe.notebook.formats.round_trip import same

KERNEL_NAMES = re.compile(r"display|get_ipython|In|Out|_|__|___|_ih|_oh|_dh|_i+|_i?\d+")
"""Names that a kernel keeps among the notebook's variables or the builtins."""


@dataclass
class Needs:
    """What a cell takes from the rest of the notebook.

    Attributes:
        imports: ``(import, its cell or None)`` in the order of the notebook.
        pieces: ``(function, class or constant, its cell)`` in the order of the notebook.
        values: name -> the cell that made the value it reads; None where no cell is known to.
        kernel: names that only a kernel has.
        unknown: names that no cell sets before.
        read: every name that it reads, itself or in a function that it uses.
    """

    imports: list[tuple[Piece, BookCell | None]] = field(default_factory=list)
    pieces: list[tuple[Piece, BookCell]] = field(default_factory=list)
    values: dict[str, BookCell | None] = field(default_factory=dict)
    kernel: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)


class Origins:
    """Where names come from in one notebook.

    Args:
        book: the notebook's cells.
        variables: its variables now.
    """

    def __init__(self, book: Book, variables: Mapping[str, Any]) -> None:
        self.book = book
        self.variables = variables
        self._touched: dict[int, frozenset[str]] = {}
        self._setters: dict[str, Sequence[BookCell]] = {}
        self._needs: dict[int, Needs] = {}

    def touched(self, cell: BookCell) -> frozenset[str]:
        """Names that a cell sets, or whose object it changes in place: itself, or by a function that it calls."""
        known = self._touched.get(id(cell))
        if known is None:
            known = self._touched[id(cell)] = frozenset({*cell.names.sets, *self.changes(cell)})
        return known

    def changes(self, cell: BookCell) -> Iterator[str]:
        """Names from before whose object a cell changes in place."""
        yield from cell.names.changes
        for name, methods in cell.names.calls.items():
            kept = cell.ran.left.get(name) if cell.ran else None
            if kept and kept.changing & methods:
                yield name
        for function, place, name in sorted(cell.names.passes, key=str):
            if function in CHANGING_FUNCTIONS or place in self._arguments_changed(
                self._function(function, cell)
            ):
                yield name

    def _function(self, name: str, cell: BookCell) -> Piece | None:
        """The function of that name that a cell calls."""
        for each in (cell, *reversed(self.book.before(cell)), *self.book.after(cell)):
            if name in each.pieces:
                return each.pieces[name]
        return None

    @staticmethod
    def _arguments_changed(piece: Piece | None) -> set[int | str]:
        """Places and names of the arguments that a function changes in place."""
        function = ast.parse(piece.text).body[0] if piece and piece.kind == "function" else None
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return set()
        inside = names_inside(function)
        called = {name for name, methods in inside.calls.items() if methods & CHANGING_METHODS}
        arguments = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        changed = (inside.changes | called) & {*arguments, *(each.arg for each in function.args.kwonlyargs)}
        return {*changed, *(place for place, name in enumerate(arguments) if name in changed)}

    def setters(self, name: str) -> Sequence[BookCell]:
        """Every cell that sets a name or changes its object, in the order of the notebook."""
        known = self._setters.get(name)
        if known is None:
            found = [cell for cell in self.book.cells if cell.shares and name in self.touched(cell)]
            known = self._setters[name] = found
        return known

    def is_used_after(self, name: str, cell: BookCell) -> bool:
        """True when a cell below reads what a cell left under a name, before another surely sets it anew."""
        for each in self.book.after(cell):
            if name in self._read_by(each):
                return True
            if name in each.names.surely:
                return False
        return False

    def _read_by(self, cell: BookCell) -> set[str]:
        """Names that a cell reads, itself or in functions that it uses."""
        if id(cell) not in self._needs:
            self._needs[id(cell)] = self.needs(cell)
        return self._needs[id(cell)].read

    def is_fresh(self, name: str, cell: BookCell | None) -> bool:
        """True when the variable is what a cell left: no other cell has touched it since that ran."""
        ran = [each.ran.turn for each in self.setters(name) if each.ran and each is not cell]
        return cell is None or (cell.ran is not None and cell.ran.turn > max(ran, default=-1))

    def maker(self, name: str, cell: BookCell) -> BookCell | None:
        """The cell whose value of a name another cell reads: the last above that touches it, else the first below.

        A name that the cell sets itself is nobody's below: the cell had run before.
        """
        others = [each for each in self.setters(name) if each is not cell]
        found = [each for each in others if each.ran] or others
        place = self.book.cells.index(cell)
        above = [each for each in found if self.book.cells.index(each) < place]
        if above or name in cell.names.sets:
            return above[-1] if above else None
        return found[0] if found else None

    def needs(self, cell: BookCell, written: Iterable[str] = ()) -> Needs:
        """What a cell takes from the others, with all that the functions it uses take in turn.

        Args:
            cell: the cell.
            written: names whose values are written at its end; one that it perhaps does not set is taken from above.
        """
        needs, above = Needs(), self.book.before(cell)
        todo = list(cell.names.reads.items())
        perhaps = [name for name in written if name not in cell.names.surely]
        todo += [(name, frozenset()) for name in perhaps if any(name in self.touched(each) for each in above)]
        while todo:
            name, sure = todo.pop(0)
            if name in needs.read:
                continue
            needs.read.add(name)
            found = self._take(name, cell, needs)
            if found is not None and found.kind in ("function", "class"):
                inside = found.in_use().reads
                todo += [(each, sure) for each in inside if each not in sure and each != name]
        place = {id(each): number for number, each in enumerate(self.book.cells)}
        needs.imports.sort(key=lambda pair: (place.get(id(pair[1]), -1), pair[0].line, pair[0].name))
        needs.pieces.sort(key=lambda pair: (place[id(pair[1])], pair[0].line))
        return needs

    def _take(self, name: str, cell: BookCell, needs: Needs) -> Piece | None:
        """Put a name where it belongs; the piece of code that defines it, where one does."""
        maker = self.maker(name, cell)
        piece = maker.pieces.get(name) if maker is not None and name in maker.names.sets else None
        if piece is not None and maker is not None and self._is_code(name, piece, cell):
            if piece.kind == "import":
                needs.imports.append((piece, maker))
            else:
                needs.pieces.append((piece, maker))
            return piece
        if maker is None and KERNEL_NAMES.fullmatch(name):
            needs.kernel.append(name)
        elif (imported := self._imported(name, maker)) is not None:
            needs.imports.append((imported, maker))
        elif maker is not None or (name in self.variables and not self._is_own(name, cell)):
            needs.values[name] = maker
        elif not hasattr(builtins, name):
            needs.unknown.append(name)
        return None

    def _is_own(self, name: str, cell: BookCell) -> bool:
        """True for a name that nobody sets but the cell itself, or Python."""
        return name in cell.names.sets or hasattr(builtins, name)

    def _is_code(self, name: str, piece: Piece, cell: BookCell) -> bool:
        """False for a constant that is better passed: a plain value, or one that is not any more what is written."""
        if piece.kind != "constant":
            return True
        alone = len(self.setters(name)) == 1 and name not in self.touched(cell)
        if isinstance(piece.value, SIMPLE_TYPES):
            return (
                not alone
            )  # a parameter has one value, so a name that is set twice is taken as it is written
        return not alone or same(piece.value, self.variables.get(name))

    def _imported(self, name: str, maker: BookCell | None) -> Piece | None:
        """The import of a name that stands inside another statement, or came with a star."""
        value = self.variables.get(name)
        for module, _ in (star for cell in self.book.cells for star in cell.names.stars):
            if value is not None and getattr(sys.modules.get(module), name, None) is value:
                return Piece(name, "import", f"from {module} import {name}", 0)
        if maker is None and hasattr(builtins, name):  # the kernel has an open of its own
            return None
        if isinstance(value, types.ModuleType):
            renamed = "" if value.__name__ == name else f" as {name}"
            return Piece(name, "import", f"import {value.__name__}{renamed}", 0)
        home = getattr(value, "__module__", None)
        defined = isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
        if defined and isinstance(home, str) and home not in ("__main__", "builtins"):
            real = getattr(value, "__name__", name)
            if getattr(sys.modules.get(home), real, None) is value:
                renamed = "" if real == name else f" as {name}"
                return Piece(name, "import", f"from {home} import {real}{renamed}", 0)
        return None
