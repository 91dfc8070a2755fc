"""Whether a cell draws with pyplot: by what it calls, since a figure that was shown is not kept."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Mapping
from typing import Any

from nbpipe.core.record import dataclass

_DRAWING_MODULES = ("matplotlib.pyplot", "seaborn")
_NOT_DRAWING = frozenset(
    {
        "close", "colormaps", "get_cmap", "get_fignums", "ioff", "ion", "pause", "rc", "rc_context", "rcdefaults",
        "set_theme", "set_style", "set_context", "set_palette", "color_palette", "load_dataset", "switch_backend",
        "use", "xkcd",
    }
)  # fmt: skip
"""Functions of the drawing modules that draw nothing."""
_DRAWING_METHODS = frozenset({"plot", "hist", "boxplot"})
"""What frames and series of pandas draw with."""


@dataclass(frozen=True)
class Drawing:
    """What a cell does with the current figure.

    Attributes:
        draws: line of the first call that draws, or 0.
        closes: line of the last call that closes figures, or 0.
    """

    draws: int = 0
    closes: int = 0


def drawing_of(python: str, variables: Mapping[str, Any]) -> Drawing:
    """What a cell does with the current figure.

    Args:
        python: the cell.
        variables: the notebook's, which tell what a name of the cell is.
    """
    draws = closes = 0
    for call, names in _calls(ast.parse(python)):
        owner = variables.get(names[0])
        module = owner.__name__ if isinstance(owner, types.ModuleType) else ""
        if module == "matplotlib.pyplot" and names[1:] == ["close"]:
            closes = max(closes, call.lineno)
        elif _draws(module, owner, names[1:]):
            draws = min(draws or call.lineno, call.lineno)
    return Drawing(draws, closes)


def _draws(module: str, owner: Any, names: list[str]) -> bool:
    if module in _DRAWING_MODULES:
        return len(names) == 1 and names[0] not in _NOT_DRAWING
    of_pandas = "pandas" in (module, type(owner).__module__.partition(".")[0])
    return of_pandas and bool(_DRAWING_METHODS & set(names))


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, list[str]]]:
    """Every call, with the name that it begins with and the attributes behind: ``df.size().plot.bar()``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        names: list[str] = []
        part: ast.expr = node.func
        while isinstance(part, ast.Attribute | ast.Call | ast.Subscript):
            if isinstance(part, ast.Attribute):
                names.insert(0, part.attr)
            part = part.func if isinstance(part, ast.Call) else part.value
        if isinstance(part, ast.Name) and names:
            yield node, [part.id, *names]
