"""What cards tell of a step is kept while nothing of it is new, and is never what it was before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbpipe.core.graph import FolderSource, Graph, InputPort, Node, OutputPort, Piece
from nbpipe.live.ports import FactMaker
from nbpipe.live.scene import CellFacts


class World:
    """A graph, notes and cells, of which one thing after the other may be changed."""

    def __init__(self) -> None:
        self.nodes = {
            "prep": Node(
                "prep", "prep", "prep.py", FolderSource("."), inputs=(InputPort("prep", "raw", "mount", "data:raw"),),
                outputs=(OutputPort("prep", "clean"),),
            ),
            "train": Node("train", "train", "train.py", FolderSource("."), (((Piece("parameter", "lr")),),)),
        }  # fmt: skip
        self.values: dict[str, Any] = {"lr": 1}
        self.data = "raw.csv"
        self.notes = {("data:raw", ""): "3 rows"}
        self.cells = {"prep": CellFacts("id1"), "train": CellFacts("id2")}

    def told_by(self, maker: FactMaker) -> dict[str, Any]:
        graph = Graph("demo")
        graph._naming.keep("x")
        graph.parameters = dict(self.values)
        graph._keep(replace(graph.add_data_source("raw", ["raw.csv"]), name=self.data))
        for node in self.nodes.values():
            graph.add_node(node)
        return maker.facts(graph, self.notes, self.cells)


def maker() -> FactMaker:
    return FactMaker(Path("/work"), Path("/work"))


def test_facts_of_steps_that_are_the_same_are_the_same() -> None:
    world, one = World(), maker()
    first = world.told_by(one)
    world.nodes["train"] = replace(world.nodes["train"], version="2")
    second = world.told_by(one)
    assert second["prep"] is first["prep"]
    assert second["train"] == first["train"]
    assert second["train"] is not first["train"]


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.values.update(lr=True),
        lambda world: world.values.update(lr=1.0),
        lambda world: world.notes.update({("data:raw", ""): "4 rows"}),
        lambda world: world.cells.update(prep=CellFacts("id3")),
        lambda world: world.cells.pop("prep"),
        lambda world: setattr(world, "data", "other.csv"),
        lambda world: world.nodes.update(
            prep=replace(world.nodes["prep"], outputs=(OutputPort("prep", "tidy"),))
        ),
        lambda world: world.nodes.pop("train"),
    ],
)
def test_whatever_a_card_tells_is_seen_when_it_changes(change: Callable[[World], Any]) -> None:
    world, one = World(), maker()
    before = world.told_by(one)
    world.notes, world.cells = dict(world.notes), dict(world.cells)
    change(world)
    after = world.told_by(one)
    assert after == world.told_by(maker()) != before
