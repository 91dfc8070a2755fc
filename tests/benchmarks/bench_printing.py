"""A million lines of 100 bytes from a step, beside plain Python into a pipe: what kept output costs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.frame import PYTHON, Contender, Goal, Work, program
from tests.benchmarks.pipelines import DOIT, NBPIPE, forget_nbpipe, write_script

_PRINT = "line = 'x' * 99\nfor _ in range(1_000_000):\n    print(line)\n"
_DODO = """\
def task_step():
    return {{"actions": [["{python}", "steps/s/step.py"]], "verbosity": 0}}
"""
_PIPELINE = """\
from nbpipe import Pipeline, PythonScriptStep, Workspace
pipeline = Pipeline(Workspace("."), [PythonScriptStep("step.py", name="s", source_directory="steps/s")])
"""


def works(folder: Path) -> Iterator[Work]:
    """The floor is the script with `cat` behind a pipe; a run that prints nothing is taken off nowhere."""
    write_script(folder, "s", _PRINT)
    (folder / "dodo.py").write_text(_DODO.format(python=PYTHON))
    (folder / "pipeline.py").write_text(_PIPELINE)
    pipe = ["sh", "-c", f"{PYTHON} steps/s/step.py | cat > printed"]
    contenders = [
        Contender("pipe", program(pipe, folder)),
        Contender("doit", program([DOIT], folder)),
        Contender(
            "nbpipe run",
            program([NBPIPE, "run", "--json", "pipeline.py"], folder),
            partial(forget_nbpipe, folder),
        ),
    ]
    goals = [Goal("nbpipe run", 1.5, "pipe", "cpu"), Goal("nbpipe run", 64e6, figure="peak")]
    yield Work("1,000,000 lines of 100 bytes", contenders, goals)
