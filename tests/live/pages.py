"""A notebook's session with its desk, and a page that asks it and hears: real parts, but for the wire between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbpipe.live.desk import Desk
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.session import Registered, Session
from nbpipe.notebook.source import SessionSource
from tests.waiting import eventually

WRITE = "import sys\nopen(sys.argv[-1], 'w').write('made')\n"
"""A script that writes its last argument."""
GATED = """import os, sys, time
print("begun", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
open(sys.argv[-1], "w").write("made")
"""
"""A script that waits for the file that its first argument names."""


class Page:
    """A page: what it was told, in order, and the cards that it has by now."""

    def __init__(self, desk: Desk, view: str = "v") -> None:
        self.desk = desk
        self.view = view
        self.told: list[dict[str, Any]] = []
        self.lost = False
        self.closed = False
        self._asked = 0
        self._lock = threading.Lock()
        self.nodes: dict[str, dict[str, Any]] = {}
        self.head: dict[str, Any] = {}
        self.revision = 0
        self.gaps = 0

    def send(self, message: dict[str, Any]) -> None:
        """Hear a message of the kernel, on whatever thread it comes."""
        if self.closed:
            raise OSError("the page is gone")
        with self._lock:
            self.told.append(message)
            if message["type"] == "graph":
                self.revision, self.head = message["revision"], message["head"]
                self.nodes = {each["id"]: each for each in message["nodes"]}
            elif message["type"] == "patch":
                self.gaps += message["revision"] != self.revision + 1
                self.revision = message["revision"]
                self.head = message["head"] or self.head
                self.nodes |= {each["id"]: each for each in message["nodes"]}

    def close(self) -> None:
        self.closed = True

    def ask(self, verb: str, **args: Any) -> str:
        """Ask the kernel; the id of the request."""
        self._asked += 1
        name = f"{self.view}-{self._asked}"
        request = {"type": "request", "id": name, "view": self.view, "verb": verb, "args": args}
        self.desk.receive(self, request)
        return name

    def answer(self, verb: str, **args: Any) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        name = self.ask(verb, **args)
        return eventually(
            lambda: next(
                (each for each in list(self.told) if each["type"] == "answer" and each["id"] == name), None
            )
        )

    def value(self, verb: str, **args: Any) -> Any:
        """Ask, and wait for an answer that is no error."""
        answer = self.answer(verb, **args)
        assert answer["error"] is None, answer["error"]
        return answer["value"]

    def subscribe(self, **args: Any) -> Page:
        """Show a pipeline, and wait for its graph."""
        before = self.revision
        self.value("subscribe", **args)
        eventually(lambda: self.revision > before)
        return self

    def statuses(self) -> dict[str, str]:
        """Step -> its word."""
        with self._lock:
            return {name: each["status"] for name, each in self.nodes.items()}

    def sees(self, **statuses: str) -> None:
        """Wait until steps have these words."""
        eventually(lambda: statuses.items() <= self.statuses().items())

    def count(self, *types: str) -> int:
        """How many messages of some types it was told."""
        return sum(each["type"] in types for each in list(self.told))


class Notebook:
    """A notebook's session, its desk and its pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace: dict[str, Any] = {}
        self.session = Session(folder, self.namespace)
        self.desk = self._desk()

    def _desk(self) -> Desk:
        desk = Desk(SessionSource(self.session), "0")
        self.session.changed, self.session.started = desk.changed, desk.started
        return desk

    def restart(self) -> None:
        """A kernel of its own again: what is not on disk is gone."""
        self.desk.close()
        self.namespace = {}
        self.session = Session(self.folder, self.namespace)
        self.desk = self._desk()

    def cell(self, line: str, body: str = WRITE, cell: str = "") -> None:
        """Run a step cell."""
        self.declare(line, body, cell)
        self.session.save("pipeline")

    def declare(self, line: str, body: str = WRITE, cell: str = "") -> Registered:
        """Register the step of a cell, and tell nobody."""
        name = cell or line.split(maxsplit=1)[0]
        return self.session.declare(line, body, "step", Cell(name, f"cell {name}", 2, "d1"))

    def ordinary_cell(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Run a cell that is no step."""
        change(self.namespace)
        self.desk.cell_ended()

    def page(self, view: str = "v") -> Page:
        """Open a page."""
        return Page(self.desk, view)

    def stop_all(self) -> None:
        """End what still runs."""
        self.desk.close()
        for run in self.session.workspace.runs():
            if run.live:
                run.cancel(by="the end of the test")
                eventually(lambda run=run: not run.live)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """A notebook in an empty folder, which is the working directory."""
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.chdir(root)
    made = Notebook(root)
    yield made
    made.stop_all()
