"""One attempt at a step: how it may end, what it may not do to its inputs, what it tells and what it must not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nbpipe.core.dataset import Dataset
from tests.projects import COPY, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner


# Inputs that change.


def test_data_that_change_while_a_step_reads_them_fail_it(project):
    raw = project.write("raw.csv", "1\n")
    step = project.cell(
        "one",
        f"import sys\nopen({str(raw)!r}, 'a').write('2')\nopen(sys.argv[2], 'w')\n",
        "{./raw.csv} {>out}",
    )
    run = project.run(step)
    assert story(run) == [("one", "failed", "input changed while running: raw_csv")]
    assert run.step("one").failure.cause == "input"
    assert not list((project.root / ".nbpipe" / "results").iterdir())


def test_data_that_are_only_touched_fail_nothing(project):
    raw = project.write("raw.csv", "1\n")
    run = project.run(project.cell("one", f"import os\nos.utime({str(raw)!r}, (1, 1))\n", "{./raw.csv}"))
    assert words(run) == {"one": "done"}


def test_data_that_change_before_a_step_starts_are_read_as_they_are_then(project):
    raw = project.write("raw.csv", "old")
    go = project.root / "go"
    wait = project.cell("wait", f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n")
    step = project.cell("one", COPY, "{./raw.csv} {>out}")
    step.run_after(wait)
    run = project.submit(wait, step)
    raw.write_text("new", "utf-8")
    go.write_text("", "utf-8")
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    assert project.text(run, "one", "out") == "new"
    assert planned(project.plan(wait, step))[1] == ("one", "will reuse", "")


FORCE_WRITE = "import os, sys\nos.chmod(sys.argv[1], 0o644)\nopen(sys.argv[1], 'a').write('x')\n"


@pytest.mark.parametrize(
    ("ending", "word"),
    [("", "failed"), ("raise SystemExit(1)\n", "failed"), ("os.kill(os.getpid(), 9)\n", "failed")],
)
def test_a_result_that_a_step_changed_is_taken_out_of_the_store_however_the_step_ends(project, ending, word):
    prep = project.cell("prep", "import sys\nopen(sys.argv[1], 'w').write('clean')\n", "{>clean.csv}")
    bad = project.cell("bad", FORCE_WRITE + ending, "{clean}")
    run = project.run(prep, bad)
    assert words(run) == {"prep": "done", "bad": word}
    if not ending:
        assert run.step("bad").failure.message == "input changed while running: clean"
    assert planned(project.plan(prep, bad))[0] == ("prep", "will run", "{clean} of run 1 is gone")
    again = project.run(prep, project.cell("good", COPY, "{clean} {>copy}"))
    assert project.text(again, "good", "copy") == "clean"


# Ends.


def test_the_exit_code_the_last_exception_and_its_line_are_told(project):
    run = project.run(project.cell("one", "import sys\n\ndef f():\n    raise ValueError('no rows')\n\nf()\n"))
    failure = run.step("one").failure
    assert (failure.cause, failure.code, failure.signal, failure.line) == ("exit", 1, None, 4)
    assert "no rows" in failure.message


def test_a_signal_is_told(project):
    failure = (
        project.run(project.cell("one", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"))
        .step("one")
        .failure
    )
    assert (failure.cause, failure.code, failure.signal) == ("signal", None, 11)


def test_a_step_that_takes_too_long_is_cancelled_and_its_run_failed(project):
    steps = [
        project.cell("slow", "import time\ntime.sleep(600)\n", "{>a}", timeout=0.3, retries=3),
        project.cell("after", "", "{a}"),
    ]
    run = project.run(*steps)
    assert story(run) == [
        ("slow", "cancelled", "time-out after 0.3 s"),
        ("after", "blocked", "slow (cancelled)"),
    ]
    assert run.status == "Failed"
    assert planned(project.plan(*steps))[0] == ("slow", "will run", "cancelled in run 1")


def test_a_step_that_uses_too_much_memory_is_ended_and_says_so(project):
    script = "import time\nblock = bytearray(300 * 2**20)\ntime.sleep(600)\n"
    failure = project.run(project.cell("one", script, memory=100 * 2**20)).step("one").failure
    assert failure.cause == "memory"


def test_what_a_step_used_is_told(project):
    script = "block = bytearray(64 * 2**20)\nfor _ in range(3 * 10**6): pass\n"
    step = project.run(project.cell("one", script)).step("one")
    assert step.peak_bytes > 64 * 2**20
    assert step.cpu > 0
    assert step.wall > 0


def test_nothing_that_a_step_started_outlives_it(project, alive):
    script = """
        import subprocess, sys
        code = "import os, signal, time; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        print(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL).pid)
    """
    run = project.run(project.cell("one", script))
    assert words(run) == {"one": "done"}
    assert not alive(int(run.step("one").get_stdout_log()))


def test_an_interpreter_that_is_gone_when_the_step_starts_fails_it_and_says_so(project, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    remove = project.cell("remove", f"import shutil\nshutil.rmtree({str(tmp_path / 'venv')!r})\n")
    step = project.cell("one", "", python=str(tmp_path / "venv"))
    step.run_after(remove)
    failure = project.run(remove, step).step("one").failure
    assert failure.cause == "start"
    assert str(tmp_path / "venv") in failure.message
    assert "was to run with it.\nThe one nbpipe runs with is:" in failure.remedy


def test_an_argument_that_no_process_can_have_fails_the_step(project):
    failure = project.run(project.cell("one", "", arguments=["a\0b"])).step("one").failure
    assert failure.cause == "start"
    assert failure.message
    assert "no text may hold a NUL" in failure.remedy  # where it is: the second line of the error


# Secrets.


SECRET = "s3cr3t-" + "value-nobody-may-see"


def test_a_secret_reaches_the_step_and_never_the_disk(project, monkeypatch):
    monkeypatch.setenv("API_KEY", SECRET)
    script = """
        import os, sys
        from nbpipe import Run
        key = os.environ["API_KEY"]
        assert len(key) == 27
        print("key", key)
        sys.stderr.write("failed with " + key)
        run = Run.get_context()
        run.tag("key", key)
        run.log("metric " + key, key)
        raise ValueError("bad key " + key)
    """
    run = project.run(project.cell("one", script, secret_variables=["API_KEY"]))
    step = run.step("one")
    assert step.get_stdout_log() == "key ***\n"
    assert "bad key ***" in step.failure.message
    assert step.tags == {"key": "***"}
    for path in (project.root / ".nbpipe").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_step_without_its_secret_does_not_start(project, monkeypatch):
    monkeypatch.delenv("API_KEY", raising=False)
    run = project.run(project.cell("one", "print('began')\n", secret_variables=["API_KEY"]))
    assert story(run) == [("one", "failed", "the secret API_KEY was not set when the run was submitted.")]
    assert run.step("one").get_stdout_log() == ""


def test_the_value_of_a_variable_that_counts_is_not_written_either(project, monkeypatch):
    monkeypatch.setenv("PLACE", SECRET)
    project.run(project.cell("one", "", inherited_variables=["PLACE"]))
    for path in (project.root / ".nbpipe").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_the_submitters_environment_is_not_written(project, monkeypatch):
    monkeypatch.setenv("SOMETHING", SECRET)
    run = project.run(project.cell("one", "import os\nassert os.environ['SOMETHING']\n"))
    assert words(run) == {"one": "done"}
    for path in (project.root / ".nbpipe").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


# What the script says of its run.


def test_metrics_tags_and_properties_are_there_while_the_step_runs(project):
    go = project.root / "go"
    script = f"""
        import os, time
        from nbpipe import Run
        run = Run.get_context()
        for loss in (0.3, 0.1):
            run.log("loss", loss)
        run.log("rows", 3)
        run.log_list("all", [1, 2])
        run.log_row("table", x=1, y=2)
        run.log_row("table", x=3, y=4)
        run.tag("kind", "trial")
        run.tag("gone", "x")
        run.remove_tags("gone")
        run.add_properties({{"by": "hand"}})
        run.parent.tag("best", "yes")
        run.parent.log("score", 0.9)
        while not os.path.exists({str(go)!r}):
            time.sleep(0.01)
    """
    step = project.cell("one", script)
    run = project.submit(step)
    live = run.step("one")
    eventually(lambda: "best" in run.tags)
    metrics = {"loss": [0.3, 0.1], "rows": 3, "all": [1, 2], "table": {"x": [1, 3], "y": [2, 4]}}
    assert live.get_metrics() == metrics
    assert live.tags == {"kind": "trial"}
    assert live.properties["by"] == "hand"
    assert dict(run.tags) == {"best": "yes"}
    assert run.get_metrics() == {"score": 0.9}
    assert run.get_metrics(recursive=True) == {"one": metrics}
    go.write_text("", "utf-8")
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    again = project.run(step)
    assert again.step("one").reused
    assert again.step("one").get_metrics() == metrics


def test_a_script_may_say_that_it_failed(project):
    script = "from nbpipe import Run\nRun.get_context().fail('no rows left\\nat all')\n"
    failure = project.run(project.cell("one", script)).step("one").failure
    assert (failure.cause, failure.message, failure.code) == ("exit", "no rows left", 0)


def test_a_step_knows_its_run_in_an_interpreter_without_nbpipe(project, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    script = """
        import sys
        from nbpipe import Run
        run = Run.get_context()
        run.log("where", sys.prefix)
        print(run.id, run.parent.id, run.experiment.name, run.experiment.workspace.name, sorted(run.input_datasets))
    """
    project.write("raw.csv", "1\n")
    step = project.run(project.cell("one", script, "{./raw.csv}", python=str(tmp_path / "venv"))).step("one")
    assert step.get_metrics() == {"where": str(tmp_path / "venv")}
    assert step.get_stdout_log() == "1.one 1 demo work ['raw_csv']\n"


def test_datasets_are_found_by_name_whatever_else_is_called_so(project):
    project.write("raw.csv", "1\n")
    data = Dataset.File.from_files("raw.csv").as_named_input("HOME").as_mount()
    script = "from nbpipe import Run\nrun = Run.get_context()\nprint(dict(run.input_datasets))\n"
    run = project.run(project.cell("one", script, arguments=[data]))
    assert run.step("one").get_stdout_log() == f"{ {'HOME': str(project.root / 'raw.csv')} }\n"
