"""Where the files of a run lie: one class that the runner writes by and everybody reads by."""

from __future__ import annotations

import re
from pathlib import Path

GRAPH_FILE = "graph.json"


class RunFolder:
    """The folder of one run, ``.nbpipe/runs/<id>/``.

    ``graph.json`` is what was frozen at submit, ``events.jsonl`` what happened, ``lock`` is held by the live runner,
    ``requests/`` takes what others ask of it, ``steps/<n>-<name>/<attempt>/`` holds each attempt's logs.

    Args:
        path: the folder; nothing is made here.

    Example:
        >>> RunFolder(Path("runs/7")).attempt(0, "train <1>", 2).as_posix()
        'runs/7/steps/1-train-1/2'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def graph(self) -> Path:
        """What was frozen at submit."""
        return self.path / GRAPH_FILE

    @property
    def events(self) -> Path:
        """One JSON line an event."""
        return self.path / "events.jsonl"

    @property
    def lock(self) -> Path:
        """Held by the runner while it lives."""
        return self.path / "lock"

    @property
    def requests(self) -> Path:
        """One JSON file a request to the runner."""
        return self.path / "requests"

    @property
    def runtime(self) -> Path:
        """What a step's interpreter without nbpipe imports from, while the run goes on."""
        return self.path / "runtime.zip"

    @property
    def runner_log(self) -> Path:
        """What the runner itself wrote to its standard error: empty unless it broke."""
        return self.path / "runner.log"

    def step(self, position: int, node_id: str) -> Path:
        """Folder of a step: numbered, so that any name is safe, and readable."""
        slug = re.sub(r"[^A-Za-z0-9_.]+", "-", node_id).strip("-.")[:40]
        return self.path / "steps" / f"{position + 1}-{slug}".rstrip("-")

    def attempt(self, position: int, node_id: str, attempt: int) -> Path:
        """Folder of one attempt at a step."""
        return self.step(position, node_id) / str(attempt)
