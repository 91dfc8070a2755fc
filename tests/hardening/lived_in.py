"""A workspace that has been lived in: every kind of state file is there, and what a run must give is known."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil

from nbpipe.cli.main import main
from nbpipe.core.node import Node
from nbpipe.errors import NbpipeError
from nbpipe.execution.requests import Request, leave_request
from nbpipe.loading.graph_file import save_graph
from nbpipe.notebook.restore import restore
from nbpipe.notebook.session import Session
from nbpipe.run import PipelineRun, StepRun
from nbpipe.workspace import Workspace

CELLS = {
    "prep.py {./raw.csv} {>clean.csv}": """\
import os
import sys

import nbpipe

from helper import shout

run = nbpipe.Run.get_context()
run.log("rows", 3)
run.tag("kind", "birds")
run.parent.tag("whole", "yes")
with open("outputs/note.txt", "w") as note:
    note.write("kept")
print("prepared", file=sys.stderr)
open(sys.argv[2], "w").write(shout(open(sys.argv[1]).read()))
""",
    "model.py {clean} {lr} {>model/}": """\
import os
import sys

folder = sys.argv[3]
os.makedirs(folder + "/deep/er")
open(folder + "/deep/er/weights", "w").write(open(sys.argv[1]).read() * 2)
os.symlink("deep/er/weights", folder + "/newest")
print("trained with", sys.argv[2])
""",
    "report.py {model} {>report.txt}": """\
import sys

text = open(sys.argv[1] + "/newest").read()
print("reported")
open(sys.argv[2], "w").write("report of " + text)
""",
}
HELPER = "def shout(text):\n    return text.upper()\n"
RAW = "species,island\nadelie,biscoe\ngentoo,dream\n"
REPORT = "report of " + RAW.upper() * 2
PATIENCE = 60
"""Seconds after which something hangs; none takes two."""


class Hang(BaseException):
    """Nobody came back in time, so nothing may catch this."""


def build(root: Path) -> None:
    """Make the workspace: a notebook's cells, a failed run, one that runs, one that reuses, one with a request."""
    root.mkdir()
    (root / "raw.csv").write_text(RAW)
    (root / "helper.py").write_text(HELPER)
    session = Session(root, {"lr": 0.1})
    _declare(session, report="raise SystemExit('not today')\n")
    _run(session.workspace, session.pipeline().graph)
    _declare(session)
    pipeline = session.pipeline()
    session.save(pipeline.name)
    save_graph(session.workspace.graph_of(pipeline), root, root / "graph.json")
    for _ in range(2):
        run = _run(session.workspace, pipeline.graph)
    assert run.status == "Finished"
    leave_request(run.folder.requests, Request("stop", "report"))
    session.workspace.digests.close()


def _declare(session: Session, report: str = "") -> None:
    """Run the notebook's cells."""
    for number, (line, body) in enumerate(CELLS.items()):
        session.begin_cell(f"%%step {line}\n{body}", f"id{number}", f"cell {number}")
        session.declare(line, report if report and line.startswith("report") else body, "step")


def _run(workspace: Workspace, graph: object) -> PipelineRun:
    run = workspace.submit(graph, "demo", tags={"by": "hand"})
    run.wait_for_completion(show_output=False, timeout_seconds=PATIENCE, raise_on_error=False)
    return run


def copy_of(template: Path, root: Path) -> Path:
    """A workspace to do harm to."""
    shutil.copytree(template, root, symlinks=True)
    return root


@contextlib.contextmanager
def no_hang(seconds: int = PATIENCE) -> Iterator[None]:
    """Raise `Hang` where something waits for ever, as for the other end of a pipe."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "nbpipe.execution.runner" in child.cmdline():
                    child.kill()


def type_words(*words: str) -> tuple[int, str]:
    """What a terminal's command answers in this process: its exit status and all it printed."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = main(words)
    return status, out.buffer.getvalue().decode("utf-8", "replace")


VERBS = [
    ("plan", "graph.json"), ("plan", "graph.json", "--json"), ("runs",), ("runs", "--json"),
    ("explain", "report", "graph.json"), ("logs", "prep"), ("logs", "report", "--run", "1", "--json"),
    ("graph", "graph.json", "--svg", "out.svg"), ("gc", "--keep", "1"), ("doctor",), ("stop",),
]  # fmt: skip
"""Every verb that only looks, as it is typed."""


def look(
    root: Path, chance: random.Random | None = None, verbs: int | None = None
) -> dict[str, tuple[int, str]]:
    """Look at everything as the terminal shows it; an exception here is one that a user would see.

    Args:
        root: the workspace.
        chance, verbs: only so many verbs, by chance; default: all.
    """
    os.chdir(root)
    chosen = chance.sample(VERBS, verbs) if chance and verbs else VERBS
    return {" ".join(words): type_words(*words) for words in chosen}


def look_closely(root: Path) -> None:
    """Look at every run as a notebook shows it, and ask each step for all it has."""
    runs: list[PipelineRun] = []
    with contextlib.suppress(NbpipeError):
        runs = Workspace(root).runs()
    for run in runs:
        with contextlib.suppress(NbpipeError):
            for shown in (run.status, run.tags, run.saved, run.started, run.finished, run.get_metrics()):
                repr(shown)
            run._repr_mimebundle_()
        for node in _nodes(run):
            _ask(StepRun(run, node.node_id))


def _nodes(run: PipelineRun) -> list[Node]:
    with contextlib.suppress(NbpipeError):
        return run.graph.nodes
    return []


def _ask(step: StepRun) -> None:
    questions = [
        lambda: (step.status, step.get_status(), step.reused_run, step.stopped_by, step.failure, step.fingerprint),
        lambda: (step.reasons, step.wall, step.cpu, step.peak_bytes, step.properties, step.tags),
        lambda: [(output.path, output.size) for output in step.get_outputs().values()],
        lambda: step.files,
        lambda: (step.get_metrics(), step.get_stdout_log(), step.get_stderr_log(), step.log.size()),
        lambda: str(step.explain()),
    ]  # fmt: skip
    for question in questions:
        with contextlib.suppress(NbpipeError):
            question()


def in_a_notebook(root: Path) -> None:
    """Look at the notebook's pipeline as a restarted kernel does."""
    session = Session(root, {"lr": 0.1})
    with contextlib.suppress(NbpipeError):
        restore(session)
        session.pipeline()._repr_mimebundle_()


def run_again(root: Path, *options: str) -> tuple[int, str]:
    """Run the pipeline as the terminal does."""
    os.chdir(root)
    return type_words("run", "graph.json", "--json", *options)


def results(root: Path) -> dict[str, object]:
    """What the newest run made, read to the last byte."""
    run = Workspace(root).latest_run()
    assert run is not None
    model = run.step("model").get_output("model").path
    return {
        "clean": run.step("prep").get_output("clean").path.read_text(),
        "model": {
            path.relative_to(model).as_posix(): path.read_text()
            for path in sorted(model.rglob("*"))
            if path.is_file()
        },
        "report": run.step("report").get_output("report").path.read_text(),
    }


REFERENCE = {
    "clean": RAW.upper(),
    "model": {"deep/er/weights": RAW.upper() * 2, "newest": RAW.upper() * 2},
    "report": REPORT,
}
"""What `results` answers, whatever was done to the state, where a run finished."""
