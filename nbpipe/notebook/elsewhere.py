"""Names that the notebook's cells define, for the advice on a step that lacks one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping


def names_elsewhere(cells: Mapping[str, str]) -> dict[str, str]:
    r"""Variable -> the cell that sets it.

    Args:
        cells: label of a cell -> its text as Python; what is no Python is passed over.

    Example:
        >>> names_elsewhere({"cell [2]": "df = 1\nimport os"})
        {'df': 'cell [2]'}
    """
    return {name: label for label, text in cells.items() for name in _assigned(_parsed(text))}


def imports_elsewhere(cells: Mapping[str, str]) -> dict[str, str]:
    r"""Imported name -> the line that imports it.

    Example:
        >>> imports_elsewhere({"cell [1]": "import pandas as pd\nfrom os import path"})
        {'pd': 'import pandas as pd', 'path': 'from os import path'}
    """
    return {name: line for text in cells.values() for name, line in _imported(_parsed(text))}


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _assigned(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        else:
            yield from (
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )


def _imported(statements: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement in statements:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                renamed = f" as {alias.asname}" if alias.asname else ""
                yield alias.asname or alias.name.partition(".")[0], f"import {alias.name}{renamed}"
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                renamed = f" as {alias.asname}" if alias.asname else ""
                base = "." * statement.level + (statement.module or "")
                yield alias.asname or alias.name, f"from {base} import {alias.name}{renamed}"
