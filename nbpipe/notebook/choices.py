"""What exists already and may stand on a magic line: outputs, variables, files, and values of options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from nbpipe.core.environment import RunConfiguration
from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.errors import NbpipeError
from nbpipe.notebook.binding import DATA_TYPES
from nbpipe.notebook.session import Session

PARAMETER_TYPES = (*SIMPLE_TYPES, PipelineParameter)
"""Types of notebook variables that are parameters."""


def outputs(session: Session) -> Iterator[str]:
    """What steps write: ``clean``, or ``prepare.clean`` where two steps share the name."""
    found = [(each.name, output) for each in session.declarations for output in each.outputs]
    for step, output in found:
        shared = sum(other == output for _, other in found) > 1
        yield f"{step}.{output}" if shared else output


def variables(session: Session, types: tuple[type, ...] = (*PARAMETER_TYPES, *DATA_TYPES)) -> Iterator[str]:
    """Variables of the notebook that are of these types."""
    for name, value in list(session.namespace.items()):
        if not name.startswith("_") and isinstance(value, types):
            yield name


def files(session: Session, fragment: str, ending: str = "") -> Iterator[str]:
    """Paths of the notebook's folder that begin as a fragment does.

    Args:
        session: the session.
        fragment: the beginning; without an ending it has to begin with ``.`` or ``/``.
        ending: only files that end like this, and no folders.
    """
    if not ending and not fragment.startswith((".", "/")):
        return
    head, slash, _ = fragment.rpartition("/")
    folder = session.folder / (head + slash)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and not ending:
                yield f"{head}{slash}{entry.name}/"
            elif entry.name.endswith(ending):
                yield f"{head}{slash}{entry.name}"


def runs(session: Session) -> list[str]:
    """Ids of the newest runs."""
    with suppress(NbpipeError, OSError):
        return [run.id for run in session.workspace.runs()[:20]]
    return []


def option_values(session: Session, field: str, fragment: str = "") -> Iterable[str]:
    """Values that an option of the magic line may have.

    Args:
        session: the session.
        field: the field of ``MagicLine`` that the option sets.
        fragment: the beginning of a path.
    """
    values: dict[str, Callable[[], Iterable[str]]] = {
        "name": lambda: [each.name for each in session.declarations],
        "inputs": lambda: [*outputs(session), *variables(session)],
        "params": lambda: variables(session, PARAMETER_TYPES),
        "runconfig": lambda: variables(session, (RunConfiguration,)),
        "compute_target": lambda: session.workspace.compute_targets,
        "pipeline": session.names,
        "env": lambda: os.environ,
        "secret": lambda: os.environ,
        "with_paths": lambda: files(session, fragment),
        "source_directory": lambda: files(session, fragment),
        "python": lambda: files(session, fragment),
    }
    return values.get(field, list)()
