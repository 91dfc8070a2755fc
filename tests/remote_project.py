"""A small project whose steps may run on another machine, for tests of every kind of target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbpipe import ComputeTarget, Dataset, Pipeline, PipelineData, PythonScriptStep, Workspace
from nbpipe.core.events import StepMoved
from nbpipe.run import PipelineRun

PREP = """
import sys
rows = open(sys.argv[1]).read().splitlines()
open(sys.argv[2], "w").write("\\n".join(sorted(rows)))
print("prepared", len(rows))
"""
TRAIN = """
import os, sys
from nbpipe import Run
run = Run.get_context()
run.log("rows", len(open(sys.argv[1]).read().splitlines()))
os.makedirs("outputs", exist_ok=True)
open("outputs/report.txt", "w").write("fine")
open(os.path.join(sys.argv[2], "model.txt"), "w").write(open(sys.argv[1]).read()[::-1])
print("trained")
"""
SLOW = """
import os, sys, time
open(sys.argv[2] + ".started", "a").write("x")
for number in range(2000):
    print(number, flush=True)
    if os.path.exists(sys.argv[2]): break
    time.sleep(0.01)
open(sys.argv[1], "w").write("made")
"""


class Project:
    """A workspace with two steps and one slow one; `box` is the target they may go to.

    Args:
        folder: the workspace.
        attach: makes the target, called ``box``.
    """

    def __init__(self, folder: Path, attach: Callable[[Workspace], ComputeTarget]) -> None:
        self.folder = folder
        self.ws = Workspace(folder)
        (folder / "raw.csv").write_text("b,2\na,1\n")
        for name, text in (("prep", PREP), ("train", TRAIN), ("slow", SLOW)):
            (folder / name).mkdir()
            (folder / name / f"{name}.py").write_text(text)
        self.box = attach(self.ws)

    def pipeline(self, target: str | None = None) -> Pipeline:
        raw = Dataset.File.from_files(str(self.folder / "raw.csv")).as_named_input("raw").as_mount()
        clean, model = PipelineData("clean"), PipelineData("model", is_directory=True)
        prep = PythonScriptStep(
            "prep.py", "prep", [raw, clean], inputs=[raw], outputs=[clean], source_directory="prep",
            compute_target=target,
        )  # fmt: skip
        train = PythonScriptStep(
            "train.py", "train", [clean, model], inputs=[clean], outputs=[model], source_directory="train",
            compute_target=target,
        )  # fmt: skip
        return Pipeline(self.ws, [prep, train], name="demo")

    def slow(self, flag: Path) -> Pipeline:
        made = PipelineData("made")
        step = PythonScriptStep(
            "slow.py",
            "slow",
            [made, str(flag)],
            outputs=[made],
            source_directory="slow",
            compute_target="box",
        )
        return Pipeline(self.ws, [step], name="slow")

    def run(self, pipeline: Pipeline, **options: Any) -> PipelineRun:
        run = self.ws.submit(pipeline, **options)
        run.wait_for_completion(show_output=False, raise_on_error=False)
        return run


def digests(run: PipelineRun) -> dict[str, str]:
    return {
        f"{step.name}.{name}": output.digest
        for step in run.get_steps()
        for name, output in step.get_outputs().items()
    }


def phases(run: PipelineRun, step: str) -> list[str]:
    story = (event for event in run.step(step).state.events if isinstance(event, StepMoved))
    return list(dict.fromkeys(event.phase for event in story))
