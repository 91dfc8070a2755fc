"""What may be logged, and what many calls of log come to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UsageError
from nbpipe.runtime import metrics
from nbpipe.runtime.spool import MemorySpool

SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


@given(st.lists(SCALARS, min_size=1))
def test_a_name_logged_again_becomes_the_list_of_its_values(logged: list[object]):
    spool = MemorySpool()
    for value in logged:
        spool.append("metric", kind="scalar", name="x", value=metrics.scalar("x", value), run="step")
    assert metrics.fold(spool.records()) == {"x": logged[0] if len(logged) == 1 else logged}


@given(st.lists(st.lists(SCALARS, min_size=1), min_size=1))
def test_lists_of_one_name_are_joined(lists: list[list[object]]):
    spool = MemorySpool()
    for one in lists:
        spool.append("metric", kind="list", name="x", value=metrics.values("x", one), run="step")
    assert metrics.fold(spool.records()) == {"x": [value for one in lists for value in one]}


def test_folding_twice_gives_the_same():
    spool = MemorySpool()
    for row in ({"x": 1, "y": 2}, {"x": 3, "z": 4}):
        spool.append("metric", kind="row", name="t", value=row, run="step")
    assert (
        metrics.fold(spool.records()) == metrics.fold(spool.records()) == {"t": {"x": [1, 3], "y": 2, "z": 4}}
    )


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.array([7]), 7),
        (np.str_("a"), "a"),
        (float("inf"), float("inf")),
        (None, None),
    ],
)
def test_numpys_scalars_become_pythons(value: object, plain: object):
    assert metrics.scalar("x", value) == plain


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ([1, 2], "run.log_list('x', ...)"),
        (np.array([1, 2]), "run.log_list('x', ...)"),
        ({"a": 1}, "run.log_table('x', ...)"),
        (object(), "run.log('x', str(...))"),
        (1j, "run.log('x', str(...))"),
    ],
)
def test_what_is_no_scalar_is_refused_with_the_call_that_takes_it(value: object, remedy: str):
    with pytest.raises(UsageError) as error:
        metrics.scalar("x", value)
    assert remedy in str(error.value)


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, 3, [1, [2]]])
def test_what_is_no_list_of_scalars_is_refused(value: object):
    with pytest.raises(UsageError):
        metrics.values("x", value)


def test_lists_and_tables_take_arrays():
    assert metrics.values("x", np.arange(3)) == [0, 1, 2]
    assert metrics.values("x", (n for n in "ab")) == ["a", "b"]
    given_table = {
        "a": np.array([1, 2]),
        "b": [3, 4],
        "c": 5,
        "d": np.float64(0.5),
        "e": "text",
        "f": np.array(1),
    }
    assert metrics.columns("t", given_table) == {
        "a": [1, 2],
        "b": [3, 4],
        "c": 5,
        "d": 0.5,
        "e": "text",
        "f": 1,
    }
    with pytest.raises(UsageError, match="a dict of columns"):
        metrics.columns("t", [1])


def test_a_chart_is_a_dict_or_its_json():
    chart = {"schema_type": "confusion_matrix", "data": {"matrix": np.eye(2)}}
    plain = {"schema_type": "confusion_matrix", "data": {"matrix": [[1.0, 0.0], [0.0, 1.0]]}}
    assert metrics.document("m", chart) == plain
    assert metrics.document("m", '{"a": 1}') == {"a": 1}
    for bad in ("no json", "[1]", [1], {"a": object()}):
        with pytest.raises(UsageError):
            metrics.document("m", bad)


def test_tags_and_properties_are_the_last_of_each_name():
    spool = MemorySpool()
    spool.append("tag", name="a", value=1, run="step")
    spool.append("tag", name="a", value=2, run="step")
    spool.append("tag", name="b", value=3, run="step")
    spool.append("tag", name="b", removed=True, run="step")
    spool.append("tag", name="c", value=4, run="parent")
    assert metrics.latest(spool.records(), "tag") == {"a": 2}
    assert metrics.latest(spool.records(), "tag", "parent") == {"c": 4}
