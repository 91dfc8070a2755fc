"""Frames kept in files: what a csv gives back is what was written, types, names and index included."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.formats import frames
from nbpipe.notebook.formats.frames import frame_format
from nbpipe.notebook.formats.round_trip import lost_in

NAMES = "csv needs column names that are texts or numbers, each once"
WHEN = pd.to_datetime(["2020-01-01 00:00:00", "2020-07-02 03:00:01", None])
COLUMNS = {
    "whole numbers": [1, -2, 3],
    "small numbers": np.array([1, 2, 3], dtype="int8"),
    "unsigned": np.array([1, 2**63, 3], dtype="uint64"),
    "floats": [0.1, float("nan"), float("-inf")],
    "short floats": np.array([0.1, 1 / 3, 1e-30], dtype="float32"),
    "truth": [True, False, True],
    "texts": ["", "NA", None],
    "texts of digits": ["007", "1e5", "nan"],
    "texts with signs": ['q"', "a\nb", "{x}"],
    "objects": pd.Series(["", "NA", "x"], dtype="object"),
    "numbers that may be missing": pd.array([1, None, 3], dtype="Int64"),
    "truth that may be missing": pd.array([True, None, False], dtype="boolean"),
    "texts that may be missing": pd.array(["a", None, ""], dtype="string"),
    "dates": WHEN,
    "dates to the second": WHEN.astype("datetime64[s]"),
    "dates to the nanosecond": WHEN.astype("datetime64[ns]") + pd.Timedelta(1, "ns"),
    "dates somewhere": WHEN.tz_localize("Europe/Berlin"),
    "spans": pd.to_timedelta(["1 days 00:00:01.000001", None, "0 days"]),
    "months": pd.period_range("2020-01", periods=3, freq="M"),
    "categories": pd.Categorical(["b", "a", None]),
    "categories in an order": pd.Categorical(["S", "L", "S"], categories=["S", "M", "L"], ordered=True),
    "categories never used": pd.Categorical(["a", "a", "b"], categories=["a", "b", "c{0}"]),
    "categories of numbers": pd.Categorical([3, 1, 3]),
}
INDEXES = {
    "counted": pd.RangeIndex(3),
    "counted from five": pd.RangeIndex(5, 8),
    "gaps": pd.Index([2, 5, 9]),
    "names": pd.Index(["x", "007", "z"], name="key"),
    "unnamed": pd.Index(["x", "y", "z"]),
    "dates": pd.DatetimeIndex(["2020-01-01", "2020-01-03", "2020-01-04"], name="day"),
    "categories": pd.CategoricalIndex(["a", "b", "c"], name="kind"),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["kind", "n"]),
    "unnamed levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    for frame in (pd.DataFrame({name: COLUMNS[name]}), pd.DataFrame({name: COLUMNS[name], "n": [1, 2, 3]})):
        kept = frame_format(frame, "csv")
        assert kept.kind == "csv", kept.why
        assert lost_in(kept, frame) == "", kept.read


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_comes_back_as_it_was(name: str) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "t": ["", "b", "c"]}, index=INDEXES[name])
    for value in (frame, frame["n"], frame["t"].rename(None)):
        kept = frame_format(value, "csv")
        assert lost_in(kept, value) == "", kept.read


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.ones((2, 3))),
        pd.DataFrame({0: [1], "a": [2]}),
        pd.DataFrame({"a": [], "b": np.array([], dtype="int64")}),
        pd.DataFrame({"a": ["x", "y", "x"], "b": ["p", "q", "q"], "v": [1, 2, 3]}).pivot_table(
            index="a", columns="b", values="v"
        ),
        pd.DataFrame({"kind": ["a", "b", "a"], "n": [1, 2, 3]}).groupby("kind").mean(),
        pd.Series(["a", "b", "a"], name="kind").value_counts(),
        pd.Series([1.5, 2.5]),
        pd.Series([1, 2], name=3),
    ],
    ids=[
        "numbered",
        "mixed names",
        "empty",
        "pivot",
        "grouped",
        "counts",
        "unnamed series",
        "numbered series",
    ],
)
def test_what_pandas_often_makes_comes_back_as_it_was(frame) -> None:
    kept = frame_format(frame, "csv")
    assert kept.kind == "csv", kept.why
    assert lost_in(kept, frame) == "", kept.read


@given(
    st.lists(st.floats(allow_subnormal=True), max_size=20), st.lists(st.text("aN/A,\"'\n é{}1", max_size=4))
)
def test_any_floats_and_texts_come_back_to_the_last_bit(floats: list[float], texts: list[str]) -> None:
    frame = pd.DataFrame({"x": floats + [0.5] * len(texts), "t": ["-"] * len(floats) + texts})
    kept = frame_format(frame, "csv")
    assert lost_in(kept, frame) == ""


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({("a", "b"): [1]}), "its columns have 2 levels, which csv does not keep apart"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), NAMES),
        (pd.DataFrame([[1, 2]], columns=["0", 0]), NAMES),
        (pd.DataFrame([[1]], columns=[pd.Timestamp("2020")]), NAMES),
        (pd.DataFrame(index=[1, 2]), "it has no columns"),
        (pd.DataFrame({"a": [[1], [2]]}), "its column a holds objects that are no texts"),
        (pd.DataFrame({"a": [1j]}), "csv does not bring its column a back, which is complex128"),
        (
            pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")),
            "its index has a name that is no text, or that a column has too",
        ),
        (
            pd.DataFrame({"a": pd.Categorical(["z"], categories=[*map(str, range(200)), "z"])}),
            "its column a has 201 categories, too many to write into the code",
        ),
        (
            pd.DataFrame({"a": pd.Categorical(pd.to_datetime(["2020"]))}),
            f"csv does not bring its column a back, whose categories are {pd.to_datetime(['2020']).dtype}",
        ),
    ],
)  # fmt: skip
def test_what_csv_would_lose_is_refused_with_the_reason(frame: pd.DataFrame, why: str) -> None:
    kept = frame_format(frame, "csv")
    assert (kept.kind, kept.why, kept.kinds) == ("", why, ("parquet", "csv"))


def test_what_the_code_takes_for_granted_is_noted() -> None:
    sizes = pd.DataFrame({"size": COLUMNS["categories in an order"]}, index=pd.date_range("2020", periods=3))
    assert frame_format(sizes, "csv").notes == (
        "csv does not keep the frequency D of its index",
        "size comes back with the categories that it has now, and with no other",
    )


def test_a_plain_frame_has_plain_code(monkeypatch) -> None:
    monkeypatch.setattr(frames, "_floats_as_read", lambda: True)
    kept = frame_format(pd.DataFrame({"a": [1, 2], "x": [0.5, 1.5]}), "csv")
    assert kept.written("df", "args.out") == "df.to_csv(args.out, index=False)"
    assert kept.read_from("args.df") == "pd.read_csv(args.df)"


def test_a_column_of_any_name_stays_a_text_inside_the_code() -> None:
    name = "'); import os; os.abort() #{pd}{path}\\"
    frame = pd.DataFrame({name: ["a", "b"], "n": [1, 2]})
    assert lost_in(frame_format(frame, "csv"), frame) == ""


class Hostile(str):
    """A text that would be code, if it were asked for its code."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "__import__('os').abort()"

    __hash__ = str.__hash__


def test_no_object_says_itself_what_stands_in_the_code() -> None:
    text = Hostile("a")
    frame = pd.DataFrame([[1, 2]], columns=pd.Index([text, "b"], dtype=object))
    frame.index = pd.Index(["i"], name=text)
    frames_of = [frame, frame.rename_axis(columns=text), frame[text].rename(text)]
    frames_of.append(pd.DataFrame({"k": pd.Categorical(pd.Series([text], dtype=object)), "n": [1]}))
    for each in frames_of:
        for kind in ("csv", "parquet"):
            kept = frame_format(each, kind)
            assert "__import__" not in kept.write + kept.read


def test_parquet_is_taken_where_an_engine_is_installed(monkeypatch) -> None:
    frame = pd.DataFrame({"a": [1]})
    for engine in (True, False):
        monkeypatch.setattr(frames, "has_parquet_engine", lambda engine=engine: engine)
        assert frame_format(frame).kind == ("parquet" if engine else "csv")
        assert frame_format(pd.DataFrame({1: [1]})).kind == "csv"
    kept = frame_format(frame["a"], "parquet")
    assert kept.written("a", "p") == "a.to_frame().to_parquet(p)"
    assert kept.read_from("p") == 'pd.read_parquet(p)["a"]'
    assert (
        frame_format(pd.DataFrame({1: [1]}), "parquet").why == "parquet takes columns whose names are texts"
    )


@pytest.mark.skipif(not frames.has_parquet_engine(), reason="no package that writes parquet is installed")
@pytest.mark.parametrize("name", COLUMNS)
def test_parquet_brings_a_column_back_as_it_was(name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]})
    assert lost_in(frame_format(frame, "parquet"), frame) == ""


def test_an_older_pandas_is_told_to_read_floats_exactly(monkeypatch) -> None:
    monkeypatch.setattr(frames, "_floats_as_read", lambda: False)
    kept = frame_format(pd.DataFrame({"x": [0.5]}), "csv")
    assert 'float_precision="round_trip"' in kept.read_from("p")
    assert list(pd.read_csv(io.StringIO("x\n0.5"))["x"]) == [0.5]
