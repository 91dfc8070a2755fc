"""Results as the store remembers them."""

from __future__ import annotations

import json

from nbpipe.core.result import StepResult

RESULT = StepResult(
    "k",
    "7",
    "train",
    "train#2",
    "p",
    {"model": "d"},
    "f",
    3.0,
    2.0,
    {"loss": [0.1]},
    "6",
    "t",
    "l",
    {"clean": "c"},
)


def test_a_result_goes_to_json_and_back() -> None:
    assert StepResult.from_json(json.loads(json.dumps(RESULT.to_json()))) == RESULT


def test_what_a_newer_nbpipe_added_is_passed_over() -> None:
    assert StepResult.from_json(RESULT.to_json() | {"joules": 3}) == RESULT
