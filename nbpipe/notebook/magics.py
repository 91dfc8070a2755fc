"""The magics: step and module cells, and ``%pipeline`` with its verbs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from IPython.core.magic import no_var_expand

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.validation import close_to
from nbpipe.errors import InvalidPipeline, NbpipeError, UsageError
from nbpipe.notebook.live import show_run
from nbpipe.notebook.magic_line import MODULE_MAGIC, STEP_MAGICS
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.session import Registered, Session, declaring
from nbpipe.notebook.verb_line import Verb, option_lines
from nbpipe.notebook.verbs import SHOW, VERBS, carry_out
from nbpipe.views.status import look

_PLACEHOLDERS = {
    "{name}": "reads an output of a step, or a variable of the notebook",
    "{step.output}": "the same, where two steps share an output's name",
    "{./data/x.csv}": "reads a file or folder, by content",
    "{>clean.csv}": "writes a file; consumers say {clean}",
    "{>clean/}": "writes a folder, made in advance",
    "{>clean}": "writes a file or a folder",
    "{{x}}": "the text {x}; other braces stand for themselves",
}
_STEP_LINES = (
    "Make this cell a step: a script of its own, with its command line.",
    "",
    "Usage:  %%pipeline_step [OPTIONS] SCRIPT [the script's own command line]",
    "",
    *(f"  {form:<28} {meaning}" for form, meaning in _PLACEHOLDERS.items()),
    *option_lines(OPTIONS),
    "",
    "Example:  %%pipeline_step train.py --data {clean} --lr {lr} --out {>model/}",
)
STEP_HELP = "\n".join(_STEP_LINES)
MODULE_HELP = """Write this cell to a module beside the notebook, for steps and the notebook to import.

Usage:  %%pipeline_module FILE.py [--overwrite]"""


def magics_of(session: Session) -> dict[tuple[str, str], Callable[..., Any]]:
    """Every magic of a session: ``(kind, name)`` -> function, with its help as docstring."""
    found: dict[tuple[str, str], Callable[..., Any]] = {
        ("cell", name): _step_magic(session, name) for name in STEP_MAGICS
    }
    found["cell", MODULE_MAGIC] = _module_magic(session)
    found["line", "pipeline"] = _pipeline_magic(session)
    for name, verb in VERBS.items():
        found["line", f"pipeline_{name}"] = _verb_magic(session, name, verb)
    return found


def _step_magic(session: Session, name: str) -> Callable[..., Any]:
    @no_var_expand
    def pipeline_step(line: str, cell: str) -> Any:
        registered = session.declare(line, cell, name)
        if declaring():
            return None
        made = session.bound(registered.declaration.pipeline)
        try:
            told = step_line(session, registered, made)
        finally:
            session.changed()  # views show the plan that the line is taken from, and wait for nothing else
            session.keep()
        print("\n  ".join((told, *registered.notes)))
        if not registered.declaration.line.run:
            return None
        if isinstance(made, InvalidPipeline):
            raise made
        return show_run(session.submit(made, steps=[registered.declaration.name]))

    pipeline_step.__doc__ = STEP_HELP
    return pipeline_step


def step_line(session: Session, registered: Registered, made: Pipeline | InvalidPipeline) -> str:
    """The one line that a step cell prints: ``+ train · new: never run · steps/train/train.py``."""
    name = registered.declaration.name
    status, why = "blocked", ""
    if isinstance(made, InvalidPipeline):
        own = [problem for problem in made.problems if problem.step == name]
        why = (own or made.problems)[0].fact
    else:
        try:
            step = session.plans.after_edit(made, name)[name]
            status, why = step.status, step.why
        except NbpipeError as error:
            why = error.fact
    return f"{look(status).glyph} {name} · {status}{f': {why}' if why else ''} · {registered.file}"


def _module_magic(session: Session) -> Callable[..., Any]:
    @no_var_expand
    def pipeline_module(line: str, cell: str) -> None:
        path = session.write_module(line, cell)
        _reload(path)
        if not declaring():
            print(f"{session.files.shown(path)} is written; steps that import it take it along.")

    pipeline_module.__doc__ = MODULE_HELP
    return pipeline_module


def _reload(path: Path) -> None:
    """Let the notebook's next import see the module as it is now, and reload it where it is imported already.

    The compiled file is removed: within one second an edit of equal length would pass for the old text.
    """
    with suppress(OSError, NotImplementedError):
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    importlib.invalidate_caches()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and Path(file).absolute() == path.absolute():
            importlib.reload(module)


def _pipeline_magic(session: Session) -> Callable[..., Any]:
    @no_var_expand
    def pipeline(line: str) -> Any:
        name, _, rest = line.strip().partition(" ")
        if not name or name.startswith("-"):
            return carry_out(session, "", line)
        if name not in VERBS:
            meant = close_to(name, VERBS)
            hint = f" Did you mean  %pipeline {meant}  ?" if meant else ""
            raise UsageError(f"No verb {name}.{hint}", remedy=f"Verbs: {', '.join(VERBS)}")
        return carry_out(session, name, rest)

    verbs = [f"  {verb.usage(name).split(' [--')[0]:<28} {verb.meaning}" for name, verb in VERBS.items()]
    pipeline.__doc__ = "\n".join([SHOW.help(""), "", "Verbs, as  %pipeline VERB  too:", "", *verbs])
    return pipeline


def _verb_magic(session: Session, name: str, verb: Verb) -> Callable[..., Any]:
    @no_var_expand
    def magic(line: str) -> Any:
        return carry_out(session, name, line)

    magic.__name__ = f"pipeline_{name}"
    magic.__doc__ = verb.help(name)
    return magic
