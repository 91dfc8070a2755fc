"""The process that carries a run: what becomes of a run when it, or whoever submitted it, is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from nbpipe import workspace
from nbpipe.errors import ActivityFailedException, StoreError
from nbpipe.execution.backends import Backends
from nbpipe.execution.given import Given
from nbpipe.execution.lifetime import run_to_end
from tests.projects import COPY, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner

SLEEP = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"


def running(run, step="one") -> int:
    """The process of a step that prints its number, once it has begun."""
    return int(eventually(lambda: run.step(step).get_stdout_log()))


def test_a_runner_that_is_killed_leaves_no_process_and_a_run_that_is_seen_as_interrupted(project, alive):
    steps = [
        project.cell("prep", COPY, "{>a}"),
        project.cell("one", SLEEP, "{a}"),
        project.cell("after", COPY, "{>b}"),
    ]
    steps[2].run_after(steps[1])
    run = project.submit(*steps)
    pid = running(run)
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    eventually(lambda: not alive(pid))
    assert run.status == "Failed"
    assert words(run) == {"prep": "done", "one": "failed", "after": "waiting"}
    assert [step.get_status() for step in run.get_steps()] == ["Finished", "Failed", "NotStarted"]
    with pytest.raises(ActivityFailedException, match="Run 1 was interrupted"):
        run.wait_for_completion(show_output=False)
    with pytest.raises(ActivityFailedException):
        run.step("one").wait_for_completion(show_output=False)


def test_the_run_after_an_interrupted_one_reuses_what_was_finished(project):
    steps = [project.cell("prep", COPY, "{>a}"), project.cell("one", SLEEP, "{a}")]
    run = project.submit(*steps)
    running(run)
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    steps[1] = project.cell("one", "", "{a}")
    assert story(project.run(*steps))[0] == ("prep", "reused", "run 1")
    assert project.workspace.latest_run().status == "Finished"


def test_a_run_goes_on_when_its_submitter_is_killed(project):
    project.write(
        "prep.py",
        "import os, time\nwhile not os.path.exists('%s'): time.sleep(0.01)\n" % (project.root / "go"),
    )
    code = """
        from nbpipe import Pipeline, PythonScriptStep, Workspace
        run = Pipeline(Workspace.open("."), [PythonScriptStep("prep.py", name="prep")]).submit("demo")
        print(run.id, flush=True)
        while True: pass
    """
    submitter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, start_new_session=True
    )
    with submitter:
        assert submitter.stdout.readline() == b"1\n"
        os.killpg(submitter.pid, signal.SIGKILL)  # what a kernel's restart does
    run = project.workspace.get_run("1")
    eventually(lambda: run.step("prep").status == "running")
    project.write("go")
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"


def test_a_run_has_one_runner(project):
    run = project.submit(project.cell("one", SLEEP))
    running(run)
    with pytest.raises(StoreError, match="Run 1 has a runner already"):
        run_to_end(project.root, "1", Given({}))


def test_garbage_may_be_removed_as_soon_as_a_run_is_told_to_have_ended(project, monkeypatch):
    let_go = threading.Event()
    let_go_of_targets = Backends.aclose

    async def slowly(backends: Backends) -> None:
        await asyncio.to_thread(let_go.wait)
        await let_go_of_targets(backends)

    def begin(root, folder, given) -> int:
        threading.Thread(target=run_to_end, args=(root, folder.run_id, given)).start()
        return os.getpid()

    monkeypatch.setattr(Backends, "aclose", slowly)
    monkeypatch.setattr(workspace, "start_runner", begin)
    run = project.submit(project.cell("one", ""))
    try:
        assert run.wait_for_completion(show_output=False) == "Finished"
        collector = project.workspace.collector()
        assert collector.collect(collector.survey(0)).runs == 0  # its runner is still there
    finally:
        let_go.set()
    eventually(lambda: not run.live)
    assert collector.collect(collector.survey(0)).runs == 1


def test_a_file_of_the_workspace_is_no_part_of_the_runner(project):
    for name in ("asyncio.py", "json.py", "nbpipe.py"):
        project.write(name, "raise SystemExit('shadowed')\n")
    assert words(project.run(project.cell("one", "print('fine')\n"))) == {"one": "done"}


def test_a_runner_that_cannot_begin_says_why(project):
    run = project.submit(project.cell("one", SLEEP))
    running(run)
    run.cancel()
    eventually(lambda: not run.live)
    text = run.folder.graph.read_text("utf-8")
    run.folder.graph.write_text(text.replace('"format": 1', '"format": 99'), "utf-8")
    broken = subprocess.run(
        [sys.executable, "-m", "nbpipe.execution.runner", str(project.root), "1"],
        input=Given({}).to_bytes(),
        capture_output=True,
        check=False,
    )
    assert broken.returncode == 1
    assert b"format 99" in broken.stderr


def test_a_step_that_kills_its_runner_interrupts_the_run_and_nothing_else(project):
    script = """
        import os, signal, time
        while not os.path.exists(os.environ["RUNNER"]):
            time.sleep(0.01)
        os.kill(int(open(os.environ["RUNNER"]).read()), signal.SIGKILL)
    """
    mark = project.root / "runner.pid"
    step = project.cell("one", script, environment_variables={"RUNNER": str(mark)})
    run = project.submit(step)
    eventually(lambda: run.state.started)
    mark.with_suffix(".new").write_text(str(run.state.started.pid), "utf-8")
    mark.with_suffix(".new").rename(mark)
    eventually(lambda: run.interrupted)
    assert words(project.run(project.cell("two", ""))) == {"two": "done"}


def test_steps_see_what_the_submitter_had_in_its_environment_then(project, monkeypatch):
    monkeypatch.setenv("MOOD", "early")
    gate = project.root / "go"
    wait = project.cell(
        "wait", f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    )
    tell = project.cell("tell", "import os\nprint(os.environ['MOOD'])\n")
    tell.run_after(wait)
    run = project.submit(wait, tell)
    monkeypatch.setenv("MOOD", "late")
    gate.write_text("", "utf-8")
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    assert run.step("tell").get_stdout_log() == "early\n"


def test_state_that_nothing_may_write_is_said_at_submit(project):
    project.write(".nbpipe", "a file stands in the way")
    with pytest.raises(StoreError) as raised:
        project.submit(project.cell("one", ""))
    assert ".nbpipe" in raised.value.fact
    assert planned(project.plan(project.cell("one", None))) == [("one", "new", "never run")]
