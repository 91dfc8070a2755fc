"""A folder with a pipeline in a Python file, and the command ``nbpipe`` as a process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbpipe.workspace import Workspace
from tests.waiting import eventually

PIPELINE = """\
from nbpipe import Pipeline, PipelineData, PipelineParameter, PythonScriptStep, Workspace

clean, lr = PipelineData("clean"), PipelineParameter("lr", 0.1)
prep = PythonScriptStep("prep.py", "prep", [clean], outputs=[clean], source_directory="prep")
train = PythonScriptStep("train.py", "train", [clean, "--lr", lr], inputs=[clean], source_directory="train")
pipeline = Pipeline(Workspace.open("."), steps=[train])
"""
PREP = "import sys\nopen(sys.argv[1], 'w').write('a')\nprint('prepared')\n"
TRAIN = "import sys\nprint('trained with', sys.argv[3])\nprint('a remark', file=sys.stderr)\n"


class Terminal:
    """A project folder, and what one types in a terminal that stands in it.

    Args:
        folder: the project.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def workspace(self) -> Workspace:
        """The project's workspace, as a new process sees it."""
        return Workspace(self.folder)

    def write(self, name: str, text: str) -> Path:
        """A file in the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def start(self, *words: str, cwd: Path | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start ``nbpipe``."""
        command = [sys.executable, "-m", "nbpipe.cli.main", *words]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=cwd or self.folder, text=True, **{**pipes, **options})

    def type(self, *words: str, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run ``nbpipe`` to its end."""
        process = self.start(*words, cwd=cwd, **options)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words: str) -> list[dict[str, Any]]:
        """What ``nbpipe ... --json`` prints, one object a line."""
        return [json.loads(line) for line in self.type(*words, "--json").stdout.splitlines()]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A project with two steps, ``prep`` and ``train``, which is the working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    terminal = Terminal(folder)
    terminal.write("pipeline.py", PIPELINE)
    terminal.write("prep/prep.py", PREP)
    terminal.write("train/train.py", TRAIN)
    yield terminal
    for run in terminal.workspace.runs():
        if run.live:
            run.cancel(by="the end of the test")
            eventually(lambda run=run: not run.live)
    shutil.rmtree(folder / ".nbpipe", ignore_errors=True)
