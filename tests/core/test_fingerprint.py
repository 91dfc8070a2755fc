"""Fingerprints: whatever counts moves the key and gives a reason; nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbpipe.core.fingerprint import PARTS, SCHEME, Fingerprint, canonical
from nbpipe.core.reason import KINDS, compare

names = st.text(min_size=1, max_size=6)
values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
digests = st.text("0123456789abcdef", min_size=4, max_size=4)
commands = st.fixed_dictionaries(
    {"script": names, "arguments": st.lists(st.text("-=ab1. ", max_size=4), max_size=5)}
)
parts = st.fixed_dictionaries(
    {
        "code": st.dictionaries(names, digests, max_size=3),
        "command": commands,
        "inputs": st.dictionaries(names, digests, max_size=3),
        "parameters": st.dictionaries(names, values, max_size=3),
        "environment": st.dictionaries(names, st.text(max_size=5), max_size=3),
        "settings": st.dictionaries(names, values, max_size=3),
        "version": st.just({}) | st.fixed_dictionaries({"version": names}),
    }
)
evidence = st.fixed_dictionaries(
    {},
    optional={
        "files": st.dictionaries(names, digests, max_size=2),
        "inputs": st.dictionaries(
            names, st.fixed_dictionaries({}, optional={"name": names, "rows": st.integers()})
        ),
        "options": st.dictionaries(names, names, max_size=2),
        "shared": st.dictionaries(names, st.lists(names, max_size=2), max_size=2),
    },
)
fingerprints = st.builds(Fingerprint, parts, evidence)


def unread(digest: str) -> str | None:
    return None


def changed(fingerprint: Fingerprint, kind: str, name: str, value: Any) -> Fingerprint:
    return replace(fingerprint, parts={**fingerprint.parts, kind: {**fingerprint.part(kind), name: value}})


def kinds(before: Fingerprint, after: Fingerprint) -> set[str]:
    return {reason.kind for reason in compare(before, after, unread)}


FLIPS = {
    "code": (names, digests), "inputs": (names, digests), "parameters": (names, values),
    "environment": (names, st.text(max_size=5)), "settings": (names, values), "version": (st.just("version"), names),
    "command": (st.just("arguments"), st.lists(st.text("-=ab1. ", max_size=4), max_size=5)),
}  # fmt: skip


@pytest.mark.parametrize("kind", PARTS)
@given(st.data())
def test_every_ingredient_moves_the_key_and_gives_its_reason(kind: str, draw: st.DataObject) -> None:
    before = draw.draw(fingerprints)
    new_names, new_values = FLIPS[kind]
    known = sorted(before.part(kind))
    name = draw.draw(
        st.sampled_from(known) | new_names if known and kind not in ("command", "version") else new_names
    )
    value = draw.draw(new_values)
    assume(name not in before.part(kind) or canonical(before.part(kind)[name]) != canonical(value))
    after = changed(before, kind, name, value)
    assert after.key != before.key
    assert kinds(before, after) == kinds(after, before) == {kind}
    for reason in compare(before, after, unread):
        assert reason.text
        assert "\n" not in reason.text
        if kind not in ("command", "version"):
            assert (reason.name, reason.after) == (name, value) or reason.after != reason.after


@pytest.mark.parametrize("kind", [kind for kind in PARTS if kind not in ("command", "version")])
@given(st.data())
def test_a_lost_ingredient_moves_the_key_and_gives_its_reason(kind: str, draw: st.DataObject) -> None:
    name, value = draw.draw(FLIPS[kind][0]), draw.draw(FLIPS[kind][1])
    after = draw.draw(fingerprints)
    assume(name not in after.part(kind))
    before = changed(after, kind, name, value)
    assert after.key != before.key
    assert kinds(before, after) == {kind}


def test_the_script_counts() -> None:
    before, after = (Fingerprint({"command": {"script": name}}) for name in ("a.py", "b.py"))
    assert [str(reason) for reason in compare(before, after, unread)] == ["script a.py → b.py"]


@given(fingerprints, fingerprints)
def test_a_key_moves_exactly_when_something_differs(one: Fingerprint, other: Fingerprint) -> None:
    differs = list(one.differences(other))
    assert bool(differs) == (one.key != other.key) == (not one.matches(other))
    assert bool(compare(one, other, unread)) == bool(differs)
    assert {reason.kind for reason in compare(one, other, unread)} == {kind for kind, *_ in differs}
    assert {kind for kind, *_ in differs} <= set(KINDS)


@given(fingerprints, evidence)
def test_evidence_and_the_order_of_names_change_nothing(one: Fingerprint, other: dict[str, Any]) -> None:
    turned = {kind: dict(reversed(one.part(kind).items())) for kind in reversed(PARTS)}
    same = Fingerprint(turned, other)
    assert same.key == one.key
    assert compare(one, same, unread) == []


@given(fingerprints)
def test_an_empty_part_is_no_part(one: Fingerprint) -> None:
    filled = {kind: values for kind, values in one.parts.items() if values}
    assert Fingerprint(filled).key == one.key


@given(fingerprints)
def test_the_scheme_counts_and_is_the_only_reason(one: Fingerprint) -> None:
    newer = replace(one, scheme=SCHEME + 1)
    assert newer.key != one.key
    assert not newer.matches(one)
    assert kinds(one, newer) == {"scheme"}


@given(fingerprints, st.sets(names))
def test_a_fingerprint_goes_to_json_and_back(one: Fingerprint, unknown: set[str]) -> None:
    one = replace(one, unknown=frozenset(unknown))
    back = Fingerprint.from_json(json.loads(json.dumps(one.to_json())))
    assert canonical(back.to_json()) == canonical(one.to_json())
    assert back.matches(one)
    assert unknown or back.key == one.key


@pytest.mark.parametrize("other", [1.0, True, "1", [1], None])
def test_values_of_other_types_are_other_values(other: Any) -> None:
    one, two = Fingerprint({"parameters": {"n": 1}}), Fingerprint({"parameters": {"n": other}})
    assert one.key != two.key
    assert kinds(one, two) == {"parameters"}


def test_not_a_number_is_itself_and_minus_zero_is_not_zero() -> None:
    nan, again = (Fingerprint({"parameters": {"n": float("nan")}}) for _ in range(2))
    assert nan.matches(again)
    assert kinds(Fingerprint({"parameters": {"n": 0.0}}), Fingerprint({"parameters": {"n": -0.0}})) == {
        "parameters"
    }


@given(fingerprints, st.dictionaries(names, digests, min_size=1, max_size=3))
def test_an_unknown_input_is_passed_over_until_it_is_known(one: Fingerprint, found: dict[str, str]) -> None:
    known = one.with_inputs(found, {name: {"name": "a.csv"} for name in found})
    own = {name: digest for name, digest in one.part("inputs").items() if name not in found}
    waiting = replace(one, parts={**one.parts, "inputs": own}, unknown=frozenset(found))
    assert waiting.matches(known)
    assert known.matches(waiting)
    assert waiting.may_become(known.likeness, known.part("inputs"))
    with pytest.raises(ValueError, match="not known yet"):
        _ = waiting.key
    settled = waiting.with_inputs(found)
    assert (settled.key, settled.unknown) == (known.key, frozenset())
    name = next(iter(found))
    other = waiting.with_inputs({name: "other"})
    assert not other.matches(known)
    assert not other.may_become(known.likeness, known.part("inputs"))
    assert known.input_names == waiting.input_names == own.keys() | found.keys()
    assert waiting.with_inputs(found) is not settled  # another was asked for in between
    assert waiting.with_inputs(dict(found)) is waiting.with_inputs(found)


def test_that_there_is_an_input_counts_before_it_is_known() -> None:
    without, waiting = Fingerprint({}), Fingerprint({}, unknown=frozenset({"clean"}))
    assert not waiting.matches(without)
    assert not waiting.may_become(without.likeness, {})
    assert [reason.text for reason in compare(without, waiting, unread)] == ["clean is a new input"]
    assert [reason.text for reason in compare(waiting, without, unread)] == ["clean is no longer an input"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("parts", []), ("evidence", None), ("scheme", "1"), ("parts.code", {"a.py": 7}), ("parts.code", ["a.py"]),
        ("parts.command", {"arguments": [1]}), ("parts.command", {"script": None}), ("parts.inputs", {"a": {}}),
        ("parts.environment", {"python": 3.11}), ("evidence.files", {"a.py": None}), ("evidence.options", [1]),
        ("evidence.inputs", {"a": "b"}), ("evidence.inputs", {"a": {"rows": "3"}}), ("evidence.shared", {"a": "b"}),
        ("evidence.inputs", {"a": {"bytes": 10**400}}),
    ],
)  # fmt: skip
def test_a_stored_fingerprint_with_a_part_of_another_kind_is_damaged(part: str, value: Any) -> None:
    told = Fingerprint({"code": {"a.py": "ast:1"}}, {"files": {"a.py": "9c02"}}).to_json()
    holder, _, name = part.rpartition(".")
    (told[holder] if holder else told)[name] = value
    with pytest.raises(TypeError):
        Fingerprint.from_json(told)
