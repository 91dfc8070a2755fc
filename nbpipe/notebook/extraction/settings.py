"""What other cells set in the modules that a cell uses: seeds, options and styles, which its step does not have."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nbpipe.notebook.extraction.book import BookCell

_SETTING = re.compile(r"seed|set_|setup|option|config|rcParams|^rc$|style|^use$|environ|filter|locale|path")
"""Names of what sets something in a module, anywhere in the attributes of a call or an assignment."""


def settings_above(
    cells: Iterable[BookCell], names: Collection[str], variables: Mapping[str, Any]
) -> Iterator[tuple[BookCell, str]]:
    """Statements of cells that set something in a module.

    Args:
        cells: the cells above.
        names: names of the modules that count.
        variables: the notebook's, which tell what a name is.

    Returns:
        The cell and its statement.
    """
    for cell in cells:
        for statement in ast.parse(cell.python).body if cell.pieces or cell.names.reads else ():
            root, attributes = _target(statement)
            is_module = isinstance(variables.get(root), types.ModuleType)
            if root in names and is_module and any(_SETTING.search(each) for each in attributes):
                yield cell, ast.unparse(statement)


def _target(statement: ast.stmt) -> tuple[str, list[str]]:
    """The name with which a call or an assignment begins, and the attributes behind it."""
    part: ast.expr | None = None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        part = statement.value.func
    elif isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name):
        part = statement.targets[0]
    attributes: list[str] = []
    while isinstance(part, ast.Attribute | ast.Subscript):
        if isinstance(part, ast.Attribute):
            attributes.insert(0, part.attr)
        part = part.value
    return (part.id, attributes) if isinstance(part, ast.Name) else ("", [])
