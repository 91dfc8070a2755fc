"""Real runs followed in a terminal and without one."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from nbpipe import Pipeline, PipelineData, PythonScriptStep, Workspace
from nbpipe.run import PipelineRun
from nbpipe.views.follow import follow
from nbpipe.views.presenter import StaticPresenter

pytestmark = pytest.mark.runner

SCRIPTS = {
    "prep": "import sys; print('hello'); open(sys.argv[1], 'w').write('a,b')",
    "good": "import sys; print('fine', end=''); open(sys.argv[2], 'w').write('m')",
    "bad": "import sys\nprint('so far')\nraise ValueError('X contains NaN')",
    "slow": "import time; time.sleep(600)",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name, text in SCRIPTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text(text, encoding="utf-8")
    return Workspace.open(tmp_path)


def pipeline_of(workspace: Workspace, *names: str) -> Pipeline:
    """``prep``, and after it a step for each name."""
    clean = PipelineData("clean")

    def step(name: str, arguments: list[PipelineData], **more: object) -> PythonScriptStep:
        return PythonScriptStep(
            f"{name}.py", name=name, arguments=arguments, source_directory=str(workspace.root / name), **more
        )

    steps = [step("prep", [clean], outputs=[clean])]
    for name in names:
        out = PipelineData(f"{name}_out")
        steps.append(step(name, [clean, out], inputs=[clean], outputs=[out]))
    return Pipeline(workspace, steps=steps, name="penguins")


def followed(run: PipelineRun, *, terminal: bool) -> tuple[str, str]:
    out = io.StringIO()
    status = follow(run, console=Console(file=out, force_terminal=terminal, width=100, height=20))
    return status, out.getvalue()


def test_without_a_terminal_each_event_and_each_line_of_a_step_is_a_plain_line(workspace: Workspace) -> None:
    run = pipeline_of(workspace, "good", "bad").submit("demo", continue_on_step_failure=True)
    status, text = followed(run, terminal=False)
    lines = text.splitlines()
    assert status == "Failed"
    assert "\x1b" not in text
    for earlier, later in [
        ("* prep: running: first run", "prep | hello"),
        ("prep | hello", "v prep: done in "),
        ("v prep: done in ", "* bad: running"),
        ("bad | so far", "x bad: failed at line 3"),
        ("bad | ValueError: X contains NaN", "x bad: failed at line 3"),
        ("good | fine", "v good: done in "),
        ("x bad: failed at line 3", "penguins, run 1: Failed: 1 failed, 2 ran"),
    ]:
        places = [
            next(n for n, line in enumerate(lines) if line.startswith(each)) for each in (earlier, later)
        ]
        assert places == sorted(places), (earlier, later)
    again = followed(run, terminal=False)
    assert again[1].splitlines()[0] == "* prep: running: first run", "a run that is over is told whole"


def test_in_a_terminal_the_steps_stay_and_a_failed_one_says_its_last_lines(workspace: Workspace) -> None:
    run = pipeline_of(workspace, "bad").submit("demo")
    status, text = followed(run, terminal=True)
    kept = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()
    assert status == "Failed"
    assert "x bad   failed · line 3  ValueError: X contains NaN" in " ".join(kept)
    assert kept[-1] == "  ValueError: X contains NaN"


def test_a_second_run_says_that_nothing_was_to_do_and_shows_the_same_bytes_ever_after(
    workspace: Workspace,
) -> None:
    pipeline = pipeline_of(workspace, "good")
    followed(pipeline.submit("demo"), terminal=False)
    second, third = pipeline.submit("demo"), None
    assert "Nothing to do: 2 of 2 reused" in followed(second, terminal=False)[1]
    third = pipeline.submit("demo")
    followed(third, terminal=False)
    bundles = [StaticPresenter().mimebundle(each) for each in (second, third)]
    assert bundles[0] == bundles[1]
    ET.fromstring(bundles[0]["image/svg+xml"])
    assert "3 B" in bundles[0]["image/svg+xml"], "the size of {clean} stands at its edge"


def test_watching_can_be_given_up_while_the_run_goes_on(workspace: Workspace) -> None:
    run = pipeline_of(workspace, "slow").submit("demo")
    with pytest.raises(TimeoutError, match="has not ended yet"):
        follow(run, console=Console(file=io.StringIO()), timeout_seconds=0.5)
    assert run.status in ("NotStarted", "Running")
    run.cancel()
    assert followed(run, terminal=False)[0] == "Canceled"
