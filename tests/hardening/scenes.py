"""Pipelines that leave a trace of all they do, and what must hold of them whatever was killed."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from nbpipe.core.step import PythonScriptStep
from nbpipe.loading.graph_file import save_graph
from nbpipe.run import PipelineRun
from nbpipe.store.trees import differences
from nbpipe.workspace import Workspace
from tests.projects import Project
from tests.waiting import eventually

SCRIPT = """
import os, sys
from pathlib import Path

def tell(word):
    line = f"{word} NAME {sys.argv[1]} {os.getpid()}\\n".encode()
    fd = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line)
    os.close(fd)

def text(path):
    files = sorted(path.rglob("*.part")) if path.is_dir() else [path]
    return "".join(file.read_text() for file in files)

tell("begin")
if FAILS:
    made = open(LEDGER).read().count(f"begin NAME {sys.argv[1]} ")
    if made % 2:
        raise SystemExit("once more")
whole = f"NAME {sys.argv[1]}\\n" + "".join(text(Path(path)) for path in sys.argv[2:-1])
target = Path(sys.argv[-1])
if target.is_dir():
    for number in range(40):
        (target / f"{number:02}.part").write_text(whole * PART)
else:
    target.write_text(whole)
tell("end")
"""
"""Writes its name and all it reads; tells a ledger outside the workspace that it begins, and that it has ended."""

PART = 400  # copies in each of the forty files of a big output


@dataclass(frozen=True)
class Shape:
    """A pipeline: step -> the steps it reads.

    Attributes:
        reads: as said, in order.
        big: steps that write a folder of forty files.
        fails: steps that fail each first time and are tried again.
    """

    reads: Mapping[str, tuple[str, ...]]
    big: frozenset[str] = frozenset()
    fails: frozenset[str] = frozenset()

    def text(self, step: str, number: int) -> str:
        """What a step must write in a round: the reference."""
        whole = f"{step} {number}\n" + "".join(self.text(other, number) for other in self.reads[step])
        return whole * PART * 40 if step in self.big else whole


SHAPES = {
    "chain": Shape({"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}),
    "diamond": Shape({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}),
    "fan": Shape({"a": (), **{f"b{n}": ("a",) for n in range(4)}, "d": tuple(f"b{n}" for n in range(4))}),
    "big": Shape({"a": (), "b": ("a",), "c": ("b",)}, big=frozenset("b")),
    "retries": Shape({"a": (), "b": ("a",), "c": ("b",)}, fails=frozenset("bc")),
}


class Scene:
    """A project with one pipeline, run in rounds; each round has a number that makes every key new.

    Args:
        project: the project.
        shape: the pipeline.
        ledger: where the steps tell what they do; outside the workspace.
    """

    def __init__(self, project: Project, shape: Shape, ledger: Path | None = None) -> None:
        self.project = project
        self.shape = shape
        self.number = 0
        self.ledger = ledger or project.root.parent / "ledger"
        self.ledger.touch()
        for step in shape.reads:
            told = {
                "NAME": step,
                "LEDGER": repr(str(self.ledger)),
                "FAILS": str(step in shape.fails),
                "PART": str(PART),
            }
            text = SCRIPT
            for word, value in told.items():
                text = text.replace(word, value)
            project.write(f"steps/{step}/{step}.py", text)
        self.begin_round()

    @property
    def root(self) -> Path:
        """The workspace."""
        return self.project.root

    @property
    def graph_file(self) -> Path:
        """The pipeline of this round, for a terminal."""
        return self.root / "graph.json"

    def begin_round(self) -> None:
        """Make every step one that has never run."""
        self.number += 1
        self.project.parameters = {"round": self.number}
        pipeline = self.project.pipeline(*self.steps())
        save_graph(self.project.workspace.graph_of(pipeline), self.root, self.graph_file)

    def steps(self) -> list[PythonScriptStep]:
        """The steps of this round."""
        return [self._step(step, reads) for step, reads in self.shape.reads.items()]

    def _step(self, step: str, reads: tuple[str, ...]) -> PythonScriptStep:
        words = [
            "{round}",
            *(f"{{out_{other}}}" for other in reads),
            f"{{>out_{step}{'/' * (step in self.shape.big)}}}",
        ]
        retries = 2 if step in self.shape.fails else 0
        return self.project.cell(step, None, " ".join(words), retries=retries)

    def submit(self) -> PipelineRun:
        """Start a run from this process."""
        return self.project.submit(*self.steps(), jobs=2)

    def told(self) -> list[tuple[str, str, int, int]]:
        """The ledger: word, step, round, process."""
        lines = (line.split() for line in self.ledger.read_text("utf-8").splitlines())
        return [(word, step, int(number), int(pid)) for word, step, number, pid in lines]

    def begun(self) -> Counter[str]:
        """How often each step of this round has begun."""
        return Counter(
            step for word, step, number, _ in self.told() if (word, number) == ("begin", self.number)
        )

    def working(self) -> list[int]:
        """Processes of steps that are at work."""
        ended = {pid for word, *_, pid in self.told() if word == "end"}
        pids = [pid for word, _, _, pid in self.told() if word == "begin" and pid not in ended]
        return [pid for pid in pids if lives(pid)]

    def runners(self) -> list[int]:
        """Processes that carry runs of this workspace."""
        return [process.pid for process in psutil.process_iter(["cmdline"]) if self._is_runner(process)]

    def _is_runner(self, process: psutil.Process) -> bool:
        words = process.info["cmdline"] or []
        return "nbpipe.execution.runner" in words and str(self.root) in words and lives(process.pid)

    def signs(self) -> int:
        """How far things have come since the first run: files, events, lines of the ledger."""
        runs = self.root / ".nbpipe" / "runs"
        events = sum(path.read_bytes().count(b"\n") for path in runs.glob("*/events.jsonl"))
        return events + len(self.told()) + sum(1 for _ in runs.glob("*/*.json"))

    def made(self) -> Counter[str]:
        """The steps of this round that have a result, by how often they had begun."""
        found: Counter[str] = Counter()
        begun = self.begun()
        for step in self.project.plan(*self.steps()):
            if step.action == "reuse":
                found[step.name] = begun[step.name]
        return found

    def collect(self) -> None:
        """Free what the last two runs do not need."""
        collector = self.project.workspace.collector()
        collector.collect(collector.survey(keep_runs=2))

    def assert_quiet(self) -> None:
        """Nothing of what was killed is alive."""
        eventually(lambda: not self.runners() and not self.steps_alive())

    def steps_alive(self) -> list[int]:
        """Processes of steps that told of themselves and live; a number may be another process's by now."""
        return [pid for pid in {pid for _, _, _, pid in self.told()} if lives(pid) and self._works_here(pid)]

    def _works_here(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(self.root)
        except OSError:
            return False

    def assert_whole(self) -> None:
        """Every result names content that is what it was published as, byte for byte."""
        workspace = Workspace(self.root)
        for key in workspace.results.keys():  # noqa: SIM118 - no dict
            for result in workspace.results.all(key):
                for digest in result.record["outputs"].values():
                    path = workspace.objects.path(digest)
                    manifest = workspace.objects.manifest(digest)
                    tree = path if manifest.kind == "folder" else path.parent
                    assert differences(tree, manifest, {})[0] == []

    def assert_told_truly(self, run: PipelineRun) -> None:
        """What a run that goes on no more says of itself and its steps."""
        eventually(lambda: not run.live)  # a dying process lets go of its memory before its files
        if run.state.finished is None:
            assert run.interrupted or run.state.started is None
            assert run.status == ("Failed" if run.interrupted else "NotStarted")
        began = self.begun()
        for step in run.get_steps():
            assert step.status in {"done", "reused", "failed", "blocked", "cancelled", "waiting"}
            if step.status in ("done", "reused"):
                assert step.get_output(f"out_{step.name}").path.exists()
            assert step.status != "done" or began[step.name]
            assert step.status != "failed" or step.state.attempts
            assert step.status != "waiting" or run.state.finished is None

    def assert_right(self, run: PipelineRun) -> None:
        """A run that finished has what the reference has."""
        assert run.status == "Finished", run.failure()
        for step in self.shape.reads:
            path = run.step(step).get_output(f"out_{step}").path
            files = sorted(path.rglob("*.part")) if path.is_dir() else [path]
            assert "".join(file.read_text("utf-8") for file in files) == self.shape.text(step, self.number)


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


PLAIN = """
    import sys
    from pathlib import Path
    from nbpipe import Workspace
    from nbpipe.loading.graph_file import read_graph
    workspace = Workspace.open(".")
    graph = workspace.locate(read_graph(Path("graph.json")), workspace.root)
    for _ in range(int(sys.argv[1])):
        run = workspace.submit(graph, "plain", jobs=2)
        run.wait_for_completion(show_output=False, raise_on_error=False)
        print(run.id, run.status, flush=True)
"""
"""A notebook's kernel without the notebook: a process that submits and waits, as often as it is told."""


def plain(times: int = 1) -> list[str]:
    """The command of a plain submitting process."""
    return [sys.executable, "-c", textwrap.dedent(PLAIN), str(times)]


def terminal(*words: str) -> list[str]:
    """The command of ``nbpipe ...``."""
    return [sys.executable, "-c", "from nbpipe.cli.main import main; main()", *words]
