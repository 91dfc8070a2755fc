"""Load a pipeline from a file of any kind that declares one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from nbpipe.core.graph import Graph
from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to
from nbpipe.errors import NotebookError, UnknownName, UsageError
from nbpipe.loading.declared import Told, several
from nbpipe.loading.graph_file import read_graph
from nbpipe.workspace import Workspace

KINDS = (".ipynb", ".py", ".json")
"""Endings of files that declare pipelines: a notebook, a Python file, a saved graph."""
_FORMS = "A pipeline is read from a notebook (.ipynb), a Python file (.py) or a saved graph (.json)."


@dataclass(frozen=True)
class Loaded:
    """A pipeline that was read from a file.

    Attributes:
        path: the file.
        workspace: where it is planned and run.
        graph: its steps; paths are relative to the workspace.
        python: interpreter of steps that name none; None for this one.
        names_elsewhere, imports_elsewhere: names of the notebook's other cells, for advice.
    """

    path: Path
    workspace: Workspace
    graph: Graph
    python: str | None = None
    names_elsewhere: Mapping[str, str] = field(default_factory=dict)
    imports_elsewhere: Mapping[str, str] = field(default_factory=dict)


def load(path: str | Path, pipeline: str = "") -> Loaded:
    """Read a pipeline from a notebook, a Python file or a saved graph.

    Args:
        path: the file, relative to the working directory.
        pipeline: which one, where the file declares several: its name, or that of its variable.

    Raises:
        NotebookError: the file cannot be read, or a cell or line of it fails.
        InvalidPipeline: with every problem of what it declares.
        UsageError: it is of no known kind, or declares no pipeline, or several.

    Example:
        ``load("quickstart.ipynb").graph.nodes``
    """
    path = Path(path)
    if path.suffix not in KINDS:
        raise UsageError(f"{path} is no pipeline.", remedy=_FORMS)
    if not path.is_file():
        raise _no_file(path)
    if path.suffix == ".json":
        workspace = Workspace.find(path.absolute().parent)
        return Loaded(path, workspace, workspace.locate(read_graph(path), workspace.root))
    told = _chosen(path, _declared_by(path), pipeline)
    workspace = Workspace.find(told.root)
    return Loaded(
        path, workspace, workspace.locate(told.graph, told.root), told.python, told.names_elsewhere,
        told.imports_elsewhere,
    )  # fmt: skip


def _no_file(path: Path) -> NotebookError:
    near = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    meant = close_to(path.name, near)
    return NotebookError(
        f"There is no file {path}.{f' Did you mean {path.with_name(meant)}?' if meant else ''}"
    )


def _declared_by(path: Path) -> list[Told]:
    if path.suffix == ".py":
        from nbpipe.loading.script_file import declared_by_script

        return declared_by_script(path)
    from nbpipe.loading.notebook_cells import declared_by_cells

    return declared_by_cells(path)


def _chosen(path: Path, declared: Sequence[Told], name: str) -> Told:
    """The pipeline that is meant: the named one, the only one, else the one called ``pipeline``."""
    if not declared:
        raise UsageError(f"{path.name} declares no step.", remedy=_how_to_declare(path))
    if name:
        found = [each for each in declared if name in (each.called, each.graph.name)]
    else:
        found = [each for each in declared if len(declared) == 1 or each.called == "pipeline"]
    if len(found) == 1:
        return found[0]
    names = [each.called for each in declared]
    if name:
        raise UnknownName(f"{path.name} has no pipeline {name}.", remedy=f"Pipelines: {', '.join(names)}")
    raise several(names)


def _how_to_declare(path: Path) -> str:
    if path.suffix == ".py":
        return "Leave a Pipeline in a variable:  pipeline = Pipeline(workspace, steps=[...])"
    return (
        "Load nbpipe in it, and write a step:\n%load_ext nbpipe\n%%pipeline_step hello.py --out {>hello.txt}"
    )
