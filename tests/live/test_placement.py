"""Places of the live view are those of the static picture, and stay while a graph keeps its shape."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from nbpipe.live.placement import NOTE_ROOM, place
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture
from nbpipe.views.svg import svg
from tests.live.scenes import scene
from tests.views.pictures import many, pictures

NOTED = Picture(
    "demo",
    (NodeView("prep", "done"), NodeView("train", "new", parents=("prep",)), NodeView("test", "new")),
    (
        EdgeView("data", "prep", "there"),
        EdgeView("prep", "train", "there", (("clean", NOTE_ROOM),)),
        EdgeView("prep", "test", "there", (("clean", NOTE_ROOM), ("extra", NOTE_ROOM))),
    ),
    (DataView("data", "raw.csv", NOTE_ROOM),),
    (ParameterView("lr", "0.1", ("train", "test")),),
)


@pytest.mark.parametrize("direction", ["right", "down"])
@pytest.mark.parametrize("picture", [NOTED, many(40), many(200), many(400)], ids=["noted", "M", "S", "XS"])
def test_the_live_view_has_the_lines_of_the_static_picture(picture: Picture, direction: str) -> None:
    roomy = replace(
        picture,
        edges=tuple(
            replace(each, labels=tuple((name, NOTE_ROOM) for name, _ in each.labels))
            for each in picture.edges
        ),
    )
    drawn = svg(roomy, direction=direction)
    (layout,) = (each for each in place(scene(picture)).layouts if each.direction == direction)
    assert len(layout.paths) == len(picture.edges)
    for way in (*layout.paths.values(), *layout.heads.values(), *layout.hairs.values()):
        assert f'd="{way}"' in drawn
    for each in picture.nodes:
        box = layout.boxes[each.node_id]
        assert f"translate({box.x:g} {box.y:g})" in drawn


@given(pictures())
def test_everything_has_a_place_inside_the_whole(picture: Picture) -> None:
    shown = scene(picture)
    for layout in place(shown).layouts:
        assert set(layout.boxes) == set(shown.nodes) | set(shown.data)
        assert set(layout.paths) == set(layout.heads) == set(shown.edges)
        for box in layout.boxes.values():
            assert box.x >= 0
            assert box.x + box.width <= layout.width + 0.1
            assert box.y + box.height <= layout.height + 0.1


def test_each_output_is_named_at_one_edge_alone() -> None:
    placement = place(scene(NOTED))
    labelled = [placement.labelled(each) for each in scene(NOTED).edges.values()]
    names = [label.name for each in labelled for label in each.labels]
    assert sorted(names) == ["clean", "extra"]
    assert len(placement.layouts[0].labels) == sum(bool(each.labels) for each in labelled)


def test_more_outputs_than_there_is_room_for_are_counted() -> None:
    labels = tuple((f"out{number}", "") for number in range(5))
    picture = Picture(
        "demo", (NodeView("a", "done"), NodeView("b", "new")), (EdgeView("a", "b", "there", labels),)
    )
    shown = scene(picture)
    (edge,) = map(place(shown).labelled, shown.edges.values())
    assert [each.name for each in edge.labels] == ["out0", "out1", "out2", "+2"]


def test_a_note_that_comes_moves_nothing() -> None:
    bare = replace(
        NOTED,
        edges=tuple(
            replace(each, labels=tuple((name, "") for name, _ in each.labels)) for each in NOTED.edges
        ),
        data=tuple(replace(each, note="") for each in NOTED.data),
    )
    first = place(scene(bare))
    assert place(scene(NOTED), first) is first


def test_a_step_more_is_another_shape() -> None:
    first = place(scene(NOTED))
    assert place(scene(replace(NOTED, nodes=(*NOTED.nodes, NodeView("more", "new")))), first) is not first
    assert place(scene(replace(NOTED, edges=NOTED.edges[:-1])), first) is not first
