"""Laws of groups: everybody is shown once, no circle is closed, and few enough cards are left."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.live.grouping import MOST_CARDS, grouped, stem
from nbpipe.live.placement import place
from nbpipe.live.scene import Scene
from nbpipe.views.picture import EdgeView, NodeView, Picture
from nbpipe.views.status import LOOKS
from tests.live.scenes import scene
from tests.views.pictures import many

GOOD = {"done", "reused", "will reuse"}


def shown(found: Scene) -> list[str]:
    """Every step that a card stands for."""
    return [each for node in found.nodes.values() for each in node.members or (node.id,)]


def follows_its_parents(found: Scene) -> bool:
    seen: set[str] = set()
    for node in found.nodes.values():
        if not set(node.parents) <= seen:
            return False
        seen.add(node.id)
    return all(each.source in found.nodes or each.source in found.data for each in found.edges.values())


def settled_like(count: int, words: list[str]) -> Picture:
    """A picture in which a step is well only where all that it needs is, but for order-only edges now and then."""
    picture = many(count, words=words)
    well: dict[str, bool] = {}
    nodes = []
    for each in picture.nodes:
        good = each.status in GOOD and all(well[parent] for parent in each.parents)
        well[each.node_id] = good
        nodes.append(replace(each, status=each.status if good else "will run"))
    return replace(picture, nodes=tuple(nodes))


@given(st.integers(1, 60), st.lists(st.sampled_from(sorted(LOOKS)), min_size=1, max_size=6))
def test_collapsed_everybody_is_shown_once_and_no_circle_is_closed(count: int, words: list[str]) -> None:
    for picture in (many(count, words=words), settled_like(count, words)):
        whole = scene(picture)
        found = grouped(whole, "settled")
        assert sorted(shown(found)) == sorted(whole.nodes)
        assert follows_its_parents(found)
        for node in found.nodes.values():
            assert not node.members or {whole.nodes[each].status for each in node.members} <= GOOD
            assert sum(node.counts.values()) == len(node.members)


def test_all_done_is_one_card() -> None:
    (group,) = grouped(scene(many(50, words=["done"])), "settled").nodes.values()
    assert (group.name, group.status, group.counts) == ("step × 50", "done", {"done": 50})
    assert group.why == "50 ran"


def test_nothing_settled_is_not_grouped() -> None:
    whole = scene(many(50, words=["new"]))
    assert grouped(whole, "settled") is whole
    assert grouped(whole) is whole


def test_a_group_that_is_opened_shows_its_members() -> None:
    whole = scene(many(50, words=["done"]))
    (name,) = grouped(whole, "settled").nodes
    assert grouped(whole, "settled", {name}) is whole


@pytest.mark.parametrize("words", [["new"], ["done", "failed", "new"]])
def test_a_large_graph_is_grouped_and_can_be_placed(words: list[str]) -> None:
    whole = scene(many(3000, words=words))
    found = grouped(whole)
    assert len(found.nodes) <= MOST_CARDS
    assert sorted(shown(found)) == sorted(whole.nodes)
    assert follows_its_parents(found)
    assert set(place(found).layouts[0].boxes) == set(found.nodes)


def test_a_fan_of_thousands_is_groups_of_a_hundred_that_can_be_opened() -> None:
    nodes = [NodeView("prep", "done"), *(NodeView(f"fit_{n}", "new", parents=("prep",)) for n in range(3000))]
    edges = tuple(EdgeView("prep", each.node_id, "there", (("clean", ""),)) for each in nodes[1:])
    whole = scene(Picture("fan", tuple(nodes), edges))
    found = grouped(whole)
    assert len(found.nodes) == 1 + 30
    group = list(found.nodes.values())[1]
    assert (group.name, group.status, len(group.members), group.parents) == (
        "fit × 100",
        "new",
        100,
        ("prep",),
    )
    assert len(grouped(whole, "", {group.id}).nodes) == 1 + 29 + 100


def test_a_chain_of_thousands_is_bands_of_ranks() -> None:
    ids = [f"step_{n}" for n in range(4000)]
    nodes = tuple(
        NodeView(each, "new", parents=(ids[place - 1],) if place else ()) for place, each in enumerate(ids)
    )
    edges = tuple(EdgeView(one, two, "pending") for one, two in itertools.pairwise(ids))
    found = grouped(scene(Picture("chain", nodes, edges)))
    assert len(found.nodes) <= 300
    assert follows_its_parents(found)


@pytest.mark.parametrize(
    ("name", "found"),
    [("train_0012", "train"), ("train#2", "train"), ("42", "42"), ("prep", "prep"), ("a1b", "ab")],
)
def test_stems(name: str, found: str) -> None:
    assert stem(name) == found


def test_who_looks_for_single_steps_finds_every_one_however_many_there_are() -> None:
    whole = scene(many(MOST_CARDS + 200))
    assert len(grouped(whole).nodes) <= MOST_CARDS
    assert grouped(whole, "none") is whole
