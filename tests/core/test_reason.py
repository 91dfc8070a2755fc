"""Reasons: one line each, in the user's names, as the interface shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.reason import (
    LONGEST_COMPARED,
    Reason,
    changed_lines,
    compare,
    nearest,
    only_comments_changed,
    option_values,
)
from nbpipe.core.result import Attempt

TEXTS = {"old": "a\nb\nc\n", "new": "a\nB\nc\n", "more": "A\nb\nC\nd\n"}


def side(evidence: dict[str, Any] | None = None, **parts: dict[str, Any]) -> Fingerprint:
    return Fingerprint(parts, evidence or {})


def told(before: Fingerprint | None, after: Fingerprint) -> list[str]:
    return [str(reason) for reason in compare(before, after, TEXTS.get)]


FILES = {"train.py": "old"}, {"train.py": "new"}
WORDS = {
    "never run": (None, side(), "never run"),
    "a line": (
        side({"files": {"train.py": "old"}}, code={"train.py": "1"}),
        side({"files": {"train.py": "new"}}, code={"train.py": "2"}),
        "train.py line 2 changed",
    ),
    "several places": (
        side({"files": {"train.py": "old"}}, code={"train.py": "1"}),
        side({"files": {"train.py": "more"}}, code={"train.py": "2"}),
        "train.py line 1 and 1 more place changed",
    ),
    "a text that is gone": (side(code={"train.py": "1"}), side(code={"train.py": "2"}), "train.py changed"),
    "a shared module": (
        side(code={"helpers.py": "1"}),
        side({"shared": {"helpers.py": ["prep"]}}, code={"helpers.py": "2"}),
        "helpers.py changed (also used by prep)",
    ),
    "a new file": (side(), side(code={"helpers.py": "2"}), "helpers.py added"),
    "a lost file": (side(code={"helpers.py": "2"}), side(), "helpers.py removed"),
    "a parameter by its option": (
        side(parameters={"lr": 0.1}), side({"options": {"lr": "--lr"}}, parameters={"lr": 0.2}), "--lr 0.1 → 0.2",
    ),
    "a parameter by its name": (side(parameters={"on": True}), side(parameters={"on": False}), "on true → false"),
    "a new parameter": (side(), side(parameters={"lr": 1}), "lr 1 added"),
    "an option": (
        side(command={"arguments": ["--lr", "0.1"]}), side(command={"arguments": ["--lr", "0.2"]}), "--lr 0.1 → 0.2",
    ),
    "a flag": (side(command={"arguments": []}), side(command={"arguments": ["--fast"]}), "--fast added"),
    "a flag that has a value": (
        side(command={"arguments": ["--n"]}), side(command={"arguments": ["--n", "3"]}), "--n → 3",
    ),
    "one of an option given twice": (
        side(command={"arguments": ["--x", "1", "--x", "2"]}),
        side(command={"arguments": ["--x", "3", "--x", "2"]}),
        "--x 1 → 3",
    ),
    "another order": (
        side(command={"arguments": ["--a", "--b"]}), side(command={"arguments": ["--b", "--a"]}),
        "arguments in another order",
    ),
    "an argument split in two": (
        side(command={"arguments": ["--a", "x y"]}), side(command={"arguments": ["--a", "x", "y"]}),
        "arguments changed",
    ),
    "content": (side(inputs={"raw": "1"}), side(inputs={"raw": "2"}), "raw: content changed"),
    "rows": (
        side({"inputs": {"raw": {"name": "penguins.csv", "rows": 344}}}, inputs={"raw": "1"}),
        side({"inputs": {"raw": {"name": "penguins.csv", "rows": 346}}}, inputs={"raw": "2"}),
        "penguins.csv: content changed (344 → 346 rows)",
    ),
    "another step's output": (
        side(inputs={"raw": "1"}), side({"inputs": {"raw": {"name": "clean", "from": "prep"}}}, inputs={"raw": "2"}),
        "clean changed",
    ),
    "a new input": (side(), side(inputs={"raw": "2"}), "raw is a new input"),
    "a lost input": (side(inputs={"raw": "2"}), side(), "raw is no longer an input"),
    "a package": (
        side(environment={"pandas": "2.2.3"}), side(environment={"pandas": "2.3.0"}), "pandas 2.2.3 → 2.3.0",
    ),
    "a declared environment": (
        side(environment={"definition": "1"}), side(environment={"definition": "2"}), "declared environment changed",
    ),
    "a hidden value": (side(settings={"--env A": "1"}), side(settings={"--env A": "2"}), "--env A changed"),
    "a setting": (
        side(settings={"output clean": "any x"}), side(settings={"output clean": "file x"}),
        "output clean any x → file x",
    ),
    "a value that became text": (side(parameters={"p": 1}), side(parameters={"p": "1"}), 'p 1 → "1"'),
    "a truth that became text": (side(parameters={"p": True}), side(parameters={"p": "true"}), 'p true → "true"'),
    "the end of a long value": (
        side(parameters={"p": "x" * 50 + "1"}), side(parameters={"p": "x" * 50 + "2"}),
        f"p …{'x' * 10}1 → …{'x' * 10}2",
    ),
    "a version": (side(version={"version": "1"}), side(version={"version": "2"}), "version 1 → 2"),
    "a long value": (
        side(parameters={"p": "x" * 50}), side(parameters={"p": "y\ny"}), "p " + "x" * 39 + "… → y y",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDS)
def test_reasons_in_words(case: str) -> None:
    before, after, text = WORDS[case]
    assert told(before, after) == [text]


def test_reasons_come_in_the_order_of_the_parts() -> None:
    before = side(code={"a": "1"}, inputs={"a": "1"}, version={"version": "1"})
    after = side(version={"version": "2"}, inputs={"a": "2"}, code={"a": "2"})
    assert [reason.kind for reason in compare(before, after, TEXTS.get)] == ["code", "inputs", "version"]


def test_another_steps_output_is_a_reason_upstream() -> None:
    evidence = {"inputs": {"raw": {"name": "clean", "from": "prep"}}}
    (reason,) = compare(side(inputs={"raw": "1"}), side(evidence, inputs={"raw": "2"}), TEXTS.get)
    assert (reason.kind, reason.name) == ("upstream", "prep")


def test_a_cause_stands_behind_an_arrow() -> None:
    reason = Reason("upstream", "split", text="train changed").because("split.py line 9")
    assert (str(reason), reason.short()) == ("train changed ← split.py line 9", "split.py line 9")
    assert Reason("code", text="split.py line 9 changed").short() == "split.py line 9"


@given(
    st.builds(Reason, st.just("code"), st.text(), st.none() | st.text(), st.integers(), st.text(), st.text())
)
def test_a_reason_goes_to_json_and_back(reason: Reason) -> None:
    assert Reason.from_json(json.loads(json.dumps(reason.to_json()))) == reason


def attempt(
    key: str, time: float = 0.0, pipeline: str = "p", status: Any = "finished", **values: Any
) -> Attempt:
    return Attempt(key, key, pipeline, status, time, side(parameters=values))


def test_what_is_compared_with_is_the_nearest() -> None:
    now = side(parameters={"a": 1, "b": 2})
    far, near, old = attempt("far", 9.0), attempt("near", 1.0, a=1, b=3), attempt("old", 0.5, a=1, b=4)
    elsewhere = attempt("elsewhere", 5.0, "q", a=1, b=2)
    failed = attempt("failed", 9.0, status="failed", a=1, b=2)
    assert nearest([old, near, far, elsewhere, failed], now, "p") is near
    assert nearest([far, elsewhere], now, "p") is far
    assert nearest([elsewhere, failed], now, "p") is elsewhere
    assert nearest([failed], now, "p") is failed
    assert nearest([], now, "p") is None


def test_of_two_as_near_the_newest_is_compared_with() -> None:
    """The newest comes last in the history, even where a clock that was set back says otherwise."""
    first, last = attempt("first", 1.0, a=2), attempt("last", 2.0, a=3)
    now = side(parameters={"a": 1})
    assert nearest([first, last], now, "p") is last
    assert nearest([attempt("first", 3.0, a=2), last], now, "p") is last
    twin = attempt("twin", 2.0, a=3)
    assert nearest([last, twin], now, "p") is twin


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_changed_lines_are_told_exactly_for_texts_that_differ(old: list[str], new: list[str]) -> None:
    assert bool(changed_lines("\n".join(old), "\n".join(new))) == (old != new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a b c", "a B c", "line 2"), ("a b c", "a B C", "lines 2-3"), ("a b", "a b c", "line 3"),
        ("a b c", "a c", "line 2"), ("", "a", "line 1"), ("a b c d e", "A b C d E", "line 1 and 2 more places"),
    ],
)  # fmt: skip
def test_changed_lines_are_counted_as_people_do(old: str, new: str, expected: str) -> None:
    assert changed_lines(old.replace(" ", "\n"), new.replace(" ", "\n")) == expected


def test_long_texts_are_told_by_their_first_change() -> None:
    """Looking for every change in them would take minutes."""
    same = "0\n" * (20 * LONGEST_COMPARED)
    assert changed_lines("x\n" + same, "y\n" + same) == "from line 1 on"
    assert changed_lines(same + "x", same + "y") == f"line {20 * LONGEST_COMPARED + 1}"


def test_options_are_compared_whatever_their_order() -> None:
    assert option_values(["-v", "x", "--n", "-3", "--m=-.5", "-.25", "y"]) == {
        "-v": "x",
        "--n": "-3",
        "--m": "-.5 -.25 y",
    }
    assert told(
        side(command={"arguments": ["--a", "1", "--b", "2"]}),
        side(command={"arguments": ["--b", "3", "--a", "1"]}),
    ) == ["--b 2 → 3"]


def test_only_comments_changed_when_bytes_differ_and_nothing_that_counts() -> None:
    old, new = side({"files": {"a": "1"}}, code={"a": "x"}), side({"files": {"a": "2"}}, code={"a": "x"})
    assert only_comments_changed(old, new)
    assert not only_comments_changed(old, old)
    assert not only_comments_changed(old, side({"files": {"a": "2"}}, code={"a": "y"}))
