"""A cell's text as the body of a script: unchanged but for what a script cannot have as the cell had it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

Edit = tuple[int, int, str]
"""Start and end in a text, and what stands there instead."""


class Offsets:
    """Where nodes stand in a text, counted in characters; the tree counts lines, and bytes in them."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Start and end of a node."""
        return (
            self._at(node.lineno, node.col_offset),
            self._at(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with parts replaced that do not overlap.

    Example:
        >>> edited("a + b", [(0, 1, "x"), (4, 5, "y")])
        'x + y'
    """
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def printing(python: str) -> list[Edit]:
    r"""Edits that print what a notebook shows of itself: the expression at the end of a cell.

    Example:
        >>> edited("x = 1\nx + 1  # two", printing("x = 1\nx + 1  # two"))
        'x = 1\nprint(x + 1)  # two'
    """
    body = ast.parse(python).body
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr) or is_silenced(python):
        return []
    start, end = Offsets(python).of(last.value)
    bare = isinstance(last.value, ast.Tuple) and python[start] != "("
    opened, closed = ("print((", "))") if bare else ("print(", ")")
    return [(start, start, opened), (end, end, closed)]


def is_silenced(python: str) -> bool:
    """True for a cell whose last line ends with a semicolon, which shows nothing."""
    tree = ast.parse(python)
    end = Offsets(python).of(tree.body[-1])[1] if tree.body else 0
    return python[end:].lstrip(" \t)").startswith(";")


def futures(python: str) -> tuple[list[str], list[Edit]]:
    """``from __future__`` imports, which stand at the top of a script: the lines, and edits that take them away.

    A text that is no Python has none.
    """
    offsets, found, edits = Offsets(python), list[str](), list[Edit]()
    try:
        body = ast.parse(python).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found, edits
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            found.append(ast.unparse(statement))
            start, end = offsets.of(statement)
            edits.append((start, end + python[end:].startswith("\n"), ""))
    return found, edits
