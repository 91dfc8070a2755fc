"""A notebook, run in a kernel of its own for the steps that its cells declare; nothing of it is started or shown."""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbpipe import errors
from nbpipe.errors import NotebookError
from nbpipe.loading.declared import LEFT_OUT, Told, read_report
from nbpipe.loading.declaring_cells import last_declaring
from nbpipe.loading.kernel import Kernel, KernelDied
from nbpipe.loading.notebook_file import SKIP_TAG, CodeCell, code_cells, read_notebook
from nbpipe.workspace import DECLARE_MODE

CELL_ID, CELL_NUMBER = "cellId", "nbpipe_cell"
"""Keys of an execute request's metadata: which cell it is, and its place among all, counted from 1."""
DEFAULT_KERNEL = "python3"
"""Kernel of a notebook that names none."""
_REPORT = (
    "__import__('nbpipe.loading.declared', fromlist=['_'])"
    ".write_report({path!r}, globals(), __import__('sys').executable)"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"Cell In\s?\[(\d+)\], line (\d+)")
_LEAVE_OUT = f"A cell that is not needed to declare steps can be left out: tag it  {SKIP_TAG}"
_INSTALL = "Install it in the kernel's environment:  pip install nbpipe-steps"
_NOT_DEFINED = re.compile(r"name '(\w+)' is not defined")


def declared_by_cells(path: Path) -> list[Told]:
    """The pipelines of a notebook.

    Its cells run in order in a kernel of its own kernelspec, in the notebook's folder, through the last that declares a
    step. Cells tagged ``nbpipe-skip`` are left out, and the rest of a cell that asks for a result.

    Raises:
        NotebookError: it is no notebook, its kernel does not start, or a cell fails.
        NbpipeError: what is wrong with what it declares.
    """
    notebook = read_notebook(path)
    cells = [cell for cell in code_cells(notebook) if cell.source.strip()]
    cells = cells[: last_declaring([cell.source for cell in cells]) + 1]
    env = {**os.environ, DECLARE_MODE: "1", "JPY_SESSION_NAME": str(path.absolute())}
    name = notebook.kernel or DEFAULT_KERNEL
    with Kernel(name, path.absolute().parent, env) as kernel, tempfile.TemporaryDirectory() as folder:
        _run(kernel, cells, path.name)
        report = Path(folder) / "declared.json"
        reply = kernel.run(_REPORT.format(path=str(report)), silent=True)
        if reply["status"] == "error":
            raise _not_told(path.name, name, reply)
        return read_report(report)


def _run(kernel: Kernel, cells: Sequence[CodeCell], notebook: str) -> None:
    """Run the cells; one that wants a result, or a name that such a cell would have set, is left out."""
    missing: set[str] = set()
    for cell in cells:
        try:
            reply = kernel.run(cell.source, {CELL_ID: cell.cell_id, CELL_NUMBER: cell.number})
        except KernelDied as end:
            fact = f"{cell.label.capitalize()} of {notebook} ended the kernel."
            raise NotebookError(fact, place=str(end) or None) from None
        if reply["status"] == "ok" or cell.may_fail:
            continue
        if not _is_left_out(reply, missing):
            raise _failed(cell, notebook, reply)
        missing |= _assigned(cell.source)


def _is_left_out(reply: Mapping[str, Any], missing: set[str]) -> bool:
    text = str(reply.get("evalue", ""))
    unknown = _NOT_DEFINED.match(text) if reply.get("ename") == "NameError" else None
    return text.startswith(LEFT_OUT) or bool(unknown and unknown[1] in missing)


def _assigned(text: str) -> set[str]:
    """Names that a cell sets, as far as it is Python."""
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in text.splitlines())
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError):
        return set()
    return {
        each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _failed(cell: CodeCell, notebook: str, reply: Mapping[str, Any]) -> NotebookError:
    """The error of a cell that failed: its number, its line, and what it says."""
    kind, text = str(reply.get("ename", "")), str(reply.get("evalue", ""))
    first, _, rest = text.strip().partition("\n")
    ours = isinstance(getattr(errors, kind, None), type)  # or IPython's UsageError, told in the same way
    number = _failing_line("\n".join(reply.get("traceback", ())))
    lines = cell.source.splitlines()
    return NotebookError(
        f"{notebook}, {cell.label}{f', line {number}' if number else ''}: {first if ours else f'{kind}: {first}'}",
        place=lines[number - 1].strip() if number and number <= len(lines) else None,
        remedy=_known_remedy(kind, text) or (_dedented(rest) if ours else _LEAVE_OUT),
    )


def _failing_line(traceback: str) -> int | None:
    """The last line of the failing cell itself that the traceback names; functions of earlier cells are passed over."""
    frames = [(int(count), int(line)) for count, line in _FRAME.findall(_COLOURS.sub("", traceback))]
    newest = max((count for count, _ in frames), default=0)
    return next((line for count, line in reversed(frames) if count == newest), None)


def _dedented(text: str) -> str | None:
    return "\n".join(line.removeprefix("  ") for line in text.splitlines()) or None


def _known_remedy(kind: str, text: str) -> str:
    if "not found" in text and ("pipeline" in text or "%%step" in text):
        return "Load nbpipe in a cell above:  %load_ext nbpipe"
    return _INSTALL if kind == "ModuleNotFoundError" and "'nbpipe'" in text else ""


def _not_told(notebook: str, kernel: str, reply: Mapping[str, Any]) -> NotebookError:
    if reply.get("ename") == "ModuleNotFoundError":
        return NotebookError(
            f"{notebook} declares no step: its kernel {kernel} has no nbpipe.", remedy=_INSTALL
        )
    return NotebookError(f"{notebook} cannot be loaded: {reply.get('ename')}: {reply.get('evalue')}")
