"""Events: every kind goes to a JSON line and back, and a line of another version stops nobody."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core import events
from nbpipe.core.events import Event, RunStarted, StepEvent, StepFinished, event_from_json

KINDS = {
    "run_started", "step_queued", "step_reused", "step_started", "step_moved", "step_noted", "step_logged",
    "step_finished", "step_failed", "step_cancelled", "step_blocked", "stop_requested", "run_finished",
}  # fmt: skip
CLASSES = {
    kind.kind: kind for kind in vars(events).values() if isinstance(kind, type) and getattr(kind, "kind", "")
}

texts = st.text(max_size=8)
seconds = st.floats(0, 1e10)
reasons = st.lists(st.dictionaries(texts, texts, max_size=2), max_size=2)
values = {
    "str": texts, "int": st.integers(0, 2**40), "float": seconds, "bool": st.booleans(),
    "int | None": st.none() | st.integers(), "float | None": st.none() | seconds,
    "Mapping[str, str]": st.dictionaries(texts, texts, max_size=2),
    "Mapping[str, Any]": st.dictionaries(texts, st.none() | texts | st.lists(seconds, max_size=2), max_size=2),
    "Mapping[str, list[str]]": st.dictionaries(texts, st.lists(texts, max_size=2), max_size=2),
    "list[dict[str, Any]]": reasons,
}  # fmt: skip


def of(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{field.name: values[field.type] for field in fields(kind)})


def test_the_set_of_kinds_is_closed() -> None:
    assert CLASSES.keys() == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(st.data())
def test_every_event_goes_to_a_line_and_back(kind: str, data: st.DataObject) -> None:
    event = data.draw(of(CLASSES[kind]))
    line = json.dumps(event.to_json())
    assert "\n" not in line
    assert event_from_json(json.loads(line)) == event
    assert json.loads(line)["event"] == kind
    assert isinstance(event, StepEvent) == kind.startswith("step_")


@pytest.mark.parametrize(
    "line", [{}, {"event": "step_dreamt", "time": 1.0}, {"event": None}, {"event": ["step_noted"]}]
)
def test_a_kind_that_is_not_known_is_no_event(line: dict[str, object]) -> None:
    assert event_from_json(line) is None


def test_what_a_newer_nbpipe_added_to_a_kind_is_passed_over() -> None:
    event = StepFinished(1.0, "a", 1, {}, 1.0, 0.5, 10)
    assert event_from_json(event.to_json() | {"joules": 3}) == event


def test_what_an_older_nbpipe_left_out_has_its_default() -> None:
    line = RunStarted(1.0, "7", "p", "e", {}, {}).to_json()
    del line["tags"], line["pid"]
    assert event_from_json(line) == RunStarted(1.0, "7", "p", "e", {}, {})


def test_a_line_that_lost_a_field_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        event_from_json({"event": "step_noted", "time": 1.0})
