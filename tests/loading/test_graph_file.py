"""A saved graph is the same graph wherever it is moved to with its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbpipe.core.graph import CellSource, FolderSource, Graph, Node
from nbpipe.errors import NotebookError, StoreError, UsageError
from nbpipe.loading.graph_file import read_graph, save_graph


def graph() -> Graph:
    made = Graph("demo")
    made.parameters = {"lr": 0.1}
    made.add_data_source("raw", ["data/*.csv"])
    made.add_node(Node("prep", "prep", "prep.py", CellSource("steps/prep/prep.py", ".", ("lib",), "cell 2")))
    made.add_node(Node("train", "train", "train.py", FolderSource("src/train")))
    return made


def places(loaded: Graph) -> list[str]:
    sources = [node.source for node in loaded.nodes]
    scripts = [source.script for source in sources if isinstance(source, CellSource)]
    paths = [path for source in loaded.data_sources.values() for path in source.paths]
    return [*paths, *(source.folder for source in sources), *scripts]


@pytest.mark.parametrize("folder", [".", "saved/here"])
def test_paths_move_with_the_file(folder: str, tmp_path: Path) -> None:
    root = tmp_path / "one"
    (root / folder).mkdir(parents=True)
    save_graph(graph(), root, root / folder / "graph.json")
    moved = root.rename(tmp_path / "two")
    loaded = read_graph(moved / folder / "graph.json")
    assert places(loaded) == [
        str(moved / "data/*.csv"), str(moved), str(moved / "src/train"), str(moved / "steps/prep/prep.py"),
    ]  # fmt: skip
    assert (loaded.name, loaded.parameters) == ("demo", {"lr": 0.1})
    assert loaded.nodes[0].source.extra == ("lib",)


def test_a_saved_graph_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    inside = Graph.from_json(graph().to_json())
    save_graph(inside, tmp_path, tmp_path / "graph.json")
    assert str(tmp_path) not in (tmp_path / "graph.json").read_text("utf-8")


def test_what_lies_outside_the_workspace_stays_where_it_is(tmp_path: Path) -> None:
    made = Graph("demo")
    made.add_data_source("raw", ["/elsewhere/raw.csv"])
    save_graph(made, tmp_path, tmp_path / "graph.json")
    assert places(read_graph(tmp_path / "graph.json")) == ["/elsewhere/raw.csv"]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", NotebookError, "it is not JSON"),
        ("[" * 100_000, NotebookError, "it is not JSON"),
        ("[]", UsageError, "no saved graph"),
        ("{}", UsageError, "no saved graph"),
        (json.dumps({"nbpipe_graph": 99}), UsageError, "Update nbpipe"),
        (json.dumps({"nbpipe_graph": 1, "name": "x"}), UsageError, "damaged"),
    ],
)
def test_what_is_no_graph_is_refused(text: str, error: type[Exception], message: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_graph(path)


def test_a_graph_is_not_saved_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no folder"):
        save_graph(graph(), tmp_path, tmp_path / "missing" / "graph.json")
