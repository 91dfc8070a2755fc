"""What a cell defines by code: imports, functions, classes and constants, each as the text that defines it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from nbpipe.core.names import Names, names_of
from nbpipe.core.record import dataclass
from nbpipe.notebook.formats.known import CHANGING_METHODS

CHANGING_FUNCTIONS = frozenset(
    {
        ".shuffle",
        ".heappush",
        ".heappop",
        ".heapify",
        ".insort",
        ".insort_left",
        ".insort_right",
        ".fill_diagonal",
    }
)
"""Functions of libraries that change what they are given, by their last name."""
PieceKind = Literal["import", "function", "class", "constant"]


@dataclass(frozen=True)
class Piece:
    """A statement that defines a name by code.

    Attributes:
        name: the name.
        kind: what it is; a lambda that has a name is a function.
        text: the statement.
        line: its first line in the cell.
    """

    name: str
    kind: PieceKind
    text: str
    line: int

    @property
    def value(self) -> Any:
        """The value of a constant."""
        statement = ast.parse(self.text).body[0]
        return ast.literal_eval(statement.value) if isinstance(statement, ast.Assign) else None

    def at_once(self) -> Names:
        """What the statement itself does with names when it runs, before anybody uses what it defines."""
        return names_of(self.text)

    def in_use(self) -> Names:
        """What it does with names when it is used too."""
        return names_of(f"{self.text}\n{self.name}")


def pieces_of(python: str) -> Mapping[str, Piece | None]:
    r"""What a cell defines at its top: name -> the statement, or None for a name that it computes.

    A name that is set twice is what was set last; one that is set twice by imports of its submodules is all of them.

    Example:
        >>> found = pieces_of("import os.path as p\nRATE = 0.1\nx = p.sep * 2")
        >>> found["p"].text, found["RATE"].kind, found["x"]
        ('import os.path as p', 'constant', None)
    """
    found: dict[str, Piece | None] = {}
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    for statement in tree.body:
        defined = list(_of(statement, python))
        for piece in defined:
            before = found.get(piece.name)
            if before and _is_submodule(before) and _is_submodule(piece) and before.text != piece.text:
                piece = Piece(piece.name, "import", f"{before.text}\n{piece.text}", before.line)  # noqa: PLW2901
            found[piece.name] = piece
        names = names_of(ast.unparse(statement))
        computed = {*names.sets, *names.changes, *_may_change(names)} - {piece.name for piece in defined}
        found |= dict.fromkeys(name for name in sorted(computed) if name in names.sets or name in found)
    return found


def _may_change(names: Names) -> Iterator[str]:
    """Names whose object a statement may change in place: by a method, or by a function that gets it."""
    yield from (name for name, methods in names.calls.items() if methods & CHANGING_METHODS)
    for function, _, name in names.passes:
        unknown = not function.startswith(".") and not hasattr(builtins, function)
        if unknown or function in CHANGING_FUNCTIONS:
            yield name


def _is_submodule(piece: Piece) -> bool:
    """True for ``import a.b``, which sets ``a``."""
    return piece.kind == "import" and all(line.startswith("import ") for line in piece.text.splitlines())


def _of(statement: ast.stmt, source: str) -> Iterator[Piece]:
    line = statement.lineno
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            renamed = f" as {alias.asname}" if alias.asname else ""
            name = alias.asname or alias.name.partition(".")[0]
            yield Piece(name, "import", f"import {alias.name}{renamed}", line)
    elif isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            renamed = f" as {alias.asname}" if alias.asname else ""
            if alias.name != "*" and module != "__future__":
                name = alias.asname or alias.name
                yield Piece(name, "import", f"from {module} import {alias.name}{renamed}", line)
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = min([line, *(each.lineno for each in statement.decorator_list)])
        text = "\n".join(source.split("\n")[first - 1 : statement.end_lineno])
        yield Piece(
            statement.name, "class" if isinstance(statement, ast.ClassDef) else "function", text, first
        )
    elif isinstance(statement, ast.Assign) and (kind := _assigned_kind(statement)):
        target = statement.targets[0]
        text = ast.get_source_segment(source, statement) or ""
        if isinstance(target, ast.Name):
            yield Piece(target.id, kind, text, line)


def _assigned_kind(statement: ast.Assign) -> PieceKind | None:
    """What an assignment to one name defines by code, or None where it computes."""
    if len(statement.targets) > 1 or not isinstance(statement.targets[0], ast.Name):
        return None
    if isinstance(statement.value, ast.Lambda):
        return "function"
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return "constant"
