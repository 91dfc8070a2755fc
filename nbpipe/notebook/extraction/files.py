"""Texts of a cell that name files beside the notebook, which a step has only if it is given them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Literal

from nbpipe.core.record import dataclass
from nbpipe.notebook.extraction.body import Offsets
from nbpipe.notebook.extraction.inputs import path_placeholder
from nbpipe.notebook.file_name import part_problem

_READING = re.compile(r"read|load|scan|genfromtxt|fromfile|parse|ExcelFile|open_dataset")
_WRITING = re.compile(r"to_|save|write|dump|imsave|imwrite|mkdir|makedirs|unlink|remove|rename|touch")
_PATHS = frozenset({"Path", "PurePath", "PosixPath"})
Use = Literal["read", "written", "unclear"]
USES: Mapping[str, Use] = {"read": "read", "write": "written"}
"""Answers to the question what is done with a file."""


@dataclass(frozen=True)
class FileText:
    """A text in a cell that names a file.

    Attributes:
        path: the text.
        line: its line in the cell.
        use: what the cell does with the file, by the name of the function that it is given to.
        function: that function's name.
        start, end: where its literal stands in the text of the cell.
    """

    path: str
    line: int
    use: Use
    function: str
    start: int
    end: int

    @property
    def argument(self) -> str:
        """A name for the argument that replaces it: ``raw`` for ``data/raw.csv``."""
        stem = re.sub(r"\W+", "_", PurePath(self.path).name.partition(".")[0], flags=re.ASCII).strip("_")
        return f"file_{stem}" if not stem or stem[0].isdigit() else stem

    @property
    def placeholder(self) -> str:
        """What stands for it on the magic line, or empty where no braces can hold it."""
        if self.use == "read":
            return path_placeholder(self.path)
        ending = "".join(PurePath(self.path).suffixes)
        file = f"{self.argument}{ending}"
        return (
            ""
            if part_problem(file) or not re.fullmatch(r"\w+(\.[\w+-]+)+", file, re.ASCII)
            else f"{{>{file}}}"
        )


def file_texts(python: str, folder: Path) -> list[FileText]:
    """Texts that are given to a function as they are and name a file that is there.

    Args:
        python: the cell.
        folder: the folder that its paths are read from.
    """
    return [each for each in given_texts(python) if _names_file(each.path, folder)]


def given_texts(python: str) -> list[FileText]:
    """Every text that is given to a function as it is, as if it named a file."""
    offsets, tree, found = Offsets(python), ast.parse(python), []
    for call, node in _given(tree):
        if isinstance(node.value, str):
            function = _function(call)
            use = _use(call, function, tree)
            found.append(FileText(node.value, node.lineno, use, function, *offsets.of(node)))
    return sorted(found, key=lambda each: each.start)


def _given(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.Constant]]:
    """Every literal that is an argument by itself, with its call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for each in (*node.args, *(word.value for word in node.keywords)):
                if isinstance(each, ast.Constant):
                    yield node, each


def _names_file(path: str, folder: Path) -> bool:
    with suppress(OSError, ValueError):
        there = folder / path
        return ("." in path or "/" in path) and (there.is_file() or ("/" in path and there.is_dir()))
    return False


def _function(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _use(call: ast.Call, function: str, tree: ast.AST) -> Use:
    if function == "open":
        return _use_by_mode(call)
    if function in _PATHS:
        return _use_of_path(call, tree)
    if _WRITING.match(function):
        return "written"
    return "read" if _READING.search(function) else "unclear"


def _use_by_mode(call: ast.Call) -> Use:
    """What ``open`` does by its mode; ``Path("x").open`` has its mode first."""
    at = 1 if isinstance(call.func, ast.Name) else 0
    given = [*call.args[at : at + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    if not given:
        return "read"
    mode = given[0].value if isinstance(given[0], ast.Constant) else None
    if not isinstance(mode, str):
        return "unclear"
    return "written" if set(mode) & set("wxa+") else "read"


def _use_of_path(call: ast.Call, tree: ast.AST) -> Use:
    """What is done with ``Path("x")`` right where it is made: ``Path("x").read_text()``."""
    for node in ast.walk(tree):
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(method, ast.Attribute) and _same(method.value, call):
            if method.attr == "open":
                return _use_by_mode(node)
            return (
                "written"
                if _WRITING.match(method.attr)
                else "read"
                if _READING.search(method.attr)
                else "unclear"
            )
    return "unclear"


def _same(one: ast.expr, other: ast.expr) -> bool:
    return (one.lineno, one.col_offset, one.end_lineno, one.end_col_offset) == (
        other.lineno, other.col_offset, other.end_lineno, other.end_col_offset,
    )  # fmt: skip
