"""A run as a whole: which steps run, side by side or one after another, and what comes of a bad end or a wish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbpipe.core.events import RunFinished, StepFailed, StepNoted, StepQueued, StepStarted
from nbpipe.run import PipelineRun
from tests.projects import COPY, Project, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner

WAIT = """\
import os, sys, time
open(sys.argv[1] + ".begun", "w").write(str(os.getpid()))
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
"""
"""A script that waits for a file, and says by another that it has begun."""


class Gate:
    """What a waiting step waits for."""

    def __init__(self, project: Project, name: str) -> None:
        self.path = project.root / f"{name}.gate"
        self.step = project.cell(name, WAIT, arguments=[str(self.path)])

    @property
    def begun(self) -> Path:
        return self.path.with_name(self.path.name + ".begun")

    @property
    def pid(self) -> int:
        """Its process, once it has begun."""
        return int(eventually(lambda: self.begun.exists() and self.begun.read_text("utf-8")))

    def open(self) -> None:
        self.path.write_text("", "utf-8")


def ended(run: PipelineRun) -> str:
    return run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False)


def queued(run: PipelineRun) -> list[tuple[str, str]]:
    return [(event.node, event.waits_for) for event in run.events()[0] if isinstance(event, StepQueued)]


# Order.


def test_steps_without_data_between_them_run_side_by_side(project):
    gates = [Gate(project, name) for name in ("one", "two")]
    run = project.submit(*(gate.step for gate in gates), jobs=2)
    assert gates[0].pid != gates[1].pid
    for gate in gates:
        gate.open()
    assert ended(run) == "Finished"


def test_no_more_steps_run_at_once_than_jobs_allow(project):
    gates = [Gate(project, name) for name in ("one", "two", "three")]
    run = project.submit(*(gate.step for gate in gates), jobs=1)
    for gate in gates:
        assert gate.pid
        assert sum(step.status == "running" for step in run.get_steps()) == 1
        gate.open()
    assert ended(run) == "Finished"
    assert queued(run) == [("two", "a slot"), ("three", "a slot")]


def test_slots_are_shared_by_the_runs_of_a_workspace(project):
    one, two = Gate(project, "one"), Gate(project, "two")
    first = project.submit(one.step, jobs=1)
    assert one.pid
    second = project.submit(two.step, jobs=1)
    eventually(lambda: queued(second) == [("two", "a slot")])
    assert second.step("two").get_status() == "Queued"
    assert not two.begun.exists()
    one.open()
    assert two.pid
    two.open()
    assert (ended(first), ended(second)) == ("Finished", "Finished")


def test_a_step_that_is_ordered_after_another_waits_for_it_and_is_not_rerun_by_it(project):
    gate, after = Gate(project, "one"), project.cell("after", COPY, "{>out}")
    after.run_after(gate.step)
    run = project.submit(gate.step, after)
    assert gate.pid
    assert run.step("after").status == "waiting"
    gate.open()
    ended(run)
    gate.step.version = "2"
    assert planned(project.plan(gate.step, after)) == [
        ("one", "will run", "version 2 added"),
        ("after", "will reuse", ""),
    ]


def test_gpus_are_given_out_one_to_a_step(project):
    project.write("nbpipe.toml", "[run]\ngpus = 2\njobs = 3\n")
    tell = "import os\nprint(os.environ.get('CUDA_VISIBLE_DEVICES'))\n"
    gates = [Gate(project, name) for name in ("one", "two", "three")]
    steps = [project.cell(name, tell + WAIT, arguments=[str(gate.path)], gpus=1)
             for name, gate in zip(("one", "two", "three"), gates, strict=True)]  # fmt: skip
    steps.append(project.cell("both", tell, gpus=2))
    steps[-1].run_after(steps[0])
    run = project.submit(*steps)
    eventually(lambda: sum(step.status == "running" for step in run.get_steps()) == 2)
    eventually(lambda: any(what == "a GPU" for _, what in queued(run)))
    for gate in gates:
        gate.open()
    assert ended(run) == "Finished"
    seen = [run.step(name).get_stdout_log().strip() for name in ("one", "two", "three")]
    assert {"0", "1"} == set(seen)
    assert run.step("both").get_stdout_log() == "0,1\n"


def test_of_the_gpus_the_user_may_see_a_step_sees_those_it_holds(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-9c02")
    step = project.cell("one", "import os\nprint(os.environ['CUDA_VISIBLE_DEVICES'])\n", gpus=2)
    assert project.run(step).step("one").get_stdout_log() == "5,GPU-9c02\n"


# Bad ends.


class Broken:
    """One step that fails with two behind it, and beside them one that is fine with one behind it."""

    def __init__(self, project: Project) -> None:
        self.gate = Gate(project, "fine")
        bad = project.cell("bad", "raise SystemExit(2)\n", "{>a}")
        after = project.cell("after", COPY, "{a} {>b}")
        last, then = project.cell("last", COPY, "{b} {>c}"), project.cell("then", COPY, "{>d}")
        then.run_after(self.gate.step)
        self.steps = [bad, after, last, self.gate.step, then]

    def ends(self, run: PipelineRun) -> str:
        """Let the step that is fine end when the other has failed."""
        assert self.gate.pid
        eventually(lambda: run.step("bad").status == "failed")
        self.gate.open()
        return ended(run)


def test_after_a_failure_what_runs_goes_on_and_nothing_else_is_started(project):
    broken = Broken(project)
    run = project.submit(*broken.steps, jobs=2)
    assert broken.ends(run) == "Failed"
    assert words(run) == {
        "bad": "failed", "after": "blocked", "last": "blocked", "fine": "done", "then": "cancelled",
    }  # fmt: skip
    assert ("after", "blocked", "bad (failed)") in story(run)
    assert run.step("then").stopped_by == "bad failed"


def test_after_a_failure_all_that_does_not_depend_on_it_runs_where_that_is_wished(project):
    broken = Broken(project)
    run = project.submit(*broken.steps, jobs=2, continue_on_step_failure=True)
    assert broken.ends(run) == "Failed"
    finished = run.events()[0][-1]
    assert isinstance(finished, RunFinished)
    assert finished.steps == {
        "bad": "failed", "after": "blocked", "last": "blocked", "fine": "run", "then": "run",
    }  # fmt: skip


def test_a_failed_step_is_tried_again_as_often_as_it_says(project):
    marks = project.root / "marks"
    script = f"""
        import sys
        with open({str(marks)!r}, "a+") as file:
            file.write("x")
            file.seek(0)
            count = len(file.read())
        print("attempt", count)
        if count < 3:
            raise ValueError("not yet")
        open(sys.argv[1], "w")
    """
    steps = [project.cell("one", script, "{>a}", retries=2), project.cell("two", COPY, "{a} {>b}")]
    run = project.run(*steps)
    assert words(run) == {"one": "done", "two": "done"}
    own = [event for event in run.step("one").state.events if isinstance(event, StepStarted | StepFailed)]
    assert [(type(event).__name__, event.attempt) for event in own] == [
        ("StepStarted", 1), ("StepFailed", 1), ("StepStarted", 2), ("StepFailed", 2), ("StepStarted", 3),
    ]  # fmt: skip
    assert {
        reason["text"] for event in own if isinstance(event, StepStarted) for reason in event.reasons
    } == {"never run"}
    assert run.step("one").get_stdout_log() == "attempt 3\n"
    assert planned(project.plan(*steps)) == [("one", "will reuse", ""), ("two", "will reuse", "")]


def test_a_step_that_fails_each_time_fails_in_the_end(project):
    run = project.run(project.cell("one", "raise SystemExit(1)\n", retries=1))
    failures = [event for event in run.events()[0] if isinstance(event, StepFailed)]
    assert [(event.attempt, event.will_retry) for event in failures] == [(1, True), (2, False)]
    assert run.status == "Failed"


def test_an_input_that_is_gone_when_its_step_would_start_fails_it(project):
    project.write("raw.csv", "1\n")
    remove = project.cell("remove", f"import os\nos.unlink({str(project.root / 'raw.csv')!r})\n")
    step = project.cell("one", COPY, "{./raw.csv} {>a}")
    step.run_after(remove)
    run = project.run(remove, step)
    assert story(run)[1] == ("one", "failed", "there is no raw.csv")


def test_a_result_that_comes_out_otherwise_is_noted_once_it_is_known(project):
    step = project.cell(
        "one", "import os, sys\nopen(sys.argv[1], 'wb').write(os.urandom(8))\n", "{>noise.bin}"
    )
    after = project.cell("two", COPY.replace("open(path)", "open(path, 'rb')").replace('"".join', 'b"".join')
                         .replace('"w"', '"wb"'), "{noise} {>copy}")  # fmt: skip
    first = project.run(step, after)
    second = project.run(step, after, force=["one"])
    assert words(second) == {"one": "done", "two": "done"}
    text = "one is not deterministic (noise.bin): its descendants always rerun"
    assert [[event.text for event in run.events()[0] if isinstance(event, StepNoted)] for run in (first, second)] == [
        [], [text],
    ]  # fmt: skip


# Wishes.


def test_a_cancelled_step_takes_its_whole_tree_with_it_and_blocks_what_needs_it(project, alive):
    stubborn = """
        import os, signal, subprocess, sys, time
        code = "import os, signal, time; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", code])
        print(os.getpid(), child.pid, flush=True)
        open(sys.argv[1], "w")
        time.sleep(600)
    """
    gate = Gate(project, "other")
    steps = [project.cell("one", stubborn, "{>a}"), project.cell("two", COPY, "{a} {>b}"), gate.step]
    run = project.submit(*steps, jobs=2)
    eventually(lambda: run.step("one").get_stdout_log().endswith("\n"))
    pids = [int(pid) for pid in run.step("one").get_stdout_log().split()]
    run.cancel("one")
    eventually(lambda: run.step("one").status == "cancelled")
    assert not any(alive(pid) for pid in pids)
    assert run.step("other").status == "running"
    gate.open()
    assert ended(run) == "Canceled"
    assert story(run) == [
        ("one", "cancelled", "you"), ("two", "blocked", "one (cancelled)"), ("other", "done", "never run"),
    ]  # fmt: skip
    assert planned(project.plan(*steps))[0] == ("one", "will run", "cancelled in run 1")


def test_a_cancelled_run_starts_nothing_any_more(project):
    gate = Gate(project, "one")
    waiting, after = Gate(project, "two"), project.cell("after", COPY, "{>a}")
    after.run_after(gate.step)
    run = project.submit(gate.step, waiting.step, after, jobs=1)
    assert gate.pid
    run.cancel(by="an impatient test")
    assert ended(run) == "Canceled"
    assert story(run) == [(step, "cancelled", "an impatient test") for step in ("one", "two", "after")]
    assert not waiting.begun.exists()


def test_a_step_that_has_not_begun_can_be_cancelled_alone(project):
    gate, other = Gate(project, "one"), Gate(project, "two")
    run = project.submit(gate.step, other.step, jobs=1)
    assert gate.pid
    run.cancel("two")
    eventually(lambda: run.step("two").status == "cancelled")
    gate.open()
    assert ended(run) == "Canceled"
    assert words(run) == {"one": "done", "two": "cancelled"}


def test_a_step_can_be_forced_while_its_run_goes_on(project):
    gate, after = Gate(project, "one"), project.cell("after", COPY, "{>a}")
    gate.open()
    after.run_after(gate.step)
    project.run(gate.step, after)
    gate.path.unlink()
    gate.begun.unlink()
    run = project.submit(gate.step, after, force=["one"])
    assert gate.pid
    run.force("after")
    eventually(lambda: not list(run.folder.requests.iterdir()))
    gate.open()
    assert ended(run) == "Finished"
    assert story(run)[1] == ("after", "done", "forced")


# Two that make the same.


def test_two_runs_of_one_pipeline_at_once_do_the_work_once(project):
    gate = Gate(project, "one")
    first = project.submit(gate.step)
    pid = gate.pid
    second = project.submit(gate.step)
    eventually(lambda: queued(second) == [("one", f"run {first.id}, which makes it")])
    gate.open()
    assert (ended(first), ended(second)) == ("Finished", "Finished")
    assert story(second) == [("one", "reused", "run 1")]
    assert gate.pid == pid


def test_a_run_that_waited_for_another_in_vain_does_the_work_itself(project):
    gate = Gate(project, "one")
    first = project.submit(gate.step)
    pid = gate.pid
    second = project.submit(gate.step)
    eventually(lambda: queued(second))
    first.cancel()
    assert ended(first) == "Canceled"
    eventually(lambda: gate.pid != pid)
    gate.open()
    assert ended(second) == "Finished"
    assert story(second) == [("one", "done", "cancelled in run 1")]


def test_two_steps_of_one_run_that_make_the_same_do_it_once(project):
    steps = [project.cell("one", COPY, "{>out}"), project.cell("two", COPY, "{>out}")]
    for step in steps:
        step.source = steps[0].source
        step.script_name = "one.py"
    run = project.run(*steps)
    assert sorted(words(run).values()) == ["done", "reused"]


def test_steps_of_one_name_are_told_apart(project):
    steps = [project.cell("train", COPY, f"{n} {{>out{n}}}", version=str(n)) for n in (1, 2)]
    for step in steps:
        step.arguments.pop(0)
    run = project.run(*steps)
    assert words(run) == {"train": "done", "train#2": "done"}
    assert [step.node_id for step in run.find_step_run("train#2")] == ["train#2"]
    assert words(project.run(*steps)) == {"train": "reused", "train#2": "reused"}


# Where the disk does not do what it should.


def test_a_run_whose_events_cannot_be_recorded_ends_instead_of_hanging(project):
    gate = Gate(project, "one")
    run = project.submit(gate.step)
    pid = gate.pid
    run.folder.events.rename(run.folder.path / "moved")
    run.folder.events.mkdir()
    gate.open()
    eventually(lambda: not run.live)
    eventually(lambda: "events.jsonl" in run.folder.runner_log.read_text("utf-8"))
    run.folder.events.rmdir()
    (run.folder.path / "moved").rename(run.folder.events)
    assert run.interrupted
    assert pid


def test_a_damaged_line_of_events_hides_no_other(project):
    run = project.run(project.cell("one", ""))
    lines = run.folder.events.read_bytes().splitlines(keepends=True)
    run.folder.events.write_bytes(lines[0] + b"{torn\n" + b'"no event"\n[]\n' + b"".join(lines[1:]))
    again = project.workspace.get_run("1")
    assert (again.status, words(again)) == ("Finished", {"one": "done"})
    assert json.loads(lines[-1])["event"] == "run_finished"
