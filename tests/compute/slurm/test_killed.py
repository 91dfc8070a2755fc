"""What a step on SLURM has done and does is not lost when its runner is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from nbpipe import Dataset, Pipeline, PipelineData, PythonScriptStep
from nbpipe.run import PipelineRun
from tests.remote_project import Project
from tests.slurm_cluster import SlurmCluster
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.runner]


STEADY = """
import os, sys, time
from nbpipe import Run
made, flag, raw = sys.argv[1:]
with open(flag + ".started", "a") as begun: begun.write(f"{os.getpid()} ")
Run.get_context().log("begun", 1)
with open("logs/own.txt", "w") as own: own.write("mine")
number = 0
while not os.path.exists(flag):
    print(number, flush=True)
    number += 1
    time.sleep(0.01)
with open(made, "w") as out: out.write(open(raw).read())
Run.get_context().log("ended", 2)
print("last", number)
with open(flag + ".ended", "a") as ended: ended.write("x")
"""


class Steady:
    """A pipeline whose step is on the cluster and ends when there is a flag; its runners are killed."""

    def __init__(self, project: Project, cluster: SlurmCluster) -> None:
        self.project = project
        self.cluster = cluster
        self.flag = project.folder / "go"
        (project.folder / "steady").mkdir()
        (project.folder / "steady" / "steady.py").write_text(STEADY)

    def pipeline(self) -> Pipeline:
        raw = Dataset.File.from_files(str(self.project.folder / "raw.csv")).as_named_input("raw").as_mount()
        made = PipelineData("made")
        step = PythonScriptStep(
            "steady.py", "steady", [made, str(self.flag), raw], inputs=[raw], outputs=[made],
            source_directory="steady", compute_target="box",
        )  # fmt: skip
        return Pipeline(self.project.ws, [step], name="steady")

    def kill(self, run: PipelineRun) -> None:
        os.kill(run.state.started.pid, signal.SIGKILL)
        eventually(lambda: run.interrupted)

    @property
    def pids(self) -> list[int]:
        """A process for each time that the step was begun."""
        path = Path(f"{self.flag}.started")
        return [*map(int, path.read_text().split())] if path.exists() else []

    @property
    def queued(self) -> str:
        return self.cluster.call("squeue", "-h", "-o", "%j")

    def lines(self, run: PipelineRun) -> list[bytes]:
        return b"".join(data for _, data in run.step("steady").log.read()[0]).splitlines()

    def ended(self, run: PipelineRun) -> PipelineRun:
        """The run at its end; its step was done once, and it has all of it."""
        run.wait_for_completion(show_output=False, raise_on_error=False)
        step = run.step("steady")
        assert run.status == "Finished", step.failure
        assert Path(f"{self.flag}.ended").read_text() == "x"
        lines = self.lines(run)
        assert lines == [*(b"%d" % number for number in range(len(lines) - 1)), b"last %d" % (len(lines) - 1)]
        assert step.get_metrics() == {"begun": 1, "ended": 2}
        assert step.get_output("made").path.read_text() == "b,2\na,1\n"
        assert [path.read_text() for path in (run.folder.path / "steps").rglob("own.txt")] == ["mine"]
        assert not list((self.project.ws.state.runs).glob("*/steps/*/*/work"))
        return run


@pytest.fixture
def steady(project: Project, cluster: SlurmCluster) -> Steady:
    return Steady(project, cluster)


@pytest.fixture
def killed(steady: Steady) -> Steady:
    """One whose first runner was killed while its step ran."""
    first = steady.project.ws.submit(steady.pipeline())
    eventually(lambda: steady.pids)
    eventually(lambda: steady.lines(first)[10:])
    steady.kill(first)
    return steady


@pytest.mark.parametrize("stage", ["slurm/*/request", "slurm/*/number", "slurm/*/started"])
def test_whenever_its_runner_is_killed_a_step_is_done_once(steady: Steady, stage: str) -> None:
    first = steady.project.ws.submit(steady.pipeline())
    eventually(lambda: list(first.folder.path.glob(f"steps/*/*/*/{stage}")))
    steady.kill(first)
    steady.flag.touch()
    steady.ended(steady.project.run(steady.pipeline()))


def test_a_job_whose_runner_was_killed_is_taken_up_however_often(killed: Steady) -> None:
    second = killed.project.ws.submit(killed.pipeline())
    eventually(lambda: killed.lines(second)[10:])
    killed.kill(second)
    third = killed.project.ws.submit(killed.pipeline())
    eventually(lambda: len(killed.lines(third)) > len(killed.lines(second)))
    killed.flag.touch()
    killed.ended(third)
    assert len(killed.pids) == 1
    again = killed.project.run(killed.pipeline())
    assert again.step("steady").status == "reused"


def test_a_job_that_ended_while_nobody_looked_is_not_run_again(killed: Steady) -> None:
    killed.flag.touch()
    eventually(lambda: not killed.queued)
    killed.ended(killed.project.run(killed.pipeline()))


def test_a_job_is_begun_anew_that_reads_what_was_changed_meanwhile_and_changed_back(killed: Steady) -> None:
    raw = killed.project.folder / "raw.csv"
    before = raw.read_text()
    raw.write_text("other")
    raw.write_text(before)
    again = killed.project.ws.submit(killed.pipeline())
    eventually(lambda: len(killed.pids) == 2)
    assert killed.queued.count("steady") == 1
    killed.flag.touch()
    again.wait_for_completion(show_output=False, raise_on_error=False)
    assert again.status == "Finished"


def test_a_job_that_nobody_knows_any_more_is_begun_anew(killed: Steady) -> None:
    guard = psutil.Process(killed.pids[0]).parent()
    guard.parent().kill()
    eventually(lambda: not killed.queued)
    killed.flag.touch()
    assert killed.project.run(killed.pipeline()).status == "Finished"
    assert len(killed.pids) == 2


def test_what_a_job_works_in_is_no_garbage_while_it_may_go_on(killed: Steady) -> None:
    ws = killed.project.ws
    for _ in range(2):
        killed.project.run(killed.project.pipeline())
    collector = ws.collector()
    collector.collect(collector.survey(keep_runs=1))
    assert ws.get_run("1").folder.path.exists()
    run = ws.submit(killed.pipeline())
    killed.flag.touch()
    killed.ended(run)
