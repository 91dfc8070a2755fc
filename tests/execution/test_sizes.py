"""Pipelines of any size and steps of any name."""

from __future__ import annotations

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from tests.projects import COPY, Project, story, words

pytestmark = pytest.mark.runner


ODD = [
    "<script>alert(1)</script>",
    "..",
    "/",
    "a/b",
    "x" * 300,
    "CON",
    "ü 🐧",
    "-",
    " ",
    "#2",
    "a\nb",
    "%s{}",
]


def test_no_name_leads_out_of_the_run_or_hides_another_step(project):
    steps = []
    for number, name in enumerate(ODD):
        step = project.cell(f"plain{number}", f"print({number})\n")
        step.name = name
        steps.append(step)
    run = project.run(*steps)
    assert [step.status for step in run.get_steps()] == ["done"] * len(ODD)
    assert [run.step(name).get_stdout_log() for name in ODD] == [f"{number}\n" for number in range(len(ODD))]
    folders = sorted(path.name for path in (run.folder.path / "steps").iterdir())
    assert len(folders) == len(ODD)
    assert all(len(name) < 50 and name.isascii() for name in folders)
    assert sorted(path.name for path in project.root.parent.iterdir()) == ["work"]


def test_a_chain_of_hundreds_runs_and_is_reused_without_running_out_of_stack(project):
    first = project.cell("s0", COPY, "{>d0}")
    steps = [first] + [project.cell(f"s{n}", None, f"{{d{n - 1}}} {{>d{n}}}") for n in range(1, 300)]
    for step in steps:
        step.source = first.source
        step.script_name = "s0.py"
    bad = project.cell("bad", "raise SystemExit(1)\n", "{>d0}")
    broken = [bad] + [project.cell(f"s{n}", None, f"{{d{n - 1}}} {{>d{n}}}") for n in range(1, 300)]
    for step in broken[1:]:
        step.source = first.source
        step.script_name = "s0.py"
    run = project.run(*broken)
    assert words(run) == {"bad": "failed", **{f"s{n}": "blocked" for n in range(1, 300)}}


@pytest.mark.slow
def test_two_thousand_steps_are_planned_run_and_reused(project):
    source = project.cell("s0", COPY, "{>d0}")
    steps = [source] + [
        project.cell(f"s{n}", None, f"{{d{(n - 1) // 2}}} {{>d{n}}}", version=str(n)) for n in range(1, 2000)
    ]
    for step in steps:
        step.source, step.script_name = source.source, "s0.py"
    run = project.submit(*steps)
    assert run.wait_for_completion(show_output=False, timeout_seconds=110) == "Finished"
    again = project.submit(*steps)
    assert again.wait_for_completion(show_output=False, timeout_seconds=60) == "Finished"
    assert {step.status for step in again.get_steps()} == {"reused"}


@pytest.mark.parametrize(
    "name", ["wörk [1] %s {x} 'q' \"d\" $HOME", "-rf", "a" * 120, "back\\slash", "new\nline"]
)
def test_a_workspace_may_be_called_anything(tmp_path, monkeypatch, name):
    root = tmp_path / name
    root.mkdir()
    monkeypatch.chdir(root)
    project = Project(root)
    project.write("raw [2].csv", "1\n")
    project.write("helper.py", "")
    data = Dataset.File.from_files("raw [2].csv").as_named_input("raw").as_mount()
    out = PipelineData("out")
    steps = [
        project.cell("one", "import helper\n" + COPY, arguments=[data, out], outputs=[out]),
        project.cell("two", COPY, arguments=[out], inputs=[out]),
        project.folder_step("three", "print('three')\n"),
    ]
    steps[1].arguments = [out, str(tmp_path / "copy")]
    run = project.run(*steps)
    assert words(run) == {"one": "done", "two": "done", "three": "done"}, story(run)
    assert (tmp_path / "copy").read_text("utf-8") == "1\n"
    assert words(project.run(*steps)) == {"one": "reused", "two": "reused", "three": "reused"}
    project.stop_all()


def test_a_log_keeps_to_the_workspaces_limit(project):
    project.write("nbpipe.toml", "[run]\nlog_limit = 10000\n")
    run = project.run(project.cell("one", "for number in range(100_000): print(number)\n"))
    log = run.step("one").get_stdout_log()
    assert len(log) < 12_000
    assert log.startswith("0\n1\n")
    assert log.endswith("99999\n")
