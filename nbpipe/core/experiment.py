"""An experiment: a name that groups runs (Azure ML v1's ``Experiment``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Experiment:
    """Submits pipelines under a name.

    Args:
        workspace: where runs go.
        name: the group.

    Example:
        ``Experiment(ws, "penguins").submit(pipeline, tags={"by": "hand"})``
    """

    def __init__(self, workspace: Any, name: str) -> None:
        self.workspace = workspace
        self.name = name

    def submit(self, config: Any, tags: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Start a run of a pipeline; takes what ``Pipeline.submit`` takes."""
        return config.submit(self.name, tags=tags, **options)

    def get_runs(self, tags: Mapping[str, str] | None = None) -> list[Any]:
        """Runs of this experiment, newest first; with ``tags``, those that have them all."""
        wanted = dict(tags or {}).items()
        found = [run for run in self.workspace.runs() if run.experiment_name == self.name]
        return [run for run in found if wanted <= dict(run.tags).items()]

    def __repr__(self) -> str:
        return f"Experiment({self.name!r})"
