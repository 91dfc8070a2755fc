"""One step of a run: its words, its output, its logs, what it was taken from."""

from __future__ import annotations

import pytest

from nbpipe.core.run_state import Status
from nbpipe.errors import ActivityFailedException, UnknownName
from nbpipe.run.step_run import V1_STATUS
from tests.projects import COPY
from tests.waiting import eventually

pytestmark = pytest.mark.runner


def test_a_step_that_ran_tells_all_of_it(project):
    project.write("raw.csv", "1\n")
    script = "import sys\nprint('out')\nprint('err', file=sys.stderr)\n" + COPY
    step = project.run(project.cell("one", script, "{./raw.csv} {>a.csv}")).step("one")
    assert (step.id, step.name, step.node_id, step.status, step.get_status()) == (
        "1.one",
        "one",
        "one",
        "done",
        "Finished",
    )
    assert (step.reused, step.reused_run, step.failure, step.stopped_by) == (False, "", None, "")
    assert (step.get_stdout_log(), step.get_stderr_log()) == ("out\n", "err\n")
    assert [str(reason) for reason in step.reasons] == ["never run"]
    assert len(step.fingerprint) == 64
    assert step.wall > 0
    assert step.get_output("a").path.read_text("utf-8") == "1\n"
    assert (step.get_output("a").name, step.get_output("a").size) == ("a", 2)
    assert step.properties == {}
    assert step.wait_for_completion(show_output=False) == "Finished"


def test_every_status_has_its_word_of_azure_ml():
    assert {str(status): V1_STATUS[status] for status in Status} == {
        "waiting": "NotStarted", "queued": "Queued", "running": "Running", "done": "Finished", "reused": "Finished",
        "failed": "Failed", "cancelled": "Canceled", "blocked": "NotStarted",
    }  # fmt: skip


def test_a_reused_step_tells_where_its_result_comes_from(project):
    def cell():
        return project.cell("one", "from nbpipe import Run\nRun.get_context().log('x', 1)\n" + COPY, "{>a}")

    first, again = project.run(cell()).step("one"), project.run(cell()).step("one")
    assert (again.status, again.get_status(), again.reused, again.reused_run) == (
        "reused",
        "Finished",
        True,
        "1",
    )
    assert again.properties == {
        "azureml.reusedrunid": "1.one", "azureml.reusednodeid": "one", "azureml.reusedpipeline": "1",
    }  # fmt: skip
    assert again.get_output("a").path == first.get_output("a").path
    assert again.fingerprint == first.fingerprint
    assert again.get_metrics() == {"x": 1}
    assert again.reasons == []
    assert again.wall == pytest.approx(first.wall, abs=1e-3)


def test_a_step_that_failed_says_how_and_raises_when_it_is_waited_for(project):
    run = project.submit(
        project.cell("one", "import sys\nraise KeyError('species')\n"), project.cell("two", "")
    )
    step = run.step("one")
    with pytest.raises(ActivityFailedException) as raised:
        step.wait_for_completion(show_output=False, timeout_seconds=30)
    assert "species" in raised.value.fact
    assert "line 2" in raised.value.fact
    assert step.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    assert (step.status, step.failure.code, step.failure.line) == ("failed", 1, 2)


def test_outputs_are_there_when_the_step_has_ended_well_and_an_unknown_name_lists_them(project):
    path = project.root / "go"
    script = f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)\n" + COPY
    run = project.submit(project.cell("one", script, "{>a}"))
    step = run.step("one")
    with pytest.raises(UnknownName, match="Step one of run 1 has no output a"):
        step.get_output("a")
    path.write_text("", "utf-8")
    step.wait_for_completion(show_output=False, timeout_seconds=30)
    with pytest.raises(UnknownName) as raised:
        step.get_output("b")
    assert raised.value.remedy == "It has: a"
    assert list(step.get_outputs()) == ["a"]


def test_logs_grow_while_the_step_runs_and_keep_their_order(project):
    path = project.root / "go"
    script = f"""
        import os, sys, time
        for number in range(3):
            print("out", number, flush=True)
            print("err", number, file=sys.stderr, flush=True)
            time.sleep(0.02)
        while not os.path.exists({str(path)!r}):
            time.sleep(0.01)
        print("end")
    """
    run = project.submit(project.cell("one", script))
    step = run.step("one")
    eventually(lambda: step.get_stderr_log().count("\n") == 3)
    chunks, position = step.log.read()
    assert b"".join(data for stream, data in chunks if stream == "stdout") == b"out 0\nout 1\nout 2\n"
    path.write_text("", "utf-8")
    step.wait_for_completion(show_output=False, timeout_seconds=30)
    assert step.log.read(position)[0] == [("stdout", b"end\n")]


def test_a_step_can_be_cancelled_by_itself(project):
    run = project.submit(project.cell("one", "import time\ntime.sleep(600)\n"))
    step = run.step("one")
    eventually(lambda: step.status == "running")
    assert step.get_status() == "Running"
    step.cancel()
    assert step.wait_for_completion(show_output=False, timeout_seconds=30, raise_on_error=False) == "Canceled"
    assert step.stopped_by == "you"
    with pytest.raises(ActivityFailedException, match="one was cancelled in run 1"):
        step.wait_for_completion(show_output=False)


def test_a_step_that_never_began_has_no_log_and_no_figures(project):
    run = project.run(project.cell("bad", "raise SystemExit(1)\n", "{>a}"), project.cell("two", "", "{a}"))
    step = run.step("two")
    assert (step.status, step.get_status()) == ("blocked", "NotStarted")
    assert (step.get_stdout_log(), step.log.read()[0], step.wall, step.cpu, step.peak_bytes) == (
        "",
        [],
        None,
        None,
        None,
    )
    assert (step.fingerprint, step.reasons, step.get_outputs(), step.files) == ("", [], {}, None)


def test_waiting_for_a_blocked_step_ends(project):
    run = project.submit(project.cell("bad", "raise SystemExit(1)\n", "{>a}"), project.cell("two", "", "{a}"))
    assert (
        run.step("two").wait_for_completion(show_output=False, timeout_seconds=30, raise_on_error=False)
        == "NotStarted"
    )
