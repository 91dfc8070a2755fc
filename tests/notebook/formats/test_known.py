"""Which kind of file keeps a value: by its type, and so that it comes back equal."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.formats.format import ENDINGS, KINDS
from nbpipe.notebook.formats.known import LONGEST_WALK, format_of, json_problem
from nbpipe.notebook.formats.round_trip import CannotKeep, lost_in

mpl.use("Agg")

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def figure():
    from matplotlib import pyplot as plt

    made, axes = plt.subplots()
    axes.plot([1, 2])
    plt.close(made)
    return made


@pytest.mark.parametrize(
    ("value", "kind", "ending"),
    [
        ([1, "a", None, {"b": [0.5, True]}], "json", ".json"),
        ({"a": {"b": []}}, "json", ".json"),
        ((1, 2.5), "json", ".json"),
        (None, "json", ".json"),
        (True, "json", ".json"),
        (float("nan"), "json", ".json"),
        ("two\r\nlines, é", "text", ".txt"),
        (b"\x00\xff\r\n", "bytes", ".bin"),
        (np.arange(6.0).reshape(2, 3), "npy", ".npy"),
        (np.array([np.nan, -0.0]), "npy", ".npy"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "npy", ".npy"),
        (np.int64(3), "npy", ".npy"),
        (np.float32(0.1), "npy", ".npy"),
        (figure(), "png", ".png"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_value_of_a_known_type_comes_back_equal(value, kind: str, ending: str) -> None:
    kept = format_of(value)
    assert (kept.kind, kept.ending, kept.why) == (kind, ending, "")
    assert lost_in(kept, value) == ""


@given(plain)
def test_what_json_is_chosen_for_comes_back_equal(value) -> None:
    kept = format_of(value)
    assert kept.kind == ("text" if isinstance(value, str) else "json")
    assert lost_in(kept, value) == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({1: "a"}, "json turns the key 1 into text"),
        ([(1, 2)], "json does not bring back the tuple in it"),
        ({"a": {1, 2}}, "json does not bring back the set in it"),
        ({1, 2}, "no kind of file surely holds a value of type set"),
        (object(), "no kind of file surely holds a value of type object"),
        (np.array([object()]), "npy holds no array of objects"),
        (np.ma.masked_array([1]), "no kind of file surely holds a value of type MaskedArray"),
        (
            type("Frame", (pd.DataFrame,), {})({"a": [1]}),
            "no kind of file surely holds a value of type Frame",
        ),
    ],
    ids=["int key", "tuple", "set inside", "set", "object", "objects", "masked", "own frame"],
)
def test_anything_else_has_no_kind_and_says_why(value, why: str) -> None:
    kept = format_of(value)
    assert (kept.kind, kept.why) == ("", why)


@pytest.mark.parametrize(
    ("value", "simple"),
    [
        (1, "int"), (0.5, "float"), (True, "bool"), ("a", "str"), (np.float64(0.5), "float"), (np.bool_(1), "bool"),
        ([], ""), (None, ""),
    ],
    ids=repr,
)  # fmt: skip
def test_what_can_stand_on_a_command_line_is_simple(value, simple: str) -> None:
    assert format_of(value).simple == simple


def test_frames_of_polars_are_kept_as_parquet() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, None], "t": ["x", ""], "d": [[1], [2, 3]]})
    for value in (frame, frame["t"]):
        kept = format_of(value)
        assert (kept.kind, lost_in(kept, value)) == ("parquet", "")


def test_paths_and_code_are_no_files_of_their_own() -> None:
    assert [format_of(each).role for each in (Path("x"), format_of, Path, pytest, len)] == ["path"] + [
        "code"
    ] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for_and_has_an_ending(kind: str) -> None:
    kept = format_of({1, 2}, kind)
    assert kept.kind == kind
    assert ENDINGS[kept.ending] == kind


def test_a_kind_that_was_asked_for_is_tried_too() -> None:
    with pytest.raises(CannotKeep, match="TypeError: Object of type set"):
        lost_in(format_of({1, 2}, "json"), {1, 2})
    assert lost_in(format_of({1: 2}, "json"), {1: 2}) == "a dict comes back as another dict"
    assert lost_in(format_of({1, 2}, "text"), {1, 2}) == "a set comes back as a str"
    assert lost_in(format_of(figure().axes[0], "png"), figure().axes[0]) == ""
    levels = pd.DataFrame({("a", "b"): [1]})
    assert format_of(levels, "csv").kind == "csv"
    assert lost_in(format_of(levels, "csv"), levels) == "a DataFrame comes back as another DataFrame"


def test_a_large_list_is_looked_at_in_part() -> None:
    assert json_problem([0] * LONGEST_WALK + [{1}]) == "json does not bring back the set in it"
    assert json_problem([{1}] + [0] * LONGEST_WALK * 2) == ""


def test_methods_that_change_a_value_in_place_are_known_by_its_type() -> None:
    assert "append" in format_of([]).changing
    assert "append" not in format_of({}).changing
    assert "insert" in format_of(pd.DataFrame({"a": [1]})).changing
    assert format_of((1,)).changing == frozenset()
