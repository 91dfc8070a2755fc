"""A step as a cell declares it: its magic line, its script, and the cell it belongs to."""

from __future__ import annotations

import json
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.script import undefined_names
from nbpipe.errors import UsageError
from nbpipe.notebook.file_name import folder_name
from nbpipe.notebook.magic_line import STEP_MAGICS, MagicLine, parse_magic_line

STEPS_FOLDER = "steps"
DEFAULT_PIPELINE = "pipeline"


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook.

    Attributes:
        cell_id: its id, or empty where the front end tells none.
        label: how messages call it: ``cell 5`` by position, ``cell [5]`` by execution count, or empty.
        first: number of the cell's line that is line 1 of its script.
        digest: digest of its text; see ``nbpipe.live.digest``.
    """

    cell_id: str = ""
    label: str = ""
    first: int = 2
    digest: str = ""


@dataclass(frozen=True)
class Declaration:
    """A step, declared by a cell.

    Attributes:
        line: its magic line.
        body: its script.
        cell: where it was declared.
    """

    line: MagicLine
    body: str
    cell: Cell

    @property
    def name(self) -> str:
        """The step's name."""
        return self.line.name

    @property
    def pipeline(self) -> str:
        """Name of the pipeline it belongs to."""
        return self.line.pipeline or DEFAULT_PIPELINE

    @cached_property
    def outputs(self) -> list[str]:
        """Names of what it writes."""
        return [write.name for write in self.line.writes()]

    @property
    def place(self) -> str:
        """The script and its cell: ``prep.py (cell 3)``."""
        return f"{self.line.script} ({self.cell.label})" if self.cell.label else self.line.script

    @property
    def called(self) -> str:
        """The step and its cell: ``train (cell 5)``."""
        return f"{self.name} ({self.cell.label})" if self.cell.label else self.name

    def script_path(self, folder: Path) -> Path:
        """The file of its script.

        Args:
            folder: the notebook's folder.
        """
        if self.line.source_directory:
            return folder / self.line.source_directory / self.line.script
        return folder / STEPS_FOLDER / folder_name(self.name) / self.line.script

    def replaces(self, earlier: Declaration) -> bool:
        """Whether it takes the place of an earlier declaration: of its cell, of its name, or of its outputs."""
        if self.cell.cell_id and self.cell.cell_id == earlier.cell.cell_id:
            return True
        if self.name == earlier.name:
            return True
        if self.cell.cell_id or self.pipeline != earlier.pipeline:
            return False
        return not set(self.outputs).isdisjoint(earlier.outputs)

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which it can be declared again."""
        return {"line": self.line.text, "body": self.body, "cell": asdict(self.cell)}

    @cached_property
    def as_json(self) -> str:
        """The same as a text."""
        return json.dumps(self.to_json())

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Declaration:
        """The declaration that ``to_json`` wrote."""
        return Declaration(parse_magic_line(data["line"]), data["body"], Cell(**data["cell"]))


def put_in_place(declarations: Sequence[Declaration], declared: Declaration) -> list[Declaration]:
    """Declarations with a further one in the place of the first that it replaces, or at the end."""
    places = [place for place, each in enumerate(declarations) if declared.replaces(each)]
    left = [each for each in declarations if not declared.replaces(each)]
    left.insert(min(places, default=len(left)), declared)
    return left


def read_declaration(line: str, body: str, cell: Cell, magic: str = STEP_MAGICS[0]) -> Declaration:
    """Understand a step cell; nothing is written.

    Raises:
        UsageError: the magic line or the script cannot be meant.

    Example:
        >>> read_declaration("prep.py --out {>clean.csv}", "print(1)", Cell("a1", "cell 3")).place
        'prep.py (cell 3)'
    """
    declared = Declaration(parse_magic_line(line, magic), body, cell)
    check_python(body, declared.line.script, cell)
    return declared


def check_paths(declared: Declaration, folder: Path) -> None:
    """Refuse a step that takes along what is not there.

    Args:
        declared: the step.
        folder: the notebook's folder.

    Raises:
        UsageError: names the first folder or file that is missing.
    """
    chosen = declared.line.source_directory
    if chosen and not (folder / chosen).is_dir():
        raise UsageError(f"--source-directory {chosen}: there is no such folder.", place=f"in {folder}")
    for path in declared.line.with_paths:
        if not (folder / Path(path).expanduser()).exists():
            raise UsageError(f"--with {path}: there is no such file or folder.", place=f"in {folder}")


def check_python(body: str, script: str, cell: Cell) -> None:
    """Refuse a script that is no Python.

    Raises:
        UsageError: with the script's line, the cell's line, and a caret.
    """
    if not body.strip():
        raise UsageError(
            f"{script} is empty.", remedy="Write the script below the magic line, in the same cell."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd but runs is the script's own affair
            compile(body, script, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _no_python(error, script, cell) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{script} is no Python: {error}.") from None


def _no_python(error: SyntaxError, script: str, cell: Cell) -> UsageError:
    number = error.lineno or 1
    text = (error.text or "").rstrip("\n")
    caret = " " * max((error.offset or 1) - 1, 0) + "^"
    remedy = None
    if text.lstrip().startswith(("%", "!")):
        remedy = "A step is a plain Python script, without % and ! lines. Keep those in a cell of their own."
    where = f"line {number} of the script, line {number + cell.first - 1} of the cell"
    return UsageError(
        f"{script}, line {number}: {error.msg}.",
        place=f"{text}\n{caret}\n{where}" if text else where,
        remedy=remedy,
    )


def missing_names(body: str, namespace: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each name that a script uses and nobody in it defines.

    Args:
        body: the script.
        namespace: the notebook's variables, which tell an import from a variable.

    Example:
        >>> import json
        >>> list(missing_names("pd.read_csv(x); show(df)", {"pd": json, "df": 1}))[0]
        '`df` belongs to another cell; a step is a script of its own and shares no variables'
    """
    for name in undefined_names(body):
        value = namespace.get(name)
        if isinstance(value, types.ModuleType):
            yield f"`{name}` is imported in another cell: {_import_line(name, value)}"
        elif (
            name in namespace
            and getattr(value, "__module__", "__main__") not in ("__main__", None)
            and callable(value)
        ):
            yield f"`{name}` is imported in another cell: from {value.__module__} import {name}"
        elif name in namespace:
            yield f"`{name}` belongs to another cell; a step is a script of its own and shares no variables"
        else:
            yield f"`{name}` is defined nowhere"


def _import_line(name: str, module: types.ModuleType) -> str:
    package, _, last = module.__name__.rpartition(".")
    if module.__name__ == name:
        return f"import {name}"
    return (
        f"from {package} import {last}" if package and last == name else f"import {module.__name__} as {name}"
    )
