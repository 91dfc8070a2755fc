"""Laws of the live view: it never leaves its window."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.screen import bar, frame
from tests.views.pictures import many, pictures


def drawn(picture: Picture, width: int, height: int, said: str = "epoch 3/50") -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None, legacy_windows=False)
    console.print(
        frame(picture, lambda node: [said], width=width, height=height, now=100.0, begun=79.0), end=""
    )
    return out.getvalue().splitlines()


@given(pictures(), st.integers(20, 120), st.integers(8, 40))
def test_a_frame_is_never_larger_than_its_window(picture: Picture, width: int, height: int) -> None:
    lines = drawn(picture, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("height", [10, 24, 60])
def test_two_thousand_steps_fit_the_window(height: int) -> None:
    lines = drawn(many(2000), 80, height)
    assert len(lines) <= height
    assert lines[-1].startswith("and ")


def test_a_frame_tells_progress_time_left_and_what_running_steps_say() -> None:
    nodes = (
        NodeView("prep", "reused", why="from run 12", seconds=8.1, reused_at=0.0),
        NodeView("train", "running", why="first run", started=80.0, estimate=30.0, parents=("prep",)),
    )
    picture = Picture("demo", nodes, run="14", outcome="Running")
    head, line, prep, train, said = drawn(picture, 80, 24)
    assert head == "demo, run 14: 1 of 2 settled · 21 s · about 10 s left"
    assert line == "━" * 30 + "─" * 30
    assert prep.startswith("= prep   reused   from run 12 · ")
    assert train == "* train  running  first run · 20 s of about 30 s"
    assert said == "    epoch 3/50"


@given(pictures(), st.integers(10, 200))
def test_the_bar_is_as_long_as_its_room(picture: Picture, width: int) -> None:
    assert bar(picture, width).cell_len == (min(width - 2, 60) if picture.nodes else 0)
