"""After a restart of the kernel: the step cells registered again, without running the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbpipe.errors import NbpipeError, NotebookError
from nbpipe.live.digest import cell_digest
from nbpipe.loading.notebook_file import CodeCell, code_cells, read_notebook
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.magic_line import MODULE_MAGIC
from nbpipe.notebook.notebook_file import notebook_path
from nbpipe.notebook.session import Session
from nbpipe.notebook.transform import StepCell, read_step_cell


def restore(session: Session, path: Path | None = None) -> list[str]:
    """Register the step cells of the notebook again, from its file, else from what the last kernel saved.

    Args:
        session: the session of the new kernel.
        path: the notebook's file; default: the one that the front end tells.

    Returns:
        One sentence for each thing that is worth telling.

    Raises:
        NotebookError: the file cannot be read, or nothing is known of the notebook.
    """
    path = path or session.notebook or notebook_path(session.namespace)
    notes = list(_from_file(session, path) if path else _from_saved(session))
    for name in session.names():
        session.save(name)
    return notes


def _from_file(session: Session, path: Path) -> Iterator[str]:
    found = [
        (cell, step) for cell in code_cells(read_notebook(path)) if (step := read_step_cell(cell.source))
    ]
    for cell, step in found:
        yield from _register(session, cell, step)
    gone = session.not_registered()
    session.forget(gone)
    for each in gone:
        yield f"{each.name} is not restored: its cell is not in {path.name} as saved"


def _register(session: Session, cell: CodeCell, step: StepCell) -> Iterator[str]:
    place = Cell(cell.cell_id, cell.label, step.first, cell_digest(cell.source))
    try:
        if step.magic == MODULE_MAGIC:
            session.write_module(step.line, step.body, place)
        else:
            session.declare(step.line, step.body, step.magic, place)
    except NbpipeError as error:
        yield f"{cell.label} is not restored: {error.fact}"


def _from_saved(session: Session) -> Iterator[str]:
    saved = session.not_registered()
    if not saved and not session.declarations:
        raise NotebookError(
            "Nothing is known of this notebook's steps.", remedy="Name its file:  %pipeline_restore FILE"
        )
    for each in saved:
        path = each.script_path(session.folder)
        try:
            # What is saved came with the folder, perhaps from somebody else: it is believed, but writes no script.
            if session.files.holds(path, each.body):
                session.declare(each.line.text, each.body, "pipeline_step", each.cell)
            else:
                yield f"{each.name} is not restored: {session.files.shown(path)} is not as it was; run its cell"
        except NbpipeError as error:
            yield f"{each.name} is not restored: {error.fact}"


def missing_cells(session: Session) -> list[str]:
    """Names of steps whose cell is not in the notebook's file as saved; empty where that cannot be told."""
    path = session.notebook or notebook_path(session.namespace)
    if path is None:
        return []
    try:
        there = {cell.cell_id for cell in code_cells(read_notebook(path))}
    except NotebookError:
        return []
    return [
        each.name for each in session.declarations if each.cell.cell_id and each.cell.cell_id not in there
    ]


def gone_cells(session: Session) -> list[str]:
    """Names of steps whose cell is gone: it is not in the notebook's file, which was saved after the cell ran."""
    missing = missing_cells(session)
    path = session.notebook or notebook_path(session.namespace)
    if not missing or path is None:
        return []
    saved = path.stat().st_mtime
    return [name for name in missing if session.declared_at.get(name, saved) < saved]
