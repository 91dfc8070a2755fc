"""Steps go to another machine and back: same results, nothing sent twice, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from nbpipe import ComputeTarget, Dataset, Pipeline, PipelineData, PythonScriptStep, Workspace
from nbpipe.core.environment import CondaDependencies
from nbpipe.core.events import StepMoved
from nbpipe.errors import InvalidPipeline
from nbpipe.execution.far_environment import KEPT
from nbpipe.execution.kept_here import KeptHere
from tests.compute.agent.wheels import index_of_a_login, wheel
from tests.remote_project import Project, digests, phases
from tests.waiting import eventually

pytestmark = pytest.mark.runner


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, lambda ws: ComputeTarget.practice(ws, "box", root=str(tmp_path / "far")))


def test_results_are_those_of_this_machine_and_are_reused_here(project: Project) -> None:
    there = project.run(project.pipeline("box"))
    assert there.status == "Finished", there.step("prep").failure
    assert "sending" in phases(there, "prep")
    assert there.step("train").get_metrics() == {"rows": 2}
    here = project.run(project.pipeline())
    assert {step.status for step in here.get_steps()} == {"reused"}
    forced = project.run(project.pipeline(), force=["all"])
    assert digests(forced) == digests(there)


def test_a_second_run_sends_nothing_and_one_that_reuses_all_connects_to_nothing(project: Project) -> None:
    project.run(project.pipeline("box"))
    again = project.run(project.pipeline("box"), force=["all"])
    assert again.status == "Finished"
    assert not any("sending" in phases(again, step) for step in ("prep", "train"))
    shutil.rmtree(project.folder / "far" / "objects")
    reused = project.run(project.pipeline("box"))
    assert {step.status for step in reused.get_steps()} == {"reused"}
    assert not any(phases(reused, step) for step in ("prep", "train"))


def test_one_run_may_mix_targets(project: Project) -> None:
    pipeline = project.pipeline()
    pipeline.steps[1].compute_target = "box"
    run = project.run(Pipeline(project.ws, pipeline.steps, name="demo"))
    assert run.status == "Finished"
    assert (phases(run, "prep"), phases(run, "train")[-2:]) == ([], ["running", "fetching"])


def test_a_target_for_all_steps_that_name_none(project: Project) -> None:
    run = project.run(project.pipeline(), target="box")
    assert run.status == "Finished"
    assert all("running" in phases(run, step) for step in ("prep", "train"))


def test_a_step_that_fails_there_is_told_as_one_that_fails_here(project: Project) -> None:
    (project.folder / "prep" / "prep.py").write_text("print('so far')\nraise ValueError('no rows')\n")
    run = project.run(project.pipeline("box"))
    failure = run.step("prep").failure
    assert failure is not None
    assert (failure.cause, failure.code, failure.line) == ("exit", 1, 2)
    assert "no rows" in failure.message


def test_a_step_is_stopped_there(project: Project) -> None:
    flag = project.folder / "go"
    run = project.ws.submit(project.slow(flag))
    eventually((project.folder / "go.started").exists)
    run.cancel()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.step("slow").status == "cancelled"


def test_a_target_that_is_deleted_while_in_use_harms_no_run(project: Project) -> None:
    flag = project.folder / "go"
    run = project.ws.submit(project.slow(flag))
    eventually((project.folder / "go.started").exists)
    project.box.delete()
    flag.touch()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.status == "Finished"


def test_a_step_whose_runner_was_killed_is_taken_up_by_the_next_run(project: Project) -> None:
    flag = project.folder / "go"
    run = project.ws.submit(project.slow(flag))
    eventually((project.folder / "go.started").exists)
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    again = project.ws.submit(project.slow(flag))
    eventually(lambda: "running" in phases(again, "slow"))
    flag.touch()
    again.wait_for_completion(show_output=False, raise_on_error=False)
    assert again.status == "Finished"
    assert (project.folder / "go.started").read_text() == "x"
    printed = b"".join(data for _, data in again.step("slow").log.read()[0])
    assert printed.split()[0] == b"0"


LISTING = """
import os, sys
found = []
for place in sys.argv[1:-1]:
    for folder, names, files in os.walk(place):
        for name in names + files:
            path = os.path.join(folder, name)
            told = os.readlink(path) if os.path.islink(path) and os.readlink(path)[0] != "/" else ""
            text = open(path).read() if os.path.isfile(path) else ""
            ran = os.path.isfile(path) and bool(os.stat(path).st_mode & 0o100)
            found.append((os.path.relpath(path, place), told, text, ran))
open(sys.argv[-1], "w").write(repr(sorted(found)))
"""
TREE = """
import os, sys
os.makedirs(os.path.join(sys.argv[1], "deep", "empty"))
for name, mode in (("a b", 0o600), ("deep/run.sh", 0o700)):
    open(os.path.join(sys.argv[1], name), "w").write(name)
    os.chmod(os.path.join(sys.argv[1], name), mode)
os.symlink("../a b", os.path.join(sys.argv[1], "deep", "again"))
"""


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_folders_come_there_as_they_are_here(tmp_path: Path, monkeypatch, mode: str) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path)
    ComputeTarget.practice(workspace, "box", root=str(tmp_path / "far"))
    for name, text in (("tree", TREE), ("list", LISTING)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text(text)
    (tmp_path / "data" / "sub" / "none").mkdir(parents=True)
    (tmp_path / "data" / "sub" / "x.csv").write_text("x")
    made, listed = PipelineData("made", is_directory=True), PipelineData("listed")
    read = made.as_download() if mode == "download" else made.as_mount()
    files = Dataset.File.from_files("data").as_named_input("files")
    files = files.as_download() if mode == "download" else files.as_mount()
    tree = PythonScriptStep("tree.py", "tree", [made], outputs=[made], source_directory="tree")
    listing = PythonScriptStep(
        "list.py",
        "list",
        [read, files, listed],
        inputs=[read, files],
        outputs=[listed],
        source_directory="list",
    )
    pipeline = Pipeline(workspace, [tree, listing], name="trees")
    runs = [workspace.submit(pipeline, force=["all"])]
    runs[0].wait_for_completion(show_output=False, raise_on_error=False)
    runs.append(workspace.submit(pipeline, force=["all"], target="box"))
    runs[1].wait_for_completion(show_output=False, raise_on_error=False)
    assert [run.status for run in runs] == ["Finished", "Finished"], runs[1].step("list").failure
    assert digests(runs[0]) == digests(runs[1])
    text = runs[1].step("list").get_output("listed").path.read_text()
    assert all(part in text for part in ("deep/run.sh", "../a b", "sub/none", "sub/x.csv"))


def test_a_forced_run_ends_what_an_earlier_one_left_and_begins_anew(project: Project) -> None:
    flag = project.folder / "go"
    run = project.ws.submit(project.slow(flag))
    eventually((project.folder / "go.started").exists)
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    again = project.ws.submit(project.slow(flag), force=["slow"])
    eventually(lambda: (project.folder / "go.started").read_text() == "xx")
    flag.touch()
    again.wait_for_completion(show_output=False, raise_on_error=False)
    assert again.status == "Finished"
    assert (project.folder / "go.started").read_text() == "xx"


def test_a_step_that_takes_too_long_there_is_ended(project: Project) -> None:
    pipeline = project.slow(project.folder / "never")
    pipeline.steps[0].runconfig.resources.timeout = 0.5
    run = project.run(pipeline)
    assert run.step("slow").status == "cancelled"
    assert run.step("slow").stopped_by == "time-out after 0.5 s"


def test_a_step_that_is_tried_again_runs_there_again(project: Project) -> None:
    marks = project.folder / "marks"
    (project.folder / "prep" / "prep.py").write_text(
        f"import sys\nopen({str(marks)!r}, 'a').write('x')\n"
        f"if len(open({str(marks)!r}).read()) < 2: raise SystemExit(3)\nopen(sys.argv[2], 'w').write('made')\n"
    )
    pipeline = project.pipeline("box")
    pipeline.steps[0].runconfig.resources.retries = 1
    assert project.run(pipeline).status == "Finished"
    assert marks.read_text() == "xx"


def test_a_step_that_changes_its_input_there_fails_and_the_next_one_gets_it_whole(project: Project) -> None:
    (project.folder / "prep" / "prep.py").write_text(
        "import os, sys\nos.chmod(sys.argv[1], 0o600)\nopen(sys.argv[1], 'a').write('more')\n"
        "open(sys.argv[2], 'w').write('x')\n"
    )
    failure = project.run(project.pipeline("box")).step("prep").failure
    assert failure is not None
    assert (failure.cause, failure.message) == ("input", "input changed while running: raw")
    (project.folder / "prep" / "prep.py").write_text(
        "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n"
    )
    run = project.run(project.pipeline("box"))
    assert run.step("prep").get_output("clean").path.read_text() == "b,2\na,1\n"


def test_an_environment_that_changed_since_the_plan_fails_the_step_and_the_next_plan_knows_it(
    project: Project,
) -> None:
    project.run(project.pipeline("box"))
    (kept,) = KeptHere(project.ws.state, KEPT).all().items()
    environment = json.loads(json.dumps(kept[1]))
    environment["interpreter"]["version"] = "3.9"
    KeptHere(project.ws.state, KEPT).keep(kept[0], environment)
    ws = project.ws = Workspace(project.folder)
    failed = ws.submit(project.pipeline("box"))
    failed.wait_for_completion(show_output=False, raise_on_error=False)
    failure = failed.step("prep").failure
    assert failure is not None
    assert failure.cause == "start"
    assert failure.message.startswith("The environment on box changed since the plan: python 3.9 -> 3.")
    assert "Run again" in failure.remedy
    again = project.run(project.pipeline("box"))
    assert {step.status for step in again.get_steps()} == {"reused"}
    ws.targets.renew("box")  # what a run has seen is forgotten as well as what a plan has
    assert KeptHere(ws.state, KEPT).all() == {}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch) -> Path:
    """A folder with packages, which is all that a target finds."""
    folder = tmp_path / "packages"
    wheel(folder, "tiny", "1.0", needs=["small"])
    wheel(folder, "small", "1.0")
    index_of_a_login(folder, tmp_path / "home", monkeypatch)
    return folder


def declaring(project: Project, **declared) -> Pipeline:
    (project.folder / "prep" / "prep.py").write_text(
        "import sys, tiny, small\nprint(sys.prefix)\nopen(sys.argv[2], 'w').write(tiny.VERSION + small.VERSION)\n"
    )
    pipeline = project.pipeline("box")
    dependencies = CondaDependencies.create(**declared)
    pipeline.steps[0].runconfig.environment.python.conda_dependencies = dependencies
    return pipeline


def test_packages_that_a_step_declares_are_locked_and_put_into_an_environment_there_once(
    packages: Path, project: Project
) -> None:
    pipeline = declaring(project, pip_packages=["tiny"])
    first = project.run(pipeline)
    assert first.status == "Finished", first.step("prep").failure
    assert first.step("prep").get_output("clean").path.read_text() == "1.01.0"
    moved = [event for event in first.step("prep").state.events if isinstance(event, StepMoved)]
    assert any((event.phase, event.why) == ("preparing", "an environment with 2 packages") for event in moved)
    wheel(packages, "small", "2.0")
    assert project.run(pipeline).step("prep").reused
    second = project.run(pipeline, force=["prep"])
    assert second.step("prep").get_stdout_log() == first.step("prep").get_stdout_log()

    project.ws.targets.renew("box")
    reasons = pipeline.plan()["prep"].reasons
    assert [str(reason) for reason in reasons] == ["small 1.0 → 2.0"]
    renewed = project.run(pipeline)
    assert renewed.step("prep").get_output("clean").path.read_text() == "1.02.0"


def test_an_environment_that_cannot_be_had_blocks_the_step_with_what_was_said(
    packages: Path, project: Project
) -> None:
    for declared, said in (
        ({"pip_packages": ["tiny>3"]}, "The environment cannot be made"),
        ({"python_version": "3.99"}, "There is no Python 3.99.*install it there"),
        ({"conda_packages": ["numpy"]}, "these are conda's: numpy.*name an interpreter there"),
    ):
        with pytest.raises(InvalidPipeline, match=said) as error:
            project.ws.submit(declaring(project, **declared))
        assert "box" in str(error.value)


def test_a_target_that_does_not_answer_blocks_its_own_steps_alone(project: Project) -> None:
    (project.folder / "taken").write_text("a file where its disk should be")
    ComputeTarget.practice(project.ws, "box", root=str(project.folder / "taken"))
    pipeline = project.pipeline()
    pipeline.steps[1].compute_target = "box"
    mixed = Pipeline(project.ws, pipeline.steps, name="demo")
    plan = mixed.plan()
    assert [step.action for step in plan] == ["run", "blocked"]
    assert plan["train"].why.startswith("box does not answer")
    with pytest.raises(InvalidPipeline, match="Step train: "):
        mixed.submit("demo")


def test_a_target_that_was_deleted_blocks_the_steps_that_name_it(project: Project) -> None:
    pipeline = project.pipeline("box")
    project.box.delete()
    assert pipeline.plan()["prep"].why.startswith("No compute target box")
    with pytest.raises(InvalidPipeline, match="No compute target box"):
        pipeline.submit("demo")


def test_what_a_target_cannot_give_is_refused_at_submit(project: Project) -> None:
    pipeline = project.pipeline("box")
    pipeline.steps[0].runconfig.resources.gpus = 64
    with pytest.raises(InvalidPipeline, match="Step prep wants 64 GPUs; box has"):
        pipeline.submit("demo")
    pipeline = project.pipeline("box")
    pipeline.steps[0].runconfig.node_count = 2
    with pytest.raises(InvalidPipeline, match="Step prep wants 2 nodes; box is one machine"):
        Pipeline(project.ws, pipeline.steps, name="demo")


def test_a_secret_goes_there_and_lies_nowhere(project: Project, monkeypatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-t0ken")
    (project.folder / "prep" / "prep.py").write_text(
        "import os, sys\nprint(os.environ['TOKEN'], len(os.environ['TOKEN']), 'OTHER' in os.environ)\n"
        "open(sys.argv[2], 'w').write('x')\n"
    )
    monkeypatch.setenv("OTHER", "of the submitter alone")
    pipeline = project.pipeline("box")
    pipeline.steps[0].runconfig.secret_variables = ["TOKEN"]
    run = project.run(pipeline, force=["prep"])
    assert run.status == "Finished", run.step("prep").failure
    assert run.step("prep").log.read()[0] == [("stdout", b"*** 12 False\n")]
    places = (project.folder / "far", project.folder / ".nbpipe")
    held = b"".join(path.read_bytes() for place in places for path in place.rglob("*") if path.is_file())
    assert b"s3cr3t-t0ken" not in held
