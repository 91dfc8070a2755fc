"""What is read from a file is of the kinds it says, or is told as damaged."""

from __future__ import annotations

import pytest

from nbpipe.core.events import StepFinished, StepStarted, event_from_json
from nbpipe.core.node import DataSource, Node
from nbpipe.core.result import StepResult
from nbpipe.core.shape import well_formed

FINISHED = StepFinished(1.0, "prep", 1, {"clean": "9c02"}, 1.0, 1.0, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time", "today"), ("time", float("nan")), ("time", 1e300), ("node", None), ("node", 7), ("attempt", 1.5),
        ("outputs", []), ("outputs", {"clean": 7}), ("peak_bytes", "much"), ("kept", {}),
    ],
)  # fmt: skip
def test_an_event_with_a_field_of_another_kind_is_damaged(field, value):
    with pytest.raises(TypeError, match=f"{field} of StepFinished"):
        event_from_json({**FINISHED.to_json(), field: value})


def test_an_event_that_is_as_it_was_written_is_not_damaged():
    assert event_from_json(FINISHED.to_json()) == FINISHED
    started = StepStarted(1.0, "prep", 1, "key", "print", [{"kind": "forced"}], estimate=None)
    assert event_from_json(started.to_json()) == started


def test_what_no_test_is_known_of_is_left_to_its_builder():
    result = StepResult("k", "1", "s", "n", "p", {}, "f", 0.0, metrics={"loss": [object()]})
    assert well_formed(result) is result


@pytest.mark.parametrize("wrong", [{"name": 7}, {"paths": "a.csv"}, {"paths": (7,)}, {"is_file": "no"}])
def test_every_annotation_of_a_graph_is_held(wrong):
    with pytest.raises(TypeError, match="of DataSource"):
        well_formed(DataSource(**{"node_id": "a", "name": "a", "paths": ("a.csv",), **wrong}))
    with pytest.raises(TypeError, match="run_after of Node"):
        well_formed(Node("a", "a", "a.py", None, run_after=(None,)))  # type: ignore[arg-type]
