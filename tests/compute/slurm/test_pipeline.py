"""Whole pipelines run on a real SLURM as they do on this machine."""

from __future__ import annotations

import pytest

from nbpipe import ComputeTarget, Pipeline, PythonScriptStep
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.events import StepMoved
from tests.remote_project import Project, digests, phases
from tests.slurm_cluster import SlurmCluster
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.runner]


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
