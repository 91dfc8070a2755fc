"""One attempt at a step: what its script finds, what is kept of what it leaves, and how it may end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset, OutputFileDatasetConfig
from nbpipe.core.parameter import PipelineParameter
from tests.projects import COPY, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner

TELL = "import json, os, sys\nprint(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), 'cwd': os.getcwd()}))\n"


def told(run, step="one") -> dict:
    return json.loads(run.step(step).get_stdout_log())


# What the script finds.


def test_every_kind_of_argument_reaches_the_script_as_v1_says(project):
    project.write("raw.csv", "1\n")
    project.write("data/a.csv", "1\n")
    made, folder = PipelineData("made"), OutputFileDatasetConfig("folder")
    prep = project.cell("prep", "import sys\nopen(sys.argv[1], 'w').write('x')\nopen(sys.argv[2] + '/y', 'w')\n",
                        arguments=[made, folder], outputs=[made])  # fmt: skip
    out, place = PipelineData("out"), OutputFileDatasetConfig("place")
    single = Dataset.File.from_files("raw.csv").as_named_input("single")
    several = Dataset.File.from_files("data/*.csv").as_named_input("several")
    lr = PipelineParameter("lr", 0.1)
    arguments = [
        "--text", 3, 1.5, lr, "parameter:k", "parameter:unknown", out, place, made, folder.as_input(),
        single.as_mount(), several.as_mount(), single.as_named_input("copy").as_download(),
        single.as_named_input("id").as_direct(), str(made),
    ]  # fmt: skip
    step = project.cell(
        "one", TELL + "open(sys.argv[7], 'w')\nassert os.path.isdir(sys.argv[8])\n", arguments=arguments,
        inputs=[made], outputs=[out], params={"k": 7},
    )  # fmt: skip
    run = project.run(prep, step, pipeline_parameters={"lr": 0.2})
    assert words(run) == {"prep": "done", "one": "done"}, story(run)
    argv = told(run)["argv"]
    assert argv[:6] == ["--text", "3", "1.5", "0.2", "7", "parameter:unknown"]
    found = dict(
        zip(
            ("out", "place", "made", "folder", "single", "several", "copy", "id", "text"),
            argv[6:],
            strict=True,
        )
    )
    assert Path(found["made"]) == run.step("prep").get_output("made").path
    assert found["text"] == found["made"]
    assert Path(found["folder"]) == run.step("prep").get_output("folder").path
    assert found["single"] == str(project.root / "raw.csv")
    assert found["several"].endswith("/in/several")
    assert found["copy"].endswith("/in/copy/raw.csv")
    assert len(found["id"]) == 64
    environment = told(run)["env"]
    assert environment["AML_PARAMETER_lr"] == "0.2"
    assert environment["AML_PARAMETER_k"] == "7"
    assert environment["single"] == environment["SINGLE"] == found["single"]
    assert environment["AZUREML_DATAREFERENCE_made"] == found["made"]


def test_a_step_works_in_a_private_copy_of_its_code(project):
    project.write("src/one/near.txt", "beside")
    script = (
        TELL
        + "assert open('near.txt').read() == 'beside'\nopen('near.txt', 'w').write('x')\nopen('new', 'w')\n"
    )
    run = project.run(project.folder_step("one", script))
    assert words(run) == {"one": "done"}
    cwd = Path(told(run)["cwd"])
    assert cwd.is_relative_to(project.root / ".nbpipe" / "runs" / "1")
    assert not cwd.exists()
    assert (project.root / "src/one/near.txt").read_text("utf-8") == "beside"
    assert sorted(path.name for path in (project.root / "src/one").iterdir()) == ["near.txt", "one.py"]


def test_files_keep_their_executable_bit_in_the_copy(project):
    tool = project.write("src/one/tool.sh", "#!/bin/sh\necho from the tool\n")
    tool.chmod(0o755)
    run = project.run(
        project.folder_step("one", "import subprocess\nsubprocess.run(['./tool.sh'], check=True)\n")
    )
    assert run.step("one").get_stdout_log() == "from the tool\n"


def test_the_modules_a_cell_imports_and_what_it_takes_along_lie_beside_it(project):
    project.write("helpers.py", "import lib.deep\nNAME = lib.deep.NAME\n")
    project.write("lib/__init__.py", "")
    project.write("lib/deep.py", "NAME = 'deep'\n")
    project.write("extra/table.txt", "table")
    project.write("words.txt", "words")
    script = "import helpers\nprint(helpers.NAME, open('words.txt').read(), open('extra/table.txt').read())\n"
    run = project.run(project.cell("one", script, extra=["words.txt", "extra"]))
    assert run.step("one").get_stdout_log() == "deep words table\n"


def test_what_a_kernel_added_and_nothing_else_is_missing_from_a_steps_environment(project, monkeypatch):
    for name, value in {
        "JPY_PARENT_PID": "1",
        "MPLBACKEND": "inline",
        "PAGER": "cat",
        "MINE": "kept",
    }.items():
        monkeypatch.setenv(name, value)
    environment = told(project.run(project.cell("one", TELL)))["env"]
    assert environment["MINE"] == "kept"
    assert environment["MPLBACKEND"] == "Agg"
    assert not environment.keys() & {"JPY_PARENT_PID", "PAGER"}
    assert environment["PATH"] == os.environ["PATH"]


def test_a_mounted_input_cannot_be_written_and_a_downloaded_one_is_private(project):
    data = PipelineData("data")
    prep = project.cell("prep", COPY, arguments=[data], outputs=[data])
    change = "import sys\nopen(sys.argv[1], 'a').write('more')\n"
    run = project.run(
        prep, project.cell("copy", change, arguments=[data.as_download()], inputs=[data.as_download()])
    )
    assert words(run) == {"prep": "done", "copy": "done"}
    assert project.text(run, "prep", "data") == ""
    path = run.step("prep").get_output("data").path
    assert path.stat().st_mode & 0o222 == 0


# What is kept.


def test_outputs_of_every_form_are_taken_into_the_store(project):
    script = (
        "import os, sys\nopen(sys.argv[1], 'w').write('file')\nopen(sys.argv[2] + '/a', 'w').write('folder')\n"
        "os.makedirs(sys.argv[3] + '/deep')\nopen(sys.argv[3] + '/deep/b', 'w').write('any')\n"
    )
    run = project.run(project.cell("one", script, "{>file.txt} {>folder/} {>any}"))
    outputs = run.step("one").get_outputs()
    assert outputs["file"].path.name == "file.txt"
    assert [outputs[name].path.joinpath(*rest).read_text("utf-8") for name, *rest in
            [("file",), ("folder", "a"), ("any", "deep", "b")]] == ["file", "folder", "any"]  # fmt: skip
    assert outputs["file"].size == 4


@pytest.mark.parametrize(
    ("line", "script", "message"),
    [
        ("{>out.csv}", "", "one ended well but wrote no {out}."),
        ("{>out.csv}", "import os, sys\nos.mkdir(sys.argv[1])\n", "{out}"),
        ("{>out/}", "import os, sys\nos.rmdir(sys.argv[1])\nopen(sys.argv[1], 'w')\n", "{out}"),
        ("{>out/}", "import os, sys\nos.symlink('/etc/hosts', sys.argv[1] + '/hosts')\n", "hosts"),
        (
            "{>out.csv}",
            "import os, sys\nos.symlink('/etc/hosts', sys.argv[1])\n",
            "out.csv is a link to /etc/hosts",
        ),
        ("{>out/}", "import os, sys\nos.mkfifo(sys.argv[1] + '/pipe')\n", "pipe"),
    ],
)
def test_an_output_that_is_not_what_was_declared_fails_the_step_and_nothing_is_published(
    project, line, script, message
):
    step = project.cell("one", script, line)
    run = project.run(step)
    assert run.step("one").failure.cause == "output"
    assert message in run.step("one").failure.message
    assert not list((project.root / ".nbpipe" / "results").iterdir())
    assert planned(project.plan(step))[0][1:] == ("will run", "failed in run 1")


def test_what_was_written_instead_is_named(project):
    run = project.run(project.cell("prep", "open('clean_data.csv', 'w')\n", "--out {>clean.csv}"))
    failure = run.step("prep").failure
    assert failure.message.startswith("prep ended well but wrote no {clean}.")
    assert "clean_data.csv" in failure.message + failure.remedy


def test_outputs_and_uploads_are_kept_and_logs_are_there_while_it_runs(project):
    go = project.root / "go"
    script = f"""
        import os, time
        from nbpipe import Run
        open("outputs/kept.txt", "w").write("kept")
        open("logs/live.txt", "w").write("live")
        open("source.txt", "w").write("uploaded")
        Run.get_context().upload_file("deep/up.txt", "source.txt")
        while not os.path.exists({str(go)!r}):
            time.sleep(0.01)
    """
    run = project.submit(project.cell("one", script))
    live = run.folder.attempt(0, "one", 1) / "logs" / "live.txt"
    eventually(lambda: live.exists() and live.read_text("utf-8") == "live")
    go.write_text("", "utf-8")
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"
    kept = run.step("one").files
    assert sorted(path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()) == [
        "deep/up.txt",
        "kept.txt",
    ]
    assert live.read_text("utf-8") == "live"
    again = project.run(project.cell("one", script))
    assert again.step("one").files == kept


def test_what_a_failed_step_left_in_outputs_is_kept_too(project):
    run = project.run(
        project.cell("one", "open('outputs/state.txt', 'w').write('so far')\nraise SystemExit(3)\n")
    )
    assert run.step("one").failure.code == 3
    assert (run.step("one").files / "state.txt").read_text("utf-8") == "so far"


def test_a_step_without_leavings_has_no_files(project):
    assert project.run(project.cell("one", "")).step("one").files is None


def test_binary_garbage_is_kept_as_it_came(project):
    garbage = bytes(range(256)) * 40
    script = f"import sys\nsys.stdout.buffer.write({garbage!r})\nsys.stderr.buffer.write(b'\\xff\\n')\n"
    step = project.run(project.cell("one", script)).step("one")
    assert step.log.paths["stdout"].read_bytes() == garbage
    assert step.get_stderr_log() == "\ufffd\n"


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


def test_an_argument_that_no_process_can_have_fails_the_step(project):
    failure = project.run(project.cell("one", "", arguments=["a\0b"])).step("one").failure
    assert failure.cause == "start"
    assert failure.message


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


def test_the_value_of_a_variable_that_counts_is_not_written_either(project, monkeypatch):
    monkeypatch.setenv("PLACE", SECRET)
    project.run(project.cell("one", "", inherited_variables=["PLACE"]))
    for path in (project.root / ".nbpipe").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_the_submitters_environment_is_not_written(project, monkeypatch):
    monkeypatch.setenv("SOMETHING", SECRET)
    assert (
        told(project.run(project.cell("one", "import os\nassert os.environ['SOMETHING']\nprint('{}')\n")))
        == {}
    )
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
