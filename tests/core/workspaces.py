"""The least workspace that a pipeline can be built in, and steps in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbpipe.core.data import PipelineData
from nbpipe.core.graph import Node
from nbpipe.core.step import PythonScriptStep


class BareWorkspace:
    """Compute targets by name, and the scripts that are missing; plans and runs nothing."""

    def __init__(self, targets: Mapping[str, Any] | None = None, missing: tuple[str, ...] = ()) -> None:
        self.compute_targets = targets or {"local": None}
        self.missing = missing
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def script_problem(self, node: Node) -> str:
        return f"no script {node.script}" if node.script in self.missing else ""

    def plan(self, pipeline: Any, **options: Any) -> str:
        self.asked.append(("plan", options))
        return "the plan"

    def submit(self, pipeline: Any, experiment_name: str, **options: Any) -> str:
        self.asked.append((experiment_name, options))
        return "the run"


def data(name: str, **options: Any) -> PipelineData:
    return PipelineData(name, **options)


def step(
    name: str, *, reads: list[Any] | None = None, writes: list[Any] | None = None, **options: Any
) -> PythonScriptStep:
    """A step that reads and writes data; its arguments name all of them."""
    arguments = [*options.pop("arguments", ()), *(reads or ()), *(writes or ())]
    return PythonScriptStep(
        f"{name}.py", name=name, arguments=arguments, inputs=reads or [], outputs=writes or [], **options
    )


def shown(node: Node) -> list[str]:
    """The command line as people read it."""
    return ["".join(map(str, word)) for word in node.arguments]
