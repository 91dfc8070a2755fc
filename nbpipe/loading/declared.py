"""What a notebook or script declared, told by the process that ran it to the one that wants the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from nbpipe import errors
from nbpipe.core.graph import Graph
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.record import dataclass
from nbpipe.errors import InvalidPipeline, NbpipeError, Problem, UsageError

LEFT_OUT = "A result is asked for while the notebook is only read for its steps."
"""Fact of the error by which a cell ends that waits for a run: the loader leaves the rest of that cell out."""


@dataclass(frozen=True)
class Declared:
    """A pipeline that the cells of a notebook declare.

    Attributes:
        pipeline: the pipeline.
        names_elsewhere, imports_elsewhere: names of the notebook's other cells, for advice.
    """

    pipeline: Pipeline
    names_elsewhere: Mapping[str, str] = field(default_factory=dict)
    imports_elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """A declared pipeline as another process gets it.

    Attributes:
        variable: name of the variable that holds it, or empty.
        root: its workspace's folder.
        graph: its steps; paths are relative to ``root``.
        python: interpreter that ran the declaration.
        names_elsewhere, imports_elsewhere: as in ``Declared``.
    """

    variable: str
    root: Path
    graph: Graph
    python: str
    names_elsewhere: Mapping[str, str]
    imports_elsewhere: Mapping[str, str]

    @property
    def called(self) -> str:
        """What a user calls it: its variable, else its name."""
        return self.variable or self.graph.name


_find: Callable[[], Iterable[Declared]] | None = None


def offer(find: Callable[[], Iterable[Declared]]) -> None:
    """Say how the pipelines that cells declare are found; a later call replaces an earlier one.

    Args:
        find: gives every pipeline that has step cells; may raise any ``NbpipeError``.
    """
    global _find  # noqa: PLW0603 - a process runs one notebook
    _find = find


def pipelines_in(namespace: Mapping[str, Any]) -> dict[str, Pipeline]:
    """The pipelines among variables: the one called ``pipeline``, else each once, under its last name."""
    found = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_")
        and issubclass(type(value), Pipeline)  # a proxy may raise when it is asked
    }
    if "pipeline" in found:
        return {"pipeline": found["pipeline"]}
    return {name: pipeline for pipeline, name in {value: name for name, value in found.items()}.items()}


def only_pipeline(namespace: Mapping[str, Any]) -> Pipeline:
    """The ``Pipeline`` among variables: the one called ``pipeline``, or the only one.

    Raises:
        UsageError: there is none, or there are several.
    """
    found = pipelines_in(namespace)
    if len(found) > 1:
        raise several(found)
    if not found:
        raise UsageError(
            "No Pipeline is declared.", remedy="Leave one in a variable:  pipeline = Pipeline(ws, steps)"
        )
    return next(iter(found.values()))


def several(names: Collection[str]) -> UsageError:
    """The error of a file that declares more pipelines than one and does not say which is meant."""
    listed = ", ".join(sorted(names))
    remedy = f"Say which:  --pipeline {min(names)}   or call the one that is meant:  pipeline = ..."
    return UsageError(f"Several pipelines: {listed}.", remedy=remedy)


def write_report(path: str, namespace: Mapping[str, Any], python: str) -> None:
    """Write what was declared as JSON, for ``read_report``; runs in the process of the notebook or script.

    Args:
        path: file to write.
        namespace: variables at the end.
        python: this process's interpreter.
    """
    Path(path).write_text(json.dumps(_report(namespace, python)), "utf-8")


def _report(namespace: Mapping[str, Any], python: str) -> dict[str, Any]:
    try:
        declared = [("", each) for each in _find()] if _find else []
        if not declared:
            declared = [(name, Declared(pipeline)) for name, pipeline in pipelines_in(namespace).items()]
        return {"python": python, "declared": [_to_json(name, each) for name, each in declared]}
    except NbpipeError as error:
        return {"error": error_to_json(error)}


def _to_json(variable: str, declared: Declared) -> dict[str, Any]:
    workspace: Any = declared.pipeline.workspace
    return {
        "variable": variable,
        "root": str(workspace.root),
        "graph": workspace.graph_of(declared.pipeline).to_json(),
        "names_elsewhere": dict(declared.names_elsewhere),
        "imports_elsewhere": dict(declared.imports_elsewhere),
    }


def error_to_json(error: NbpipeError) -> dict[str, Any]:
    """An error of nbpipe's own as a JSON object, problems and all."""
    problems = [asdict(problem) for problem in getattr(error, "problems", ())]
    told = {"fact": error.fact, "place": error.place, "remedy": error.remedy}
    return {"type": type(error).__name__, **told, "problems": problems}


def error_from_json(data: Mapping[str, Any]) -> NbpipeError:
    """The error that ``error_to_json`` wrote.

    Example:
        >>> error_from_json(error_to_json(UsageError("No steps yet.", remedy="Write one.")))
        UsageError('No steps yet.')
    """
    if data["problems"]:
        return InvalidPipeline(Problem(**problem) for problem in data["problems"])
    kind = getattr(errors, str(data["type"]), NbpipeError)
    made: NbpipeError = kind(data["fact"], place=data["place"], remedy=data["remedy"])
    return made


def read_report(path: Path) -> list[Told]:
    """What another process declared.

    Raises:
        NbpipeError: what that process raised of nbpipe's own.
    """
    data = json.loads(path.read_text("utf-8"))
    if "error" in data:
        raise error_from_json(data["error"])
    return [
        Told(
            each["variable"],
            Path(each["root"]),
            Graph.from_json(each["graph"]),
            data["python"],
            each["names_elsewhere"],
            each["imports_elsewhere"],
        )
        for each in data["declared"]
    ]
