"""The session of one kernel: which steps its cells declare, and the pipeline that they mean now."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to
from nbpipe.errors import InvalidPipeline, Problem, UnknownName, UsageError
from nbpipe.live.digest import cell_digest
from nbpipe.loading.declared import Declared, only_pipeline, pipelines_in
from nbpipe.notebook.alone import alone
from nbpipe.notebook.bound import BoundPipelines
from nbpipe.notebook.cells import CellFiles
from nbpipe.notebook.declaration import (
    DEFAULT_PIPELINE,
    Cell,
    Declaration,
    check_paths,
    check_python,
    missing_names,
    put_in_place,
    read_declaration,
)
from nbpipe.notebook.elsewhere import imports_elsewhere, names_elsewhere
from nbpipe.notebook.magic_line import MODULE_MAGIC, parse_module_line
from nbpipe.notebook.plans import Plans
from nbpipe.notebook.ran import RanCells
from nbpipe.notebook.saved import Saved, SavedDeclarations
from nbpipe.notebook.transform import read_step_cell
from nbpipe.workspace import DECLARE_MODE, Workspace

SMALLEST_STEP = (
    "%%pipeline_step hello.py --out {>hello.txt}\nimport sys\nopen(sys.argv[2], 'w').write('hello')"
)
"""The cell that an empty pipeline offers."""
_MOST_NAMED = 8


def declaring() -> bool:
    """True while the notebook is only read for the pipeline it declares: nothing starts, nothing is shown."""
    return bool(os.environ.get(DECLARE_MODE))


@dataclass(frozen=True)
class Registered:
    """A step that has just been registered.

    Attributes:
        declaration: the step.
        file: its script's file, as messages name it.
        notes: what is worth telling: what it took over, names it lacks.
    """

    declaration: Declaration
    file: str
    notes: tuple[str, ...] = ()


class Session:
    """What one kernel knows of its notebook's steps.

    Args:
        folder: the notebook's folder.
        namespace: the notebook's variables.
        notebook: the notebook's file, where it is known.

    Attributes:
        lock: held while what is declared is read or changed; may be taken twice by one thread.
        plans: the newest plans.
        changed: called when other steps are declared, or a module was written.
        started: called with every run that was started.
    """

    def __init__(
        self, folder: Path, namespace: Mapping[str, Any] | None = None, notebook: Path | None = None
    ) -> None:
        self.folder = folder
        self.namespace: Mapping[str, Any] = {} if namespace is None else namespace
        self.notebook = notebook
        self.lock = threading.RLock()
        self.changed: Callable[[], None] = lambda: None
        self.started: Callable[[Any], None] = lambda _: None
        self.put_cell: Callable[[str, str], bool] = lambda _, __: False
        self.declarations: list[Declaration] = []
        self.cell = Cell()
        self.refused: dict[str, tuple[str, Path]] = {}
        self.declared_at: dict[str, float] = {}
        self.ran = RanCells()
        self.plans = Plans()
        self._bound = BoundPipelines()
        self._values: dict[str, Mapping[str, Any]] = {}
        self._removed: set[str] = set()

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace of the notebook's folder."""
        return Workspace.find(self.folder)

    @cached_property
    def files(self) -> CellFiles:
        """The files that cells are written to."""
        return CellFiles(self.workspace.state)

    @cached_property
    def store(self) -> SavedDeclarations:
        """What survives a restart of the kernel."""
        return SavedDeclarations(self.workspace.state, self.notebook or self.folder)

    @alone
    def begin_cell(self, text: str, cell_id: str = "", label: str = "", python: str = "") -> list[str]:
        """Note which cell runs now.

        Args:
            text: the cell.
            cell_id: its id, or empty.
            label: how messages call it.
            python: the cell with its magics as Python, where it is known.

        Returns:
            Names of the steps that the cell declared before and, not being a step cell any more, declares no longer.
        """
        step = read_step_cell(text)
        self.cell = Cell(cell_id, label, step.first if step else 1, cell_digest(text))
        self.ran.begin(self.cell, text, "" if step else python or text)
        if step and step.magic != MODULE_MAGIC:
            return []
        gone = [each for each in self.declarations if cell_id and each.cell.cell_id == cell_id]
        self.declarations = [each for each in self.declarations if each not in gone]
        if gone:
            self.changed()
        return [each.name for each in gone]

    @alone
    def declare(self, line: str, body: str, magic: str, cell: Cell | None = None) -> Registered:
        """Register the step of a cell: understand it, write its script, and let it replace what it replaces.

        Args:
            line: its magic line.
            body: its script.
            magic: the magic's name.
            cell: where it stands; default: the cell that runs now.

        Raises:
            UsageError: it cannot be meant, or its file was changed by another hand; the pipeline is as it was.
            StoreError: its file cannot be written.
        """
        declared = read_declaration(line, body, cell or self.cell, magic)
        check_paths(declared, self.folder)
        path = declared.script_path(self.folder)
        self._check_owner(declared, path)
        load = f"%pipeline_load {declared.name}"
        try:
            self.files.write(path, body, load=load, overwrite=declared.line.overwrite)
        except UsageError:
            self.refused[declared.name] = (declared.line.text, path)
            raise
        self.refused.pop(declared.name, None)
        self.declared_at[declared.name] = time.time()
        self._removed.discard(declared.name)
        notes = [*self._put(declared), *self._shared_outputs(declared)]
        notes += missing_names(body, self.namespace)
        return Registered(declared, self.files.shown(path), tuple(notes))

    def _check_owner(self, declared: Declaration, path: Path) -> None:
        """Refuse a script that is another step's too, which only a source directory makes possible."""
        for other in self.declarations:
            chosen = declared.line.source_directory or other.line.source_directory
            if chosen and other.script_path(self.folder) == path and not declared.replaces(other):
                fact = f"{self.files.shown(path)} is the script of {other.called} already."
                raise UsageError(fact, remedy="Give one of the scripts another name.")

    def _put(self, declared: Declaration) -> Iterator[str]:
        """Put a declaration in place of all it replaces; one sentence for each that another cell declared."""
        replaced = [each for each in self.declarations if declared.replaces(each)]
        self.declarations = put_in_place(self.declarations, declared)
        for each in replaced:
            same_cell = bool(each.cell.cell_id) and each.cell.cell_id == declared.cell.cell_id
            if each.name == declared.name and (same_cell or not declared.cell.cell_id):
                continue
            if same_cell:
                yield f"it takes the place of {each.name}, which this cell declared before"
            elif each.name == declared.name:
                yield f"it takes over the name from {each.place}"
            else:
                shared = next(name for name in each.outputs if name in declared.outputs)
                yield f"it takes over {{{shared}}} from {each.place}, which is no step any more"

    def _shared_outputs(self, declared: Declaration) -> Iterator[str]:
        for name in declared.outputs:
            for other in self.steps(declared.pipeline):
                if other is not declared and name in other.outputs:
                    both = f"{{{other.name}.{name}}} or {{{declared.name}.{name}}}"
                    yield f"{{{name}}} is made by {other.place} too; say which one to read: {both}"

    @alone
    def write_module(self, line: str, body: str, cell: Cell | None = None) -> Path:
        """Write the module of a ``%%pipeline_module`` cell beside the notebook.

        Args:
            line: the magic line.
            body: the module.
            cell: where it stands; default: the cell that runs now.

        Returns:
            The module's file.

        Raises:
            UsageError: it cannot be meant, or its file was changed by another hand.
        """
        name, overwrite = parse_module_line(line)
        check_python(body, name, cell or self.cell)
        path = self.folder / name
        try:
            self.files.write(path, body, load=f"%pipeline_load {name}", overwrite=overwrite)
        except UsageError:
            self.refused[name] = (line, path)
            raise
        self.refused.pop(name, None)
        self.plans.doubt()
        self.changed()
        return path

    def names(self) -> list[str]:
        """Names of the pipelines that have steps, in the order of their first step."""
        return list(dict.fromkeys(each.pipeline for each in self.declarations))

    def steps(self, pipeline: str = "") -> list[Declaration]:
        """Declarations of a pipeline, or all."""
        return [each for each in self.declarations if pipeline in ("", each.pipeline)]

    def step(self, name: str) -> Declaration:
        """The declaration of a step; ``UnknownName`` names those there are."""
        found = {each.name: each for each in self.declarations}
        if name not in found:
            meant = close_to(name, found)
            hint = f" Did you mean {meant}?" if meant else ""
            raise UnknownName(f"No step {name}.{hint}", remedy=f"Steps: {', '.join(found) or 'none'}")
        return found[name]

    @alone
    def remove(self, name: str) -> Declaration:
        """Take a step out of its pipeline; its file stays.

        Raises:
            UnknownName: there is no such step.
        """
        gone = self.step(name)
        self.declarations = [each for each in self.declarations if each is not gone]
        self._removed.add(name)
        return gone

    def chosen(self, name: str = "") -> str:
        """The pipeline that is meant: the named one, the only one, else ``pipeline``, else the last declared.

        Raises:
            UnknownName: there is no pipeline of that name.
        """
        names = self.names()
        if name and name not in names:
            raise UnknownName(f"No pipeline {name}.", remedy=f"Pipelines: {', '.join(names) or 'none'}")
        if name or not names:
            return name
        return DEFAULT_PIPELINE if DEFAULT_PIPELINE in names else names[-1]

    @alone
    def pipeline(self, name: str = "") -> Pipeline:
        """The pipeline that the notebook means now: of its step cells, else a ``Pipeline`` among its variables.

        Raises:
            InvalidPipeline: with every problem of every step.
            UsageError: the notebook declares no step.
        """
        chosen = self.chosen(name)
        if chosen:
            return self._bound.pipeline(
                self.steps(chosen), self.namespace, self.workspace, name=chosen, folder=self.folder
            )
        if not pipelines_in(self.namespace):
            raise self._no_steps()
        return only_pipeline(self.namespace)

    def _no_steps(self) -> UsageError:
        left = [each.name for each in self.not_registered()]
        if not left:
            return UsageError(
                "No steps yet.", remedy=f"The smallest step is a cell of its own:\n\n{SMALLEST_STEP}"
            )
        known = ", ".join(left[:_MOST_NAMED]) + (" ..." if len(left) > _MOST_NAMED else "")
        return UsageError(
            f"No steps in this kernel yet. The last one had {known}.",
            remedy="Register them again:  %pipeline_restore",
        )

    @alone
    def submit(self, pipeline: Pipeline, **options: Any) -> Any:
        """Start a run of a pipeline; see ``Workspace.submit``. It learns which names other cells define."""
        names, imports = self._elsewhere()
        run = pipeline.workspace.submit(
            pipeline, "", names_elsewhere=names, imports_elsewhere=imports, **options
        )
        self.started(run)
        return run

    @alone
    def bound(self, name: str) -> InvalidPipeline | Pipeline:
        """The pipeline of that name, or what is in its way."""
        try:
            made = self.pipeline(name)
        except InvalidPipeline as error:
            return error
        except UnknownName as error:  # its last step was taken out
            return InvalidPipeline([Problem(error.fact)])
        self._values[made.name] = dict(made.graph.parameters)
        return made

    def keep(self) -> None:
        """Save all declarations for the next kernel."""
        with self.lock:
            kept, values = [*self.declarations, *self.not_registered()], self.last_values()
        self.store.save(kept, values)

    def save(self, pipeline: str) -> InvalidPipeline | Pipeline:
        """Let views show the pipeline as it is now, and save all declarations; that pipeline, or what is in its way."""
        made = self.bound(pipeline)
        self.changed()
        self.keep()
        return made

    @cached_property
    def earlier(self) -> Saved:
        """What the last kernel knew, read before this one saves anything."""
        return self.store.load()

    def not_registered(self) -> list[Declaration]:
        """Steps of the last kernel that no cell of this one has declared or replaced, or taken away."""
        names = {each.name for each in self.declarations} | self._removed
        cells = {each.cell.cell_id for each in self.declarations} - {""}
        return [
            each
            for each in self.earlier.declarations
            if each.name not in names and each.cell.cell_id not in cells
        ]

    def forget(self, declarations: Iterable[Declaration]) -> None:
        """Drop steps of the last kernel, since their cells are gone."""
        self._removed |= {each.name for each in declarations}

    def last_values(self) -> dict[str, Mapping[str, Any]]:
        """Pipeline name -> values of its parameters when it last had no problem, in this kernel or the one before."""
        return {**self.earlier.values, **self._values}

    def declared(self) -> Iterator[Declared]:
        """Every pipeline that has step cells, for a loader that reads the notebook.

        Raises:
            InvalidPipeline: one of them has problems.
        """
        names, imports = self._elsewhere()
        for name in self.names():
            yield Declared(self.pipeline(name), names, imports)

    def _elsewhere(self) -> tuple[dict[str, str], dict[str, str]]:
        """Names that the notebook's other cells define, and those that they import."""
        cells = self.ran.by_label()
        return names_elsewhere(cells), imports_elsewhere(cells)


_sessions: list[Session] = []


def start(session: Session) -> None:
    """Make a session the one of this process."""
    _sessions[:] = [session]


def stop() -> None:
    """Forget the session of this process."""
    _sessions.clear()


def is_started() -> bool:
    """True when this process has a session already."""
    return bool(_sessions)


def current() -> Session:
    """The session of this process; outside a kernel one of the working directory."""
    return _sessions[0] if _sessions else Session(Path.cwd())


def pipeline(name: str = "") -> Pipeline:
    """The pipeline that the notebook's step cells mean now.

    Args:
        name: which one, where there are several.

    Raises:
        InvalidPipeline: with every problem of every step.
        UsageError: the notebook declares no step.

    Example:
        ``nbpipe.pipeline().plan()["train"].reasons``
    """
    return current().pipeline(name)
