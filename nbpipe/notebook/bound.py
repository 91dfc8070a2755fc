"""The pipelines that step cells mean, bound anew only when a cell or a variable that they name is another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.pipeline import Pipeline, PipelineWorkspace
from nbpipe.notebook.binding import Binding
from nbpipe.notebook.declaration import Declaration

Variables = dict[str, tuple[Any, Any]]
"""Name -> the object that a variable holds, and what tells whether a plan would see another value in it."""


def named_variables(steps: Sequence[Declaration], namespace: Mapping[str, Any], folder: Path) -> Variables:
    """The notebook's variables that steps name on their magic lines.

    Args:
        steps: the steps.
        namespace: the notebook's variables.
        folder: the notebook's folder, in which a text may name a file.
    """
    named = dict.fromkeys(name for each in steps for name in each.line.variables)
    return {name: (namespace[name], _figure(namespace[name], folder)) for name in named if name in namespace}


def _figure(value: Any, folder: Path) -> Any:
    if isinstance(value, PipelineParameter):
        value = value.default_value
    if isinstance(value, str):
        return value, _is_there(folder, value)
    return (type(value).__name__, value) if isinstance(value, SIMPLE_TYPES) else id(value)


def _is_there(folder: Path, text: str) -> bool:
    try:
        return (folder / text).exists()
    except (OSError, ValueError):
        return False


class BoundPipelines:
    """The pipelines of a session, as they were bound last."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[list[Declaration], Variables, Pipeline]] = {}
        self._bindings: dict[str, Binding] = {}

    def pipeline(
        self,
        steps: Sequence[Declaration],
        namespace: Mapping[str, Any],
        workspace: PipelineWorkspace,
        *,
        name: str,
        folder: Path,
    ) -> Pipeline:
        """The pipeline that steps mean now; takes and raises what ``bind`` does.

        A run configuration in a variable may be changed in place, so steps that name one are bound each time.
        """
        variables = named_variables(steps, namespace, folder)
        known = self._known.get(name)
        settled = not any(each.line.runconfig for each in steps)
        if known and settled and _same(known[0], steps) and _figures(known[1]) == _figures(variables):
            return known[2]
        binding = self._bindings[name] = Binding(steps, namespace, folder, self._bindings.get(name))
        made = binding.pipeline(workspace, name, known[2] if known else None)
        self._known[name] = (list(steps), variables, made)
        return made


def _figures(variables: Variables) -> dict[str, Any]:
    return {name: figure for name, (_, figure) in variables.items()}


def _same(known: Sequence[Declaration], steps: Sequence[Declaration]) -> bool:
    return len(known) == len(steps) and all(a is b for a, b in zip(known, steps, strict=True))
