"""Real pipelines in a folder: scripts written to disk, steps in one line each, and what became of a run as a story."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbpipe.core.argument import Joined, flat
from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.events import StepBlocked
from nbpipe.core.node import CellSource
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.core.step import PythonScriptStep
from nbpipe.run import PipelineRun, StepRun
from nbpipe.workspace import Workspace
from tests.waiting import eventually

COPY = """\
import sys
text = "".join(open(path).read() for path in sys.argv[1:-1])
open(sys.argv[-1], "w").write(text)
"""
"""A script that writes all it reads into its last argument."""

_BRACES = re.compile(r"(\{[^{}]*\})")
_RESOURCES = ("timeout", "retries", "gpus", "memory")
_SETTINGS = ("environment_variables", "inherited_variables", "secret_variables", "node_count")

Story = list[tuple[str, str, str]]


class Project:
    """A folder with scripts, data and a workspace; the working directory of the test that has it.

    A command line is written as on a magic line: ``{>clean.csv}`` writes, ``{>model/}`` writes a folder, ``{clean}``
    reads what a step writes or takes the parameter of that name, ``{./raw.csv}`` reads a file or folder.

    Example::

        prep = project.cell("prep", COPY, "{./raw.csv} {>clean}")
        project.run(prep, project.cell("train", COPY, "{clean} {>model}"))
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parameters: dict[str, Any] = {}
        self.name = "pipeline"
        self._made: dict[str, PipelineData] = {}

    @property
    def workspace(self) -> Workspace:
        """The workspace as a process that has just begun sees it: nothing is remembered but what lies on disk."""
        return Workspace(self.root)

    def write(self, name: str, text: str | bytes = "") -> Path:
        """A file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)
        return path

    def cell(self, name: str, script: str | None, line: str = "", **options: Any) -> PythonScriptStep:
        """A step whose script comes from a cell; with None for a script that lies there already."""
        file = f"steps/{name}/{name}.py"
        if script is not None:
            self.write(file, script)
        extra = tuple(options.pop("extra", ()))
        step = self._step(f"{name}.py", name, line, options)
        step.source = CellSource(file, ".", extra, options.get("cell", "cell 1"))
        return step

    def folder_step(self, name: str, script: str | None, line: str = "", **options: Any) -> PythonScriptStep:
        """A step whose code is every file of the folder ``src/<name>``, as in Azure ML v1."""
        if script is not None:
            self.write(f"src/{name}/{name}.py", script)
        return self._step(f"{name}.py", name, line, {"source_directory": f"src/{name}", **options})

    def _step(self, script: str, name: str, line: str, options: dict[str, Any]) -> PythonScriptStep:
        options.pop("cell", None)
        runconfig = options.pop("runconfig", None) or RunConfiguration(
            environment=options.pop("environment", None), python=options.pop("python", None)
        )
        for given in _RESOURCES:
            if given in options:
                setattr(runconfig.resources, given, options.pop(given))
        for given in _SETTINGS:
            if given in options:
                setattr(runconfig, given, options.pop(given))
        before = list(self._made.values())
        words = [self._word(word) for word in line.split()]
        data = [each for each in flat(words) if isinstance(each, PipelineData)]
        written = [each for each in data if each not in before]
        read = [each for each in data if each in before]
        inputs, outputs = options.pop("inputs", ()), options.pop("outputs", ())
        return PythonScriptStep(
            script, name, [*words, *options.pop("arguments", ())], inputs=[*read, *inputs],
            outputs=[*written, *outputs], runconfig=runconfig, **options,
        )  # fmt: skip

    def _word(self, word: str) -> Any:
        parts = [
            self._part(part) if _BRACES.fullmatch(part) else part for part in _BRACES.split(word) if part
        ]
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def _part(self, braces: str) -> Any:
        text = braces[1:-1]
        if text.startswith(">"):
            name = Path(text[1:].rstrip("/")).stem
            form = "folder" if text.endswith("/") else "file" if "." in text else None
            data = PipelineData(
                name, is_directory=text.endswith("/"), file_name=text[1:].rstrip("/"), form=form
            )
            self._made[name] = data
            return data
        if text.startswith("."):
            name = re.sub(r"\W", "_", text.strip("./*")) or "data"
            return Dataset.File.from_files(text).as_named_input(name).as_mount()
        if text in self.parameters:
            return PipelineParameter(text, self.parameters[text])
        return self._made[text]

    def pipeline(self, *steps: PythonScriptStep) -> Pipeline:
        """The steps as a pipeline."""
        return Pipeline(self.workspace, list(steps), name=self.name)

    def plan(self, *steps: PythonScriptStep, **options: Any) -> Plan:
        """What would happen to the steps now."""
        return self.pipeline(*steps).plan(**options)

    def submit(self, *steps: PythonScriptStep, **options: Any) -> PipelineRun:
        """Start a run."""
        run = self.pipeline(*steps).submit("demo", **options)
        assert isinstance(run, PipelineRun)
        return run

    def run(self, *steps: PythonScriptStep, **options: Any) -> PipelineRun:
        """Start a run and wait for its end, good or bad."""
        run = self.submit(*steps, **options)
        run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False)
        return run

    def text(self, run: PipelineRun, step: str, output: str) -> str:
        """What a step wrote into one of its outputs."""
        return run.step(step).get_output(output).path.read_text("utf-8")

    def stop_all(self) -> None:
        """End what still runs, so that nothing writes into a folder that is about to go."""
        for run in self.workspace.runs():
            if run.live:
                run.cancel(by="the end of the test")
                eventually(lambda run=run: not run.live)


def planned(plan: Plan) -> Story:
    """A plan as a list to compare whole: node, word, every reason."""
    return [(step.node_id, step.status, "; ".join(map(str, step.reasons))) for step in plan]


def story(run: PipelineRun) -> Story:
    """What became of a run's steps as a list to compare whole: node, word, why."""
    return [(step.node_id, step.status, _why(step)) for step in run.get_steps()]


def words(run: PipelineRun) -> dict[str, str]:
    """The word of every step."""
    return {step.node_id: step.status for step in run.get_steps()}


def _why(step: StepRun) -> str:
    last = step.state.last
    if step.reused:
        return f"run {step.reused_run}"
    if isinstance(last, StepBlocked):
        return last.because
    if step.failure:
        return step.failure.message
    return step.stopped_by or "; ".join(map(str, step.reasons))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project, which is the working directory."""
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.chdir(root)
    made = Project(root)
    yield made
    made.stop_all()
    shutil.rmtree(root / ".nbpipe", ignore_errors=True)
