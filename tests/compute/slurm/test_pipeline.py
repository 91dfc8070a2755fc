"""Whole pipelines run on a real SLURM as they do on this machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from nbpipe import ComputeTarget, Dataset, Pipeline, PipelineData, PythonScriptStep
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.events import StepMoved
from nbpipe.run import PipelineRun
from tests.remote_project import Project, digests, phases
from tests.slurm_cluster import SlurmCluster
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.runner]


@pytest.fixture
def project(cluster: SlurmCluster, tmp_path: Path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_CONF", cluster.environ["SLURM_CONF"])
    return Project(tmp_path, lambda ws: ComputeTarget.attach_slurm(ws, "box", partition="debug"))


def test_results_are_those_of_this_machine(project: Project) -> None:
    there = project.run(project.pipeline("box"))
    assert there.status == "Finished", there.step("prep").failure
    assert phases(there, "prep")[-1] == "running"
    assert there.step("train").get_metrics() == {"rows": 2}
    here = project.run(project.pipeline(), force=["all"])
    assert digests(here) == digests(there)


def test_the_queues_reason_is_told_and_stop_takes_the_job_out(
    project: Project, cluster: SlurmCluster
) -> None:
    hold = cluster.call(
        "sbatch", "--parsable", "-p", "small", "--exclusive", "--wrap", "sleep 600", "-o", "/dev/null"
    )
    ComputeTarget.attach_slurm(project.ws, "box", partition="small", options=["--exclusive"])
    run = project.ws.submit(project.slow(project.folder / "go"))

    def reasons() -> set[str]:
        return {event.why for event in run.step("slow").state.events if isinstance(event, StepMoved)}

    eventually(lambda: "Resources" in reasons())
    run.cancel()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    cluster.call("scancel", hold.strip())
    assert run.step("slow").status == "cancelled"
    assert "1.slow" not in cluster.call("squeue", "-h", "-o", "%j")


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
"""


class Killed:
    """A run whose runner is killed while its step is on the cluster; its step ends when there is a flag."""

    def __init__(self, project: Project, cluster: SlurmCluster) -> None:
        self.project = project
        self.cluster = cluster
        self.flag = project.folder / "go"
        (project.folder / "steady").mkdir()
        (project.folder / "steady" / "steady.py").write_text(STEADY)
        self.first = project.ws.submit(self.pipeline())
        eventually(lambda: self.pids)
        eventually(lambda: self.lines(self.first)[10:])
        self.kill(self.first)

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
        """The run at its end; its step ran once, and it has all of it."""
        run.wait_for_completion(show_output=False, raise_on_error=False)
        step = run.step("steady")
        assert run.status == "Finished", step.failure
        assert len(self.pids) == 1
        lines = self.lines(run)
        assert lines == [*(b"%d" % number for number in range(len(lines) - 1)), b"last %d" % (len(lines) - 1)]
        assert step.get_metrics() == {"begun": 1, "ended": 2}
        assert step.get_output("made").path.read_text() == "b,2\na,1\n"
        assert [path.read_text() for path in (run.folder.path / "steps").rglob("own.txt")] == ["mine"]
        assert not list((self.project.ws.state.runs).glob("*/steps/*/*/work"))
        return run


@pytest.fixture
def killed(project: Project, cluster: SlurmCluster) -> Killed:
    return Killed(project, cluster)


def test_a_job_whose_runner_was_killed_is_taken_up_however_often(killed: Killed) -> None:
    second = killed.project.ws.submit(killed.pipeline())
    eventually(lambda: killed.lines(second)[10:])
    killed.kill(second)
    third = killed.project.ws.submit(killed.pipeline())
    eventually(lambda: len(killed.lines(third)) > len(killed.lines(second)))
    killed.flag.touch()
    killed.ended(third)
    again = killed.project.run(killed.pipeline())
    assert again.step("steady").status == "reused"


def test_a_job_that_ended_while_nobody_looked_is_not_run_again(killed: Killed) -> None:
    killed.flag.touch()
    eventually(lambda: not killed.queued)
    killed.ended(killed.project.run(killed.pipeline()))


def test_a_job_is_begun_anew_that_reads_what_was_changed_meanwhile_and_changed_back(killed: Killed) -> None:
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


def test_a_job_that_nobody_knows_any_more_is_begun_anew(killed: Killed) -> None:
    guard = psutil.Process(killed.pids[0]).parent()
    guard.parent().kill()
    eventually(lambda: not killed.queued)
    killed.flag.touch()
    assert killed.project.run(killed.pipeline()).status == "Finished"
    assert len(killed.pids) == 2


def test_what_a_job_works_in_is_no_garbage_while_it_may_go_on(killed: Killed) -> None:
    ws = killed.project.ws
    for _ in range(2):
        killed.project.run(killed.project.pipeline())
    collector = ws.collector()
    collector.collect(collector.survey(keep_runs=1))
    assert killed.first.folder.path.exists()
    run = ws.submit(killed.pipeline())
    killed.flag.touch()
    killed.ended(run)


def test_a_step_may_have_several_machines(project: Project) -> None:
    (project.folder / "mpi").mkdir()
    (project.folder / "mpi" / "mpi.py").write_text(
        "from mpi4py import MPI\nprint(MPI.COMM_WORLD.size, flush=True)\n"
    )
    configuration = RunConfiguration()
    configuration.node_count = 2
    step = PythonScriptStep(
        "mpi.py", "mpi", source_directory="mpi", compute_target="box", runconfig=configuration
    )
    run = project.run(Pipeline(project.ws, [step], name="mpi"))
    assert run.status == "Finished", run.step("mpi").failure
    assert b"".join(data for _, data in run.step("mpi").log.read()[0]) == b"2\n2\n"
