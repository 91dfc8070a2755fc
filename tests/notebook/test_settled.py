"""A pipeline of step cells whose graph is made once, and which says what any pipeline says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.step import PythonScriptStep
from nbpipe.errors import InvalidPipeline
from nbpipe.notebook.settled import SettledPipeline
from nbpipe.workspace import Workspace


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SettledPipeline, PipelineParameter]:
    """One step that takes a parameter."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("pass")
    rate = PipelineParameter("rate", 0.1)
    step = PythonScriptStep("train.py", arguments=["--rate", rate])
    return SettledPipeline(Workspace(tmp_path), [step]), rate


def test_its_graph_is_made_once_and_is_that_of_any_pipeline(
    made: tuple[SettledPipeline, PipelineParameter],
) -> None:
    pipeline, _ = made
    assert pipeline.graph_for() is pipeline.graph_for({})
    assert pipeline.graph_for().to_json() == Pipeline.graph_for(pipeline).to_json()


def test_values_and_changed_defaults_are_heeded(made: tuple[SettledPipeline, PipelineParameter]) -> None:
    pipeline, rate = made
    assert pipeline.graph_for({"rate": 0.5}).parameters == {"rate": 0.5}
    assert pipeline.graph_for().parameters == {"rate": 0.1}
    rate.default_value = 0.9
    assert pipeline.graph_for().parameters == {"rate": 0.9}
    with pytest.raises(InvalidPipeline):
        pipeline.graph_for({"ratio": 1})


def test_steps_in_a_circle_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("pass")
    one, other = (PythonScriptStep("a.py", name=name) for name in ("one", "other"))
    one.run_after(other)
    other.run_after(one)
    with pytest.raises(InvalidPipeline, match="wait for each other"):
        SettledPipeline(Workspace(tmp_path), [one, other]).graph_for()
