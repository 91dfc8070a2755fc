"""Parameters and targets of a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.cli.wanted import on_target, values_of, workspace_at
from nbpipe.core.graph import FolderSource, Graph, Node
from nbpipe.errors import InvalidPipeline, UnknownName, UsageError
from nbpipe.workspace import Workspace


def graph(**parameters: object) -> Graph:
    made = Graph("demo")
    made.parameters = parameters
    made.add_node(Node("a", "a", "a.py", FolderSource(".")))
    return made


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [(0.1, "0.2", 0.2), (3, "4", 4), (True, "false", False), ("a", "b=c", "b=c"), ("a", "", "")],
)
def test_a_parameter_is_read_as_its_default(default: object, text: str, value: object) -> None:
    assert values_of(graph(x=default), [f"x={text}"]) == {"x": value}


def test_the_last_value_of_a_parameter_counts() -> None:
    assert values_of(graph(x=1), ["x=2", "x=3"]) == {"x": 3}


def test_an_unknown_parameter_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidPipeline, match=r"No parameter rate_\. Did you mean rate\?"):
        values_of(graph(rate=1.0), ["rate_=2"])


@pytest.mark.parametrize("word", ["x", "x=abc"])
def test_a_parameter_that_sets_nothing_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="--param x"):
        values_of(graph(x=1), [word])


def test_every_step_goes_to_the_target(tmp_path: Path) -> None:
    moved = on_target(graph(x=1), "local", Workspace(tmp_path))
    assert [node.target for node in moved.nodes] == ["local"]
    assert moved.parameters == {"x": 1}


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="No compute target gpu_box"):
        on_target(graph(), "gpu_box", Workspace(tmp_path))


def test_a_file_means_the_workspace_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "nb.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    assert workspace_at("sub/nb.ipynb").root == tmp_path / "sub"
    assert workspace_at("sub").root == tmp_path / "sub"
    assert workspace_at(None).root == tmp_path
