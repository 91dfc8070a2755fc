"""Notebooks, terminals and a gc on one workspace at once; workspaces that are moved, copied and left locked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from nbpipe.core.events import StepQueued
from nbpipe.errors import ActivityFailedException
from nbpipe.loading.graph_file import save_graph
from nbpipe.run import PipelineRun
from nbpipe.workspace import Workspace
from tests.hardening.scenes import SHAPES, Scene, lives, terminal
from tests.projects import Project, project, words
from tests.waiting import eventually

__all__ = ["project"]

pytestmark = pytest.mark.runner

QUICK = 12
SLOW = 200
KEPT = 8  # runs that a gc keeps: more than a round has
WORKER = """
    import sys
    from pathlib import Path
    from nbpipe import Workspace
    from nbpipe.errors import NbpipeError
    from nbpipe.loading.graph_file import read_graph
    workspace = Workspace.open(".")
    def collect():
        told = {"freed": 0, "refused": 0}
        for _ in range(30):
            try:
                collector = workspace.collector()
                collector.collect(collector.survey(keep_runs=KEPT))
                told["freed"] += 1
            except NbpipeError as error:
                assert error.fact == "A run is going on, so nothing was removed.", error
                told["refused"] += 1
        return told.values()
    for line in sys.stdin:
        try:
            if line.strip() == "gc":
                print(*collect(), flush=True)
                continue
            graph = workspace.locate(read_graph(Path("graph.json")), workspace.root)
            run = workspace.submit(graph, "many", jobs=2)
            run.wait_for_completion(show_output=False, raise_on_error=False)
            print(run.status, run.id, flush=True)
        except NbpipeError as error:
            print("refused", error.fact, flush=True)
"""
"""A process that has a workspace open all the time, as a notebook's kernel has; it runs or collects when told."""


class Worker:
    """One of several processes that work on a workspace."""

    def __init__(self, root: Path) -> None:
        code = textwrap.dedent(WORKER).replace("KEPT", str(KEPT))
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, verb: str) -> None:
        self._process.stdin.write(verb + "\n")
        self._process.stdin.flush()

    def answer(self) -> list[str]:
        return self._process.stdout.readline().split(maxsplit=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def scene(project: Project) -> Iterator[Scene]:
    made = Scene(project, SHAPES["diamond"])
    yield made
    for pid in made.runners():  # a test that failed in the middle of a run
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not made.steps_alive())


def together(scene: Scene, rounds: int) -> dict[str, int]:
    """Two notebooks, now and then a terminal, and a gc that never rests, on one workspace."""
    seen = {"freed": 0, "refused": 0, "waited": 0}
    with Worker(scene.root) as one, Worker(scene.root) as two, Worker(scene.root) as cleaner:
        for number in range(rounds):
            ids = []
            third = None
            for worker in (one, two):
                worker.ask("run")
            if number % 4 == 0:
                third = subprocess.Popen(
                    terminal("run", "graph.json", "--json"), cwd=scene.root, stdout=subprocess.PIPE
                )
            cleaner.ask("gc")
            for worker in (one, two):
                status, run_id = worker.answer()
                assert status == "Finished", run_id
                ids.append(run_id.strip())
            if third:
                last = json.loads(third.communicate(timeout=60)[0].splitlines()[-1])
                assert last["status"] == "Finished"
                ids.append(last["run"])
            for word, count in zip(("freed", "refused"), cleaner.answer(), strict=True):
                seen[word] += int(count)
            seen["waited"] += check_round(scene, ids)
            scene.begin_round()
    return seen


def check_round(scene: Scene, ids: list[str]) -> int:
    """All finished with the same right content, each step's work was done once; how often one waited for another."""
    assert len(set(ids)) == len(ids)
    assert dict(scene.begun()) == dict.fromkeys(scene.shape.reads, 1)
    runs = [scene.project.workspace.get_run(run_id) for run_id in ids]
    makers = [step.name for run in runs for step in run.get_steps() if step.status == "done"]
    assert sorted(makers) == sorted(scene.shape.reads)
    for run in runs:
        scene.assert_right(run)
        assert {step.status for step in run.get_steps()} <= {"done", "reused"}
    waits = [word for run in runs for word in waited(run)]
    assert all(re.fullmatch(r"run \d+, which makes it|a slot", word) for word in waits), waits
    told = {re.findall(r"\d+", word)[0] for word in waits if word != "a slot"}
    assert told <= set(ids)
    return len(told)


def waited(run: PipelineRun) -> list[str]:
    return [event.waits_for for event in run.events()[0] if isinstance(event, StepQueued)]


def check_after(scene: Scene, rounds: int) -> None:
    """No update was lost, and nothing is held."""
    workspace = scene.project.workspace
    for step in scene.shape.reads:
        finished = [
            each for each in workspace.results.history(step, limit=10_000) if each["status"] == "finished"
        ]
        assert len({each["key"] for each in finished}) == len(finished) == rounds
    eventually(lambda: not scene.runners())
    scene.assert_whole()
    collector = workspace.collector()
    collector.collect(collector.survey(keep_runs=1))
    assert len(workspace.runs()) == 1
    scene.assert_whole()


def test_two_notebooks_a_terminal_and_a_gc_do_each_work_once_and_lose_nothing(scene):
    together(scene, QUICK)
    check_after(scene, QUICK)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_notebooks_a_terminal_and_a_gc_get_on_for_hundreds_of_rounds(scene):
    seen = together(scene, SLOW)
    check_after(scene, SLOW)
    assert all(seen.values()), seen
    print(seen)


# Locks that nobody holds.

WAIT = """\
import os, sys, time
open(sys.argv[1] + ".begun", "w").write(str(os.getpid()))
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
open(sys.argv[2], "w").write("waited")
"""


def gate(project: Project) -> tuple[Path, list]:
    """A step that waits at a gate outside the workspace, and one that reads what it writes."""
    path = project.root.parent / "gate"
    steps = [
        project.cell("one", WAIT, str(path) + " {>held}"),
        project.cell("two", "import sys\nprint(open(sys.argv[1]).read())\n", "{held}"),
    ]
    return path, steps


def begun(path: Path) -> int:
    """The process at the gate, once it is there."""
    mark = path.with_name("gate.begun")
    return int(eventually(lambda: mark.exists() and mark.read_text("utf-8")))


STALE = [
    {"pid": 1, "host": "another.example", "run": "77", "since": 0},
    {"pid": os.getpid(), "host": "here", "run": "1", "since": 0},  # a number that was given out again
    {"pid": 2**22, "host": "here", "run": "1", "since": 4e9},
]


@pytest.mark.parametrize("told", [*STALE, b"", b"{torn", b"\0" * 80])
def test_what_a_lock_file_tells_counts_only_while_somebody_holds_it(scene, told):
    first = scene.submit()
    first.wait_for_completion(show_output=False)
    eventually(lambda: not scene.runners())
    scene.begin_round()
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    locks = scene.project.workspace.state.locks
    keys = [
        each.fingerprint.key for each in scene.project.plan(*scene.steps()) if not each.fingerprint.unknown
    ]
    stale = [locks / "gc", locks / "run-ids", *(locks / f"slot-{n}" for n in range(4)), first.folder.lock]
    for path in [*stale, *(locks / f"key-{key}" for key in keys)]:
        path.write_bytes(text)
    assert not scene.project.workspace.get_run(first.id).live
    run = scene.submit()
    run.wait_for_completion(show_output=False, timeout_seconds=60)
    scene.assert_right(run)
    assert not [word for word in waited(run) if word != "a slot"]
    eventually(lambda: not scene.runners())
    collector = scene.project.workspace.collector()
    assert collector.collect(collector.survey(keep_runs=1)).runs == 1


def test_a_run_that_waits_for_one_whose_runner_is_killed_takes_over(project):
    path, steps = gate(project)
    first = project.submit(*steps)
    pid = begun(path)
    second = project.submit(*steps)
    eventually(lambda: waited(second) == [f"run {first.id}, which makes it"])
    os.kill(first.state.started.pid, signal.SIGKILL)
    eventually(lambda: begun(path) != pid)
    path.touch()
    assert second.wait_for_completion(show_output=False, timeout_seconds=60) == "Finished"
    assert words(second) == {"one": "done", "two": "done"}
    assert words(first) == {"one": "failed", "two": "waiting"}


# A workspace that is moved or copied.


def test_a_workspace_that_was_moved_between_two_runs_has_all_its_results(scene, tmp_path, monkeypatch):
    scene.submit().wait_for_completion(show_output=False)
    eventually(lambda: not scene.runners())
    elsewhere = tmp_path / "deeper" / "elsewhere"
    elsewhere.parent.mkdir()
    scene.root.rename(elsewhere)
    monkeypatch.chdir(elsewhere)
    moved = Scene(Project(elsewhere), scene.shape, scene.ledger)
    run = moved.submit()
    run.wait_for_completion(show_output=False)
    assert set(words(run).values()) == {"reused"}
    moved.assert_right(run)
    moved.begin_round()
    run = moved.submit()
    run.wait_for_completion(show_output=False)
    moved.assert_right(run)
    assert not scene.root.exists()


def test_two_copies_of_a_workspace_side_by_side_share_the_past_and_nothing_else(scene, tmp_path, monkeypatch):
    scene.submit().wait_for_completion(show_output=False)
    eventually(lambda: not scene.runners())
    copy = tmp_path / "copy"
    shutil.copytree(scene.root, copy, symlinks=True)
    scene.begin_round()
    save_graph(
        scene.project.workspace.graph_of(scene.project.pipeline(*scene.steps())), scene.root, scene.graph_file
    )
    shutil.copy(scene.graph_file, copy)
    with Worker(scene.root) as one, Worker(copy) as two:
        for worker in (one, two):
            worker.ask("run")
        assert [worker.answer() for worker in (one, two)] == [["Finished", "2\n"], ["Finished", "2\n"]]
    assert dict(scene.begun()) == dict.fromkeys(scene.shape.reads, 2)  # each made its own
    shutil.rmtree(scene.root / ".nbpipe")
    monkeypatch.chdir(copy)
    for run in Workspace(copy).runs():
        assert run.status == "Finished"
        assert all(step.get_output(f"out_{step.name}").path.exists() for step in run.get_steps())


def test_a_copy_made_while_a_run_goes_on_tells_it_as_interrupted_and_goes_its_own_way(
    project, tmp_path, monkeypatch
):
    path, steps = gate(project)
    run = project.submit(*steps)
    begun(path)
    copy = tmp_path / "copy"
    shutil.copytree(project.root, copy, symlinks=True)
    path.touch()
    assert run.wait_for_completion(show_output=False, timeout_seconds=60) == "Finished"
    monkeypatch.chdir(copy)
    other = Project(copy)
    assert Workspace(copy).get_run("1").interrupted
    assert set(words(other.run(*gate(other)[1])).values()) == {"done"}


def test_a_workspace_moved_while_a_run_goes_on_interrupts_it_says_so_and_keeps_the_rest(
    project, tmp_path, monkeypatch
):
    path, steps = gate(project)
    done = project.cell("done", "import sys\nopen(sys.argv[1], 'w').write('kept')\n", "{>kept}")
    steps[0].run_after(done)
    run = project.submit(done, *steps)
    runner = eventually(lambda: run.state.started).pid
    pid = begun(path)
    elsewhere = tmp_path / "elsewhere"
    project.root.rename(elsewhere)
    path.touch()
    eventually(lambda: not lives(runner) and not lives(pid))
    assert not project.root.exists()
    monkeypatch.chdir(elsewhere)
    moved = Workspace(elsewhere).get_run("1")
    assert (moved.status, words(moved)) == ("Failed", {"done": "done", "one": "failed", "two": "waiting"})
    with pytest.raises(ActivityFailedException, match="Run 1 was interrupted") as raised:
        moved.wait_for_completion(show_output=False)
    assert "moved" in raised.value.fact
    other = Project(elsewhere)
    _, steps = gate(other)
    done = other.cell("done", None, "{>kept}")
    steps[0].run_after(done)
    assert words(other.run(done, *steps)) == {"done": "reused", "one": "done", "two": "done"}
