"""The law of patches: applied in order they give what a view that asks anew is told; and they are small."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nbpipe.live.cards import CardMaker
from nbpipe.live.frame import MOST_IN_PATCH, Frame, Framer, graph_message, messages, scene_of
from nbpipe.live.head import head_card
from nbpipe.live.wire import plain
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.protocol import GraphMessage, PatchMessage
from nbpipe.views.status import LOOKS
from tests.live.scenes import taken
from tests.views.pictures import many, pictures

WORDS = st.sampled_from(sorted(LOOKS))


@st.composite
def stories(draw: st.DrawFn) -> list[Picture]:
    """Pictures one after the other: statuses and notes change, sometimes steps come or go."""
    told = [draw(pictures())]
    for _ in range(draw(st.integers(1, 5))):
        last = told[-1]
        change = draw(st.sampled_from(["statuses", "notes", "parameters", "another", "fewer"]))
        if change == "statuses":
            nodes = tuple(
                replace(each, status=draw(WORDS)) if draw(st.booleans()) else each for each in last.nodes
            )
            told.append(replace(last, nodes=nodes))
        elif change == "notes":
            told.append(replace(last, data=tuple(replace(each, note="3 rows") for each in last.data)))
        elif change == "parameters":
            told.append(
                replace(last, parameters=tuple(replace(each, value="0.5") for each in last.parameters))
            )
        elif change == "another":
            told.append(draw(pictures()))
        else:
            gone = {each.node_id for each in last.nodes[-1:]}
            told.append(
                replace(
                    last,
                    nodes=last.nodes[:-1],
                    edges=tuple(each for each in last.edges if not {each.source, each.dest} & gone),
                    parameters=(),
                )
            )
    return told


def frames(told: list[Picture]) -> list[Frame]:
    maker, framer = CardMaker(), Framer()
    return [framer.frame(scene_of(each, {}, head_card(each), maker)) for each in told]


@given(stories())
def test_patches_in_order_give_what_a_fresh_view_is_told(told: list[Picture]) -> None:
    seen, known, revision = None, None, 0
    for frame in frames(told):
        news = list(messages(seen, frame, "v", revision + 1))
        revision += len(news)
        known = taken(news, known)
        seen = frame
        assert known == frame.message("v", revision)
    assert replace(known, revision=1) == graph_message(told[-1])


@given(stories())
def test_places_stay_where_they_are_while_the_graph_is_the_same(told: list[Picture]) -> None:
    only_statuses = [told[0], *(replace(told[0], nodes=_as_in(told[0], each)) for each in told)]
    first, *rest = frames(only_statuses)
    assert all(each.placement is first.placement for each in rest)
    assert all(isinstance(each, PatchMessage) for frame in rest for each in messages(first, frame, "v", 2))


def _as_in(first: Picture, other: Picture) -> tuple[NodeView, ...]:
    words = [each.status for each in other.nodes] or ["done"]
    return tuple(
        replace(each, status=words[place % len(words)], seconds=None, estimate=None)
        for place, each in enumerate(first.nodes)
    )


def test_nothing_new_is_no_message() -> None:
    one, two = frames([many(20), many(20)])
    assert list(messages(one, two, "v", 2)) == []


def test_one_status_is_one_card_and_the_edges_behind_it() -> None:
    picture = many(50, words=["new"])
    nodes = (replace(picture.nodes[0], status="done"), *picture.nodes[1:])
    one, two = frames([picture, replace(picture, nodes=nodes)])
    (patch,) = messages(one, two, "v", 2)
    assert isinstance(patch, PatchMessage)
    assert [each.id for each in patch.nodes] == ["step_0000"]
    assert patch.parameters is None


def test_a_thousand_statuses_come_in_patches_of_bounded_size() -> None:
    picture = many(1000, words=["new"])
    done = replace(picture, nodes=tuple(replace(each, status="done") for each in picture.nodes))
    one, two = frames([picture, done])
    news = list(messages(one, two, "v", 2))
    assert len(news) == 1000 // MOST_IN_PATCH
    assert [each.revision for each in news] == list(range(2, 2 + len(news)))
    assert all(len(json.dumps(plain(each))) <= 256_000 for each in news)
    assert taken(news, one.message("v", 1)) == two.message("v", 5)


def test_the_first_thing_a_view_is_told_is_the_graph() -> None:
    (frame,) = frames([many(3)])
    (message,) = messages(None, frame, "v", 1)
    assert isinstance(message, GraphMessage)
    assert [each.direction for each in message.layouts] == ["right", "down"]
