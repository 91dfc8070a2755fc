"""The other verbs on a pipeline that has run: plan, explain, logs, graph, runs, stop, gc."""

from __future__ import annotations

import json

import pytest

from nbpipe.core.compute import ComputeTarget
from nbpipe.execution.far_environment import KEPT
from nbpipe.execution.kept_here import KeptHere
from nbpipe.loading.load import load
from tests.cli.conftest import Terminal
from tests.cli.test_run import begun, slow
from tests.waiting import eventually

pytestmark = pytest.mark.runner


def test_a_plan_starts_nothing_and_can_be_checked(terminal: Terminal) -> None:
    new = terminal.type("plan", "pipeline.py", "--check")
    assert new.returncode == 3
    assert [line.split()[:3] for line in new.stdout.splitlines()[:3]] == [
        ["pipeline:", "2", "will"], ["+", "prep", "new"], ["+", "train", "new"],
    ]  # fmt: skip
    assert terminal.workspace.runs() == []
    assert terminal.type("plan", "pipeline.py").returncode == 0
    terminal.type("run", "pipeline.py")
    assert terminal.type("plan", "pipeline.py", "--check").returncode == 0
    forced = terminal.json("plan", "pipeline.py", "--force", "train")
    assert [(each["node"], each["action"]) for each in forced[:-1]] == [("prep", "reuse"), ("train", "run")]
    assert forced[-1]["event"] == "plan_made"


def test_an_input_that_is_missing_is_planned_as_blocked_and_exits_two(terminal: Terminal) -> None:
    terminal.write(
        "blocked.py",
        """\
        from nbpipe import Dataset, Pipeline, PythonScriptStep, Workspace
        raw = Dataset.File.from_files("gone.csv").as_named_input("raw").as_mount()
        step = PythonScriptStep("prep.py", "prep", [raw], inputs=[raw], source_directory="prep")
        pipeline = Pipeline(Workspace.open("."), [step])
        """,
    )
    planned = terminal.type("plan", "blocked.py")
    assert (planned.returncode, "- prep" in planned.stdout) == (2, True)
    run = terminal.type("run", "blocked.py")
    assert (run.returncode, "gone.csv" in run.stderr) == (2, True)


def test_a_step_is_explained_by_the_plan_or_by_the_latest_run(terminal: Terminal) -> None:
    terminal.type("run", "pipeline.py")
    script = terminal.folder / "train" / "train.py"
    script.write_text(script.read_text().replace("a remark", "another remark"))
    planned = terminal.type("explain", "train", "pipeline.py").stdout
    assert planned.startswith("> train: will run\n  train.py line 3 changed.")
    assert "    +print('another remark', file=sys.stderr)" in planned
    assert terminal.type("explain", "train").stdout.startswith("v train: done\n")
    (told,) = terminal.json("explain", "train", "pipeline.py", "--receipt")
    assert (told["event"], told["step"], told["status"]) == ("explained", "train", "will run")
    assert terminal.type("explain", "trian").returncode == 2
    assert "explain STEP pipeline.py" in terminal.type("explain", "pipeline.py").stderr


def test_logs_are_those_of_the_latest_run_each_stream_apart(terminal: Terminal) -> None:
    terminal.type("run", "pipeline.py")
    shown = terminal.type("logs", "train")
    assert (shown.stdout, shown.stderr) == ("trained with 0.1\n", "a remark\n")
    terminal.type("run", "pipeline.py")
    reused = terminal.type("logs", "train", "pipeline.py")
    assert reused.stdout == "trained with 0.1\n"
    assert "train was reused; this is its log of run 1." in reused.stderr
    assert terminal.json("logs", "prep", "--run", "1") == [
        {"event": "log", "step": "prep", "stream": "stdout", "text": "prepared\n"}
    ]
    assert "Steps: prep, train" in terminal.type("logs", "trian").stderr


def test_logs_are_followed_until_the_step_has_ended(terminal: Terminal) -> None:
    gate = slow(terminal)
    run = terminal.start("run", "pipeline.py")
    eventually(lambda: begun(terminal))
    logs = terminal.start("logs", "-f", "prep")
    assert logs.stdout is not None
    assert logs.stdout.readline() == "begun\n"
    gate.touch()
    assert logs.communicate(timeout=60)[0] == ""
    assert logs.returncode == 0
    run.communicate(timeout=60)


def test_a_graph_is_written_in_every_form_and_runs_from_its_file(terminal: Terminal) -> None:
    shown = terminal.type("graph", "pipeline.py", "--svg", "a.svg", "--dot", "a.dot", "--save", "graph.json")
    assert shown.returncode == 0
    assert (terminal.folder / "a.svg").read_text().startswith("<svg ")
    assert (terminal.folder / "a.dot").read_text().startswith("digraph ")
    assert load("graph.json").graph.to_json() == load("pipeline.py").graph.to_json()
    assert str(terminal.folder) not in (terminal.folder / "graph.json").read_text()
    terminal.type("run", "pipeline.py")
    assert terminal.json("run", "graph.json")[-1]["steps"] == {"prep": "reused", "train": "reused"}
    (told,) = terminal.json("graph", "graph.json")
    assert [node["name"] for node in told["graph"]["nodes"]] == ["prep", "train"]
    assert terminal.type("graph", "pipeline.py", "--svg", "missing/a.svg").returncode == 2


def test_runs_are_listed_newest_first(terminal: Terminal) -> None:
    assert terminal.json("runs") == []
    terminal.type("run", "pipeline.py")
    terminal.type("run", "pipeline.py")
    told = terminal.json("runs")
    assert [(each["event"], each["run"], each["status"]) for each in told] == [
        ("run", "2", "Finished"), ("run", "1", "Finished"),
    ]  # fmt: skip
    assert told[0]["started"] > told[1]["started"]
    lines = terminal.type("runs").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "2", "1"]
    above = terminal.type("runs", cwd=terminal.folder.parent).stdout
    assert "nbpipe runs work" in above
    assert terminal.type("runs", "work/pipeline.py", cwd=terminal.folder.parent).stdout.splitlines() == lines


def test_a_run_that_cannot_be_read_is_named_and_the_rest_listed(terminal: Terminal) -> None:
    terminal.type("run", "pipeline.py")
    terminal.type("run", "pipeline.py")
    (terminal.folder / ".nbpipe/runs/1/graph.json").write_text("{")
    done = terminal.type("runs", "--json")
    assert [json.loads(line)["run"] for line in done.stdout.splitlines()] == ["2"]
    assert "Run 1 cannot be read" in done.stderr
    assert terminal.type("doctor").returncode == 0


def test_a_run_is_stopped_from_elsewhere(terminal: Terminal) -> None:
    assert "No run is going on" in terminal.type("stop").stdout
    slow(terminal)
    run = terminal.start("run", "pipeline.py", "--json")
    eventually(lambda: begun(terminal))
    assert terminal.type("stop").stdout == "Run 1: Canceled.\n"
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert json.loads(out.splitlines()[-1])["steps"] == {"prep": "cancelled", "train": "cancelled"}
    assert terminal.type("stop", "1").stdout == "Run 1 is over: Canceled.\n"


def test_one_step_is_stopped(terminal: Terminal) -> None:
    slow(terminal)
    run = terminal.start("run", "pipeline.py")
    eventually(lambda: begun(terminal))
    assert terminal.type("stop", "prep").stdout == "Step prep of run 1: cancelled.\n"
    run.communicate(timeout=60)


def test_gc_says_what_it_frees_and_frees_it_only_when_told(terminal: Terminal) -> None:
    for rate in ("0.1", "0.2", "0.3"):
        terminal.type("run", "pipeline.py", "--param", f"lr={rate}", "--force", "all")
    asked = terminal.type("gc", "--keep", "1")
    assert asked.returncode == 0
    assert "2 runs with logs: 1, 2" in asked.stdout
    assert "nbpipe gc --keep 1 --yes" in asked.stderr
    assert len(terminal.workspace.runs()) == 3
    survey, freed = terminal.json("gc", "--keep", "1", "--yes")
    assert (survey["runs"], freed["runs"]) == (2, 2)
    assert [run.id for run in terminal.workspace.runs()] == ["3"]
    assert terminal.json("run", "pipeline.py", "--param", "lr=0.3")[-1]["steps"] == {
        "prep": "reused", "train": "reused",
    }  # fmt: skip
    assert terminal.type("gc").stdout.startswith("Nothing to free")


def test_targets_are_listed_with_what_they_have_and_the_remedy_where_one_is_not_ready(
    terminal: Terminal,
) -> None:
    ComputeTarget.attach_slurm(terminal.workspace, "hpc", partition="gpu")
    listed = terminal.type("targets")
    local, hpc, *remedy = listed.stdout.splitlines()
    assert local.startswith("v local  local  ready · ")
    assert hpc.startswith("x hpc    slurm  hpc: ")
    assert remedy[0].startswith("    ")
    assert listed.returncode == 1
    one = terminal.json("targets", "--target", "local")
    assert [(each["name"], each["ready"]) for each in one] == [("local", True)]
    unknown = terminal.type("targets", "--target", "hcp")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "No compute target hcp.\n  This workspace has: local, hpc\n",
    )


def test_what_was_seen_of_a_target_is_forgotten_when_it_is_renewed(terminal: Terminal) -> None:
    kept = KeptHere(terminal.workspace.state, KEPT)
    for target in ("local", "box"):
        kept.keep(f"of {target}", {"target": target})
    assert terminal.type("targets", "--target", "local", "--renew").returncode == 0
    assert list(kept.all()) == ["of box"]
