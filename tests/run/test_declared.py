"""What stands for a run while a notebook or script is only read."""

from __future__ import annotations

import pytest

from nbpipe.run import DeclaredRun
from nbpipe.workspace import DECLARE_MODE


@pytest.fixture
def declared(project, monkeypatch):
    monkeypatch.setenv(DECLARE_MODE, "1")
    return project.pipeline(project.cell("one", "")).submit("demo")


def test_nothing_is_started_or_written_and_nothing_printed(project, declared, capsys):
    assert isinstance(declared, DeclaredRun)
    assert declared.wait_for_completion(show_output=True, timeout_seconds=1) == "NotStarted"
    assert declared.get_status() == declared.status == "NotStarted"
    assert not (project.root / ".nbpipe" / "runs").exists() or project.workspace.runs() == []
    assert capsys.readouterr().out == ""


def test_whatever_code_after_a_submit_asks_of_it_is_answered(declared):
    step = declared.find_step_run("train")[0]
    assert isinstance(step.get_output("model").path, DeclaredRun)
    assert list(declared.get_steps()) == []
    assert len(declared.get_metrics()) == 0
    assert declared.pipeline_name == "pipeline"
    assert repr(declared) == ""


def test_it_passes_for_no_more_than_it_is(declared):
    assert not hasattr(declared, "_repr_html_")
    assert not hasattr(declared, "__array__")
