"""Laws of the picture: what it says in one line, and what it leaves out where it is saved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from nbpipe.views.forecast import time_left
from nbpipe.views.picture import NodeView, Picture
from tests.views.pictures import pictures


@pytest.mark.parametrize(
    ("words", "outcome", "said"),
    [
        ([], "", "No steps yet."),
        (["will reuse", "will reuse"], "", "Nothing to do: 2 of 2 reused, 4.0 s saved."),
        (["reused", "reused"], "Finished", "Nothing to do: 2 of 2 reused, 4.0 s saved."),
        (["reused", "reused"], "Running", "2 of 2 settled"),
        (["new", "will run", "maybe", "will reuse"], "", "2 will run, 1 may run, 1 reused (2.0 s saved)"),
        (["new", "new"], "NotStarted", "0 of 2 settled"),
        (["done", "failed", "running"], "Running", "2 of 3 settled, 1 failed"),
        (["done", "done", "reused"], "Finished", "Finished: 2 ran, 1 reused (2.0 s saved)"),
        (["done", "failed", "blocked"], "Failed", "Failed: 1 failed, 1 blocked, 1 ran"),
        (["cancelled"], "Canceled", "Canceled: 1 cancelled"),
    ],
)
def test_the_whole_is_said_in_one_line(words: list[str], outcome: str, said: str) -> None:
    seconds = {"reused": 2.0, "will reuse": 2.0}
    nodes = tuple(NodeView(str(n), word, seconds=seconds.get(word)) for n, word in enumerate(words))
    picture = Picture("demo", nodes, outcome=outcome)
    assert picture.summary == said
    assert picture.hint == ("To run one all the same:  %pipeline_run --force 0" if picture.all_reused else "")


@given(pictures())
def test_a_still_picture_is_the_same_whenever_the_same_result_was_made(picture: Picture) -> None:
    later = tuple(
        replace(
            node, estimate=99.0, started=7.0, reused_at=8.0,
            seconds=node.seconds if node.status in ("reused", "will reuse") else 123.0,
        )
        for node in picture.nodes
    )  # fmt: skip
    assert replace(picture, nodes=later, run="15").still() == picture.still()
    assert picture.still().still() == picture.still()


def test_the_time_left_is_that_of_the_longest_way() -> None:
    steps = (
        NodeView("a", "done", seconds=100.0),
        NodeView("b", "running", started=10.0, estimate=20.0, parents=("a",)),
        NodeView("c", "new", estimate=5.0, parents=("b",)),
        NodeView("d", "maybe", estimate=12.0, parents=("a",)),
        NodeView("e", "will reuse", parents=("c",)),
    )
    assert time_left(Picture("demo", steps), 15.0) == 20.0
    assert time_left(Picture("demo", steps), 500.0) == 12.0
    assert time_left(Picture("demo", (*steps, NodeView("f", "queued"))), 15.0) is None
    assert time_left(Picture("demo"), 0.0) == 0.0
