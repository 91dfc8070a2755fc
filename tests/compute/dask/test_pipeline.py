"""Whole pipelines run on a Dask cluster as they do on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbpipe import ComputeTarget
from nbpipe.core.environment import CondaDependencies
from nbpipe.core.events import StepMoved
from tests.compute.agent.wheels import index_of_a_login, wheel
from tests.dask_cluster import dask_cluster
from tests.remote_project import Project, digests, phases
from tests.waiting import eventually

pytestmark = pytest.mark.runner

LOGS = """
import os, sys, time
from nbpipe import Run
run = Run.get_context()
run.log("rows", 1)
run.parent.log("whole", 2)
open(sys.argv[2] + str(os.getpid()), "x").close()
while not os.path.exists(sys.argv[2]): time.sleep(0.01)
run.log("end", 3)
open(sys.argv[1], "w").write("made")
"""


def test_results_are_those_of_this_machine_and_are_reused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with dask_cluster(tmp_path / "dask") as cluster:
        project = Project(
            tmp_path, lambda ws: ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)
        )
        there = project.run(project.pipeline("box"))
        assert there.status == "Finished", there.step("prep").failure
        assert phases(there, "prep")[-1] in ("running", "fetching")
        assert there.step("train").get_metrics() == {"rows": 2}
        assert project.box.get_status().ready
    reused = project.run(project.pipeline("box"))
    assert {step.status for step in reused.get_steps()} == {"reused"}
    here = project.run(project.pipeline(), force=["all"])
    assert digests(here) == digests(there)


def test_what_a_step_logged_on_a_worker_that_was_lost_does_not_count(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    flag = tmp_path / "flag"
    with dask_cluster(tmp_path / "dask") as cluster:
        project = Project(
            tmp_path, lambda ws: ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)
        )
        (tmp_path / "slow" / "slow.py").write_text(LOGS)
        run = project.ws.submit(project.slow(flag))
        step = run.step("slow")
        assert eventually(step.get_metrics, 60) == {"rows": 1}
        moved = next(
            each for each in step.state.events if isinstance(each, StepMoved) and each.phase == "running"
        )
        cluster.workers[int(moved.where.removeprefix("worker"))].kill()
        eventually(lambda: len([*tmp_path.glob("flag*")]) == 2, 60)
        flag.touch()
        run.wait_for_completion(show_output=False)
    assert run.step("slow").get_metrics() == {"rows": 1, "end": 3}
    assert run.get_metrics() == {"whole": 2}
    reused = project.run(project.slow(flag))
    assert reused.step("slow").get_metrics() == {"rows": 1, "end": 3}


def test_packages_that_a_step_declares_are_put_into_an_environment_on_the_worker_that_runs_it(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wheel(tmp_path / "packages", "tiny", "1.0")
    index_of_a_login(tmp_path / "packages", tmp_path / "home", monkeypatch)
    with dask_cluster(tmp_path / "dask") as cluster:
        project = Project(
            tmp_path, lambda ws: ComputeTarget.attach_dask(ws, "box", cluster.address, python=sys.executable)
        )
        (tmp_path / "slow" / "slow.py").write_text(
            "import sys, tiny\nprint(sys.prefix)\nopen(sys.argv[1], 'w').write(tiny.VERSION)\n"
        )
        pipeline = project.slow(tmp_path / "flag")
        pipeline.steps[0].runconfig.environment.python.conda_dependencies = CondaDependencies.create(
            pip_packages=["tiny"]
        )
        run = project.run(pipeline)
        assert run.status == "Finished", run.step("slow").failure
        assert run.step("slow").get_output("made").path.read_text() == "1.0"
        assert str(tmp_path / "dask/worker") in run.step("slow").get_stdout_log()
