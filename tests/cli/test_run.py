"""``nbpipe run`` as a process: what it prints, how it exits, and what Ctrl-C does."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.waiting import eventually

pytestmark = pytest.mark.runner

WAIT = "import pathlib, time\nprint('begun', flush=True)\nwhile not pathlib.Path(r'{}').exists(): time.sleep(.02)\n"


def slow(terminal: Terminal) -> Path:
    """Let ``prep`` wait for a file."""
    gate = terminal.folder.parent / "gate"
    terminal.write("prep/prep.py", WAIT.format(gate) + "import sys\nopen(sys.argv[1], 'w').write('a')\n")
    return gate


def begun(terminal: Terminal) -> bool:
    run = terminal.workspace.latest_run()
    return run is not None and "begun" in run.step("prep").get_stdout_log()


def test_a_pipeline_runs_and_is_reused(terminal: Terminal) -> None:
    first = terminal.type("run", "pipeline.py")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0].startswith("* prep: running")
    assert {"prep | prepared", "train | trained with 0.1"} <= set(first.stdout.splitlines())
    again = terminal.type("run", "pipeline.py")
    assert again.returncode == 0
    assert "Nothing to do: 2 of 2 reused" in again.stdout
    assert again.stdout.endswith("To run one all the same:  nbpipe run pipeline.py --force prep\n")


def test_events_are_told_as_json_and_the_last_is_the_end(terminal: Terminal) -> None:
    told = terminal.json("run", "pipeline.py")
    assert [each["event"] for each in told] == [
        "run_started", "step_started", "step_finished", "step_started", "step_finished", "run_finished",
    ]  # fmt: skip
    assert told[-1] == {
        "event": "run_finished", "run": "1", "status": "Finished", "steps": {"prep": "run", "train": "run"},
    }  # fmt: skip
    edited = terminal.folder / "train" / "train.py"
    edited.write_text(edited.read_text() + "raise SystemExit(3)\n")
    assert terminal.json("run", "pipeline.py")[-1]["steps"] == {"prep": "reused", "train": "failed"}


def test_it_works_from_another_folder_and_writes_where_the_user_stands(terminal: Terminal) -> None:
    elsewhere = terminal.folder.parent / "elsewhere"
    elsewhere.mkdir()
    done = terminal.type("run", "../work/pipeline.py", "--summary", "summary.md", cwd=elsewhere)
    assert done.returncode == 0
    assert [path.name for path in elsewhere.iterdir()] == ["summary.md"]
    assert [run.id for run in terminal.workspace.runs()] == ["1"]


def test_parameters_forced_steps_and_chosen_steps_are_heeded(terminal: Terminal) -> None:
    def steps(*words: str) -> dict[str, str]:
        return terminal.json("run", "pipeline.py", *words)[-1]["steps"]

    assert steps("--only", "prep") == {"prep": "run"}
    assert steps("--param", "lr=0.5", "--jobs", "1", "--target", "local") == {
        "prep": "reused",
        "train": "run",
    }
    assert steps("--param", "lr=0.5", "--force", "train") == {"prep": "reused", "train": "run"}
    assert steps("--force", "all") == {"prep": "run", "train": "run"}
    assert "0.5" in (terminal.workspace.get_run("3").step("train").get_stdout_log())


EXITS = [
    ("finished", {}, [], 0),
    ("a step failed", {"train/train.py": "raise SystemExit(3)"}, [], 1),
    ("no such parameter", {}, ["--param", "x=1"], 2),
    ("no such step", {}, ["--force", "trian"], 2),
    ("no such target", {}, ["--target", "gpu"], 2),
    ("the file fails", {"pipeline.py": "1 / 0"}, [], 2),
    ("a script is missing", {"pipeline.py": "import shutil; shutil.rmtree('prep')\nimport flow"}, [], 2),
    ("a step in another's state folder", {".nbpipe/other": ""}, [], 2),
]


@pytest.mark.parametrize(
    ("files", "options", "code"), [case[1:] for case in EXITS], ids=[c[0] for c in EXITS]
)
def test_the_exit_code_tells_how_it_ended(
    files: dict[str, str], options: list[str], code: int, terminal: Terminal
) -> None:
    (terminal.folder / "flow.py").write_text((terminal.folder / "pipeline.py").read_text())
    for name, text in files.items():
        terminal.write(name, text)
    done = terminal.type("run", "pipeline.py", *options)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (done.stderr != "") == (code == 2)


def test_a_failed_step_stops_the_rest_or_not(terminal: Terminal) -> None:
    terminal.write(
        "wide.py",
        """\
        from nbpipe import Pipeline, PythonScriptStep, Workspace
        bad = PythonScriptStep("bad.py", "bad", source_directory="bad")
        good = PythonScriptStep("prep.py", "good", ["out"], source_directory="prep")
        last = PythonScriptStep("prep.py", "last", ["other"], source_directory="prep")
        last.run_after(good)
        pipeline = Pipeline(Workspace.open("."), [bad, last])
        """,
    )
    terminal.write("bad/bad.py", "raise SystemExit(1)")
    go_on = terminal.json("run", "wide.py", "--jobs", "1", "--continue-on-failure")
    assert go_on[-1]["steps"] == {"bad": "failed", "good": "run", "last": "run"}
    stopped = terminal.json("run", "wide.py", "--jobs", "1", "--force", "all")
    assert stopped[-1]["steps"] == {"bad": "failed", "good": "cancelled", "last": "cancelled"}


def test_a_summary_is_written_and_github_s_is_added_to(terminal: Terminal) -> None:
    target = terminal.folder / "summary.md"
    target.write_text("before\n")
    env = {**os.environ, "GITHUB_STEP_SUMMARY": str(target)}
    terminal.type("run", "pipeline.py", env=env)
    told = target.read_text()
    assert told.startswith("before\n")
    assert "```mermaid" in told
    terminal.type("run", "pipeline.py", "--summary", "own.md", env=env)
    assert target.read_text() == told
    own = (terminal.folder / "own.md").read_text()
    assert "Nothing to do: 2 of 2 reused" in own
    assert "nbpipe run pipeline.py --force" in own
    assert terminal.type("run", "pipeline.py", "--summary", "missing/own.md").returncode == 2


def test_ctrl_c_stops_the_run_and_waits_for_its_end(terminal: Terminal) -> None:
    slow(terminal)
    process = terminal.start("run", "pipeline.py")
    eventually(lambda: begun(terminal))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run 1 is being stopped." in err
    assert "o prep: cancelled: stopped by you" in out
    assert "Traceback" not in err
    assert terminal.workspace.get_run("1").status == "Canceled"


def test_a_second_ctrl_c_leaves_the_run_to_end_by_itself(terminal: Terminal) -> None:
    gate = slow(terminal)
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    terminal.write("prep/prep.py", stubborn + WAIT.format(gate))
    process = terminal.start("run", "pipeline.py")
    eventually(lambda: begun(terminal))
    process.send_signal(signal.SIGINT)
    eventually(lambda: terminal.workspace.get_run("1").state.stop_requested)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "Run 1 ends by itself." in err
    gate.touch()


def test_a_run_whose_runner_is_killed_has_failed(terminal: Terminal) -> None:
    slow(terminal)
    process = terminal.start("run", "pipeline.py", "--json")
    eventually(lambda: begun(terminal))
    os.kill(terminal.workspace.get_run("1").state.started.pid, signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out.splitlines()[-1]) == {
        "event": "run_finished", "run": "1", "status": "Failed", "steps": {"prep": "failed", "train": "cancelled"},
    }  # fmt: skip


def test_a_reader_that_leaves_is_no_error(terminal: Terminal) -> None:
    terminal.write("prep/prep.py", "import sys\nprint('x\\n' * 200000)\nopen(sys.argv[1], 'w')\n")
    process = terminal.start("run", "pipeline.py")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        assert stderr.read() == ""
    process.wait(timeout=60)
    eventually(lambda: terminal.workspace.get_run("1").status == "Finished")


def test_in_a_terminal_the_run_is_shown_live_and_its_end_stays(terminal: Terminal) -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    process = terminal.start("run", "pipeline.py", stdout=theirs, stderr=subprocess.PIPE, env=env)
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            seen += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"\x1b[" in seen
    assert "v train" in seen.decode().splitlines()[-1] or "v train" in seen.decode()


def test_a_cell_that_calls_nbpipe_while_its_notebook_is_read_starts_nothing(terminal: Terminal) -> None:
    done = terminal.type("run", "pipeline.py", env={**os.environ, "NBPIPE_DECLARE": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert terminal.workspace.runs() == []
