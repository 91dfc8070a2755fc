"""Messages as JSON: whatever stands in them, a page can read them."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import InvalidPipeline, Problem, UsageError
from nbpipe.live.frame import graph_message
from nbpipe.live.wire import error_card, plain
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import GraphMessage, NodeCard
from tests.views.pictures import NASTY, pictures


@given(pictures())
def test_every_message_is_json_whatever_the_names(picture: Picture) -> None:
    text = json.dumps(plain(graph_message(picture)), allow_nan=False)
    text.encode("utf-8")
    told = json.loads(text)
    assert set(told) == {each.name for each in fields(GraphMessage)}
    assert all(set(node) == {each.name for each in fields(NodeCard)} for node in told["nodes"])


@given(st.floats())
def test_numbers_that_json_has_not_become_null(value: float) -> None:
    assert plain((value,)) == [value if math.isfinite(value) else None]


def test_lone_surrogates_cannot_break_the_line() -> None:
    assert plain({"a\ud800": "b\udfff"}) == {"a\\ud800": "b\\udfff"}


def test_all_problems_of_a_pipeline_are_told() -> None:
    card = error_card(InvalidPipeline([Problem("One.", "Do this."), Problem("Two.", "Do that.")]))
    assert card.fact == "One."
    assert card.remedy == "Do this.\nTwo.\n  Do that."


@pytest.mark.parametrize("name", NASTY)
def test_errors_are_visible_lines(name: str) -> None:
    card = error_card(UsageError(f"No step {name}.", remedy=name))
    for text in (card.fact, card.remedy):
        assert all(line.isprintable() or "\u200c" in line or "\u200d" in line for line in text.split("\n"))


def test_an_error_nobody_foresaw_is_told_as_such() -> None:
    assert error_card(KeyError("x")).fact == "nbpipe could not do this: KeyError: 'x'"
