"""Scenes for the tests of the live graph, and a view that takes messages as a page does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nbpipe.live.frame import scene_of
from nbpipe.live.head import head_card
from nbpipe.live.scene import Scene
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import GraphMessage, PatchMessage


def scene(picture: Picture) -> Scene:
    """The scene of a picture, without further facts."""
    return scene_of(picture, {}, head_card(picture))


def taken(messages: Iterable[GraphMessage | PatchMessage], known: GraphMessage | None = None) -> GraphMessage:
    """The graph that a page has after messages, which have to follow one another without a gap."""
    for message in messages:
        if isinstance(message, GraphMessage):
            known = message
            continue
        assert known is not None
        assert message.revision == known.revision + 1
        assert {each.id for each in message.nodes} <= {each.id for each in known.nodes}
        known = replace(
            known,
            revision=message.revision,
            head=message.head or known.head,
            nodes=_with(known.nodes, message.nodes),
            edges=_with(known.edges, message.edges),
            data=_with(known.data, message.data),
            parameters=known.parameters if message.parameters is None else message.parameters,
        )
    assert known is not None
    return known


def _with(cards: tuple, news: tuple) -> tuple:
    found = {each.id: each for each in news}
    return tuple(found.get(each.id, each) for each in cards)
