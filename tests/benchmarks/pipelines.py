"""One pipeline of small scripts, declared for each contender in its own way, in a folder of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tests.benchmarks.frame import PYTHON, Contender, program

NBPIPE = Path(PYTHON).with_name("nbpipe")
DOIT = Path(PYTHON).with_name("doit")

Shape = Literal["fan", "chain", "gathered"]
"""Side by side; one after another; side by side, and a last one that reads what all of them wrote."""

_SCRIPT = {
    "fan": "step = {n}\n",
    "chain": "step = {n}\n",
    "gathered": "import sys\nopen(sys.argv[1], 'w').write('{n}')\n",
}

_DODO = {
    "fan": """\
def task_step():
    for n in range({count}):
        script = f"steps/s{{n}}/step.py"
        yield {{"name": str(n), "file_dep": [script], "actions": [["{python}", script]]}}
""",
    "chain": """\
def task_step():
    for n in range({count}):
        script = f"steps/s{{n}}/step.py"
        before = [f"step:{{n - 1}}"] if n else []
        yield {{"name": str(n), "file_dep": [script], "actions": [["{python}", script]], "task_dep": before}}
""",
    "gathered": """\
def task_step():
    for n in range({count}):
        script, out = f"steps/s{{n}}/step.py", f"out{{n}}"
        yield {{
            "name": str(n), "file_dep": [script], "targets": [out], "actions": [["{python}", script, out]],
        }}

def task_last():
    made = [f"out{{n}}" for n in range({count})]
    return {{"file_dep": ["steps/last/step.py", *made], "actions": [["{python}", "steps/last/step.py", *made]]}}
""",
}

_PIPELINE = {
    "fan": """\
from nbpipe import Pipeline, PythonScriptStep, Workspace
steps = [
    PythonScriptStep("step.py", name=f"s{{n}}", source_directory=f"steps/s{{n}}") for n in range({count})
]
pipeline = Pipeline(Workspace("."), steps)
""",
    "chain": """\
from nbpipe import Pipeline, PythonScriptStep, StepSequence, Workspace
steps = [
    PythonScriptStep("step.py", name=f"s{{n}}", source_directory=f"steps/s{{n}}") for n in range({count})
]
pipeline = Pipeline(Workspace("."), StepSequence(steps))
""",
    "gathered": """\
from nbpipe import Pipeline, PipelineData, PythonScriptStep, Workspace
made = [PipelineData(f"out{{n}}") for n in range({count})]
steps = [
    PythonScriptStep(
        "step.py", name=f"s{{n}}", source_directory=f"steps/s{{n}}", arguments=[made[n]], outputs=[made[n]]
    )
    for n in range({count})
]
last = PythonScriptStep(
    "step.py", name="last", source_directory="steps/last", arguments=made, inputs=made
)
pipeline = Pipeline(Workspace("."), [*steps, last])
""",
}


class Pipelines:
    """Scripts that do next to nothing, and their declarations for xargs, doit and nbpipe.

    Args:
        folder: where the contenders' folders are made.
        count: scripts.
        shape: how they hang together.
        jobs: scripts at once.
    """

    def __init__(self, folder: Path, count: int, shape: Shape = "fan", jobs: int = 2) -> None:
        self.bare, self.doit, self.nbpipe = (folder / name for name in ("bare", "doit", "nbpipe"))
        self.jobs = 1 if shape == "chain" else jobs
        for place in (self.bare, self.doit, self.nbpipe):
            for number in range(count):  # no two equal: those would be one result
                write_script(place, f"s{number}", _SCRIPT[shape].format(n=number))
            if shape == "gathered":
                write_script(place, "last", "pass\n")
        (self.doit / "dodo.py").write_text(_DODO[shape].format(count=count, python=PYTHON))
        (self.nbpipe / "pipeline.py").write_text(_PIPELINE[shape].format(count=count))
        (self.bare / "scripts").write_text("".join(f"steps/s{number}/step.py\n" for number in range(count)))

    def forget(self) -> None:
        """Have doit and nbpipe forget everything, so that the next run is the first."""
        forget_doit(self.doit)
        forget_nbpipe(self.nbpipe)

    def remember(self) -> None:
        """Run everything once, and let the files grow old: what was just written is not trusted to hold still."""
        age(self.doit)
        age(self.nbpipe)
        self.with_doit().run()
        self.with_nbpipe().run()

    def with_xargs(self) -> Contender:
        """An interpreter a script, so many at once, and nothing else."""
        words = ["xargs", f"-P{self.jobs}", "-n1", "-a", "scripts", PYTHON]
        return Contender("xargs", program(words, self.bare))

    def with_doit(self, prepare: Callable[[], object] = lambda: None) -> Contender:
        """The fastest peer found."""
        number = [] if self.jobs == 1 else ["-n", str(self.jobs)]
        return Contender("doit", program([DOIT, *number], self.doit), prepare)

    def with_nbpipe(self, verb: str = "run", prepare: Callable[[], object] = lambda: None) -> Contender:
        """Its command, in a fresh process."""
        words = [NBPIPE, verb, "--jobs", str(self.jobs), "pipeline.py"]
        return Contender(f"nbpipe {verb}", program(words, self.nbpipe), prepare)


def write_script(place: Path, step: str, text: str) -> None:
    """Write the script of one step."""
    script = place / "steps" / step / "step.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(text)


def forget_doit(folder: Path) -> None:
    """Remove what doit remembers of a folder."""
    for path in folder.glob(".doit.db*"):
        path.unlink()


def forget_nbpipe(folder: Path) -> None:
    """Remove what nbpipe remembers of a folder."""
    shutil.rmtree(folder / ".nbpipe", ignore_errors=True)


def age(place: Path, seconds: float = 60.0) -> None:
    """Make every file of a folder look written a while ago."""
    for folder, _, names in os.walk(place):
        for name in names:
            path = Path(folder, name)
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))
