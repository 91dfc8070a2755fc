"""Laws of the layout: nothing overlaps, data go one way, the same graph always looks the same."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.views.dag import Box, Direction, Layout, arrange, lay_out
from nbpipe.views.median import place_by_medians, ranks_of

Edges = list[tuple[str, str]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], Edges]:
    count = draw(st.integers(0, 25))
    ids = [f"n{number}" for number in range(count)]
    pairs = [(a, b) for place, b in enumerate(ids) for a in ids[:place]]
    return ids, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []


def boxes_of(ids: list[str]) -> dict[str, Box]:
    return {each: Box(200, 76, 36 if number % 3 == 0 else 0) for number, each in enumerate(ids)}


def laid_out(ids: list[str], edges: Edges, direction: Direction) -> Layout:
    return lay_out(arrange(ids, edges), boxes_of(ids), direction=direction, row_gap=26, rank_gap=62)


def areas(ids: list[str], layout: Layout) -> list[tuple[float, float, float, float]]:
    found = []
    for each in ids:
        (x, y), box = layout.corners[each], boxes_of(ids)[each]
        found.append((x, y, x + box.width, y + box.height + box.below))
    return found


@given(graphs(), st.sampled_from(["right", "down"]))
def test_no_two_cards_overlap_and_all_lie_within_the_whole(
    graph: tuple[list[str], Edges], direction: Direction
) -> None:
    ids, edges = graph
    layout = laid_out(ids, edges, direction)
    found = areas(ids, layout)
    for place, (left, top, right, bottom) in enumerate(found):
        assert left >= -0.01
        assert top >= -0.01
        assert right <= layout.width + 0.01
        assert bottom <= layout.height + 0.01
        for other in found[:place]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


@given(graphs(), st.sampled_from(["right", "down"]))
def test_data_go_one_way_and_routes_join_their_cards(
    graph: tuple[list[str], Edges], direction: Direction
) -> None:
    ids, edges = graph
    layout = laid_out(ids, edges, direction)
    axis = 0 if direction == "right" else 1
    assert layout.routes.keys() == set(edges)
    for (source, dest), route in layout.routes.items():
        along = [point[axis] for point in route]
        assert along == sorted(along)
        begin = layout.corners[source][axis] + (200 if direction == "right" else 76)
        assert along[0] == pytest.approx(begin)
        assert along[-1] == pytest.approx(layout.corners[dest][axis])
        assert len(route) % 2 == 1, "line, curve, line, ..., curve"
        for x, y in route:
            assert -0.01 <= x <= layout.width + 0.01
            assert -0.01 <= y <= layout.height + 0.01


@given(graphs())
def test_an_edge_passes_no_card_but_its_own(graph: tuple[list[str], Edges]) -> None:
    ids, edges = graph
    layout = laid_out(ids, edges, "right")
    found = dict(zip(ids, areas(ids, layout), strict=True))
    for (source, dest), route in layout.routes.items():
        for (x, y), (to_x, to_y) in zip(route[2::2], route[3::2], strict=False):
            assert y == to_y or x < to_x
        lanes = [(route[at], route[at + 1]) for at in range(2, len(route) - 1, 2)]
        for (x, y), (to_x, _) in lanes:
            for each, (left, top, right, bottom) in found.items():
                if each not in (source, dest) and left < to_x and right > x:
                    assert not top < y < bottom, (source, dest, each)


@given(graphs())
def test_an_arrangement_does_not_depend_on_anything_but_the_graph(graph: tuple[list[str], Edges]) -> None:
    assert arrange(*graph) == arrange(*graph)


def test_positions_are_the_same_in_every_process() -> None:
    script = textwrap.dedent(
        """
        from nbpipe.views.svg import svg
        from tests.views.pictures import many
        import hashlib
        print(hashlib.sha256("".join(svg(many(n)) for n in (9, 40, 90, 310)).encode()).hexdigest())
        """
    )
    root = Path(__file__).parents[2]
    seen = {
        subprocess.run(
            [sys.executable, "-c", script], cwd=root, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1


def test_a_chain_is_a_straight_line() -> None:
    ids = ["a", "b", "c"]
    layout = lay_out(
        arrange(ids, [("a", "b"), ("b", "c")]), dict.fromkeys(ids, Box(200, 76)),
        direction="right", row_gap=26, rank_gap=62,
    )  # fmt: skip
    assert [layout.corners[each] for each in ids] == [(0, 0), (262, 0), (524, 0)]
    assert (layout.width, layout.height) == (724, 76)


def test_steps_without_edges_stand_in_a_block_below() -> None:
    places = arrange(["a", "b", *"wxyz"], [("a", "b")]).places
    assert places["a"] == (0, 0.0)
    assert {places[each] for each in "wxyz"} == {(0, 1.0), (1, 1.0), (0, 2.0), (1, 2.0)}


@pytest.mark.parametrize("shape", ["chain", "fan", "ladder", "alone"])
def test_two_thousand_steps_are_arranged_whatever_their_shape(shape: str) -> None:
    ids = [f"n{number}" for number in range(2000)]
    edges = {
        "chain": list(pairwise(ids)),
        "fan": [(ids[0], each) for each in ids[1:]],
        # Edges that pass 2,000 ranks: the library alone would work for half a minute.
        "ladder": [*pairwise(ids), *((ids[0], each) for each in ids[2:])],
        "alone": [],
    }[shape]
    made = arrange(ids, edges)
    assert len(made.places) == 2000
    assert not made.bends, "what would need two million bends is placed without any"


@given(graphs())
def test_ranks_grow_along_every_edge(graph: tuple[list[str], Edges]) -> None:
    ids, edges = graph
    ranks = ranks_of(ids, edges)
    for places in (place_by_medians(ids, edges), arrange(ids, edges).places):
        assert all(places[source][0] < places[dest][0] for source, dest in edges)
    assert all(ranks[source] < ranks[dest] for source, dest in edges)


def test_without_the_library_the_plain_placement_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")]
    made = arrange(list("abcd"), edges)
    assert made.places == {"a": (0, 0.0), "b": (1, -0.5), "c": (1, 0.5), "d": (2, 0.0)}
    layout = lay_out(made, boxes_of(list("abcd")), direction="right", row_gap=26, rank_gap=62)
    assert layout.routes.keys() == set(edges)
