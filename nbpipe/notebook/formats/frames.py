"""Frames and series of pandas kept in files: as parquet, or as csv whose types are written into the reading code."""

from __future__ import annotations

import importlib.util
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cache
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.notebook.formats.format import Format, literal

MISSING = "<NA>"
"""What stands in a csv with texts for a value that is missing, so that an empty text stays one."""
MOST_CATEGORIES = 100
"""Categories that are written into the reading code; more would bury it."""
SEEN_ROWS = 1000
"""Rows of a column of objects that are looked at to see that it holds texts."""
_INFERRED = ("int64", "float64", "bool")
_BY_NAME = ("int", "uint", "float", "Int", "UInt", "Float", "boolean", "string", "str")
_CHANGING = frozenset({"insert", "pop", "update"})


def frame_format(value: Any, kind: str = "") -> Format:
    """How a ``DataFrame`` or ``Series`` of pandas is kept.

    Args:
        value: the frame or series.
        kind: ``parquet`` or ``csv``; default: parquet where an engine for it is installed, else csv.
    """
    series = type(value).__name__ == "Series"
    frame = value.to_frame("value" if value.name is None else value.name) if series else value
    chosen = kind or ("parquet" if has_parquet_engine() and _all_texts(frame.columns) else "csv")
    made = _parquet(frame) if chosen == "parquet" else _csv(frame)
    if isinstance(made, str):
        return Format(type(value).__name__, why=made, kinds=("parquet", "csv"), changing=_CHANGING)
    write, read, notes = made
    if series:
        named = literal(frame.columns.tolist()[0])
        to_frame = f".to_frame({named})" if value.name is None else ".to_frame()"
        write = write.replace("{name}", "{name}" + to_frame, 1)
        read = f"{read}[{named}]" + (".rename(None)" if value.name is None else "")
    return Format(
        type(value).__name__, chosen, write, read, kinds=("parquet", "csv"), notes=tuple(notes), changing=_CHANGING
    )  # fmt: skip


def has_parquet_engine() -> bool:
    """True when a package that pandas writes parquet with is installed beside this interpreter."""
    return any(importlib.util.find_spec(name) is not None for name in ("pyarrow", "fastparquet"))


@dataclass
class _Columns:
    """What the reading code of a file says of its columns.

    Attributes:
        dtype, dates: what ``read_csv`` is told; the types are code.
        astype: types that are made after reading; code too.
        texts: some column holds texts, which may be empty or missing.
        floats: some column holds floats.
        notes: what the code takes for granted.
        refused: why the file does not bring a column back, or empty.
    """

    dtype: dict[str, str] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    astype: dict[str, str] = field(default_factory=dict)
    texts: bool = False
    floats: bool = False
    notes: list[str] = field(default_factory=list)
    refused: str = ""

    def cast(self) -> str:
        """Code behind the reading one that makes the types of ``astype``."""
        return f".astype({{{{{_pairs(self.astype)}}}}})" if self.astype else ""


def _parquet(frame: Any) -> tuple[str, str, list[str]] | str:
    if not _all_texts(frame.columns):
        return "parquet takes columns whose names are texts"
    columns = _Columns()
    for number, (name, kind) in enumerate(zip(frame.columns, map(str, frame.dtypes), strict=True)):
        if kind == "category":
            _describe_categories(columns, "parquet", name, frame.iloc[:, number].cat)
        elif kind == "object" and not _holds_texts(frame.iloc[:, number]):
            columns.refused = f"its column {name} holds objects that are no texts"
        elif kind == "object" or kind.startswith("datetime64[s"):  # parquet counts milliseconds at least
            columns.astype[name] = literal(kind)
    if columns.refused:
        return columns.refused
    return "{name}.to_parquet({path})", f"{{pd}}.read_parquet({{path}}){columns.cast()}", columns.notes


def _csv(frame: Any) -> tuple[str, str, list[str]] | str:
    if refused := _labels_refused(frame):
        return refused
    labels = list(frame.columns)
    csv, index = _Columns(), _Index(frame)
    if index.refused:
        return index.refused
    for name, level in index.columns:
        _describe(csv, name, str(level.dtype), level, whole=len(frame) > 0)
    for n, (label, kind) in enumerate(zip(labels, map(str, frame.dtypes), strict=True)):
        column = frame.iloc[:, n] if kind in ("category", "object") else None  # a frame may have thousands
        _describe(csv, str(label), kind, column, whole=len(frame) > 0)
    if csv.refused:
        return csv.refused
    missing = f", na_rep={literal(MISSING)}" if csv.texts else ""
    read = f"{{pd}}.read_csv({{path}}{_options(csv, literal(MISSING) if missing else '')})"
    read += csv.cast() + index.read
    if any(type(label) is int for label in labels):
        read += f".set_axis({literal(labels)}, axis=1)"
    if frame.columns.name is not None:
        read += f".rename_axis(columns={literal(frame.columns.name)})"
    return f"{{name}}.to_csv({{path}}{index.write}{missing})", read, [*index.notes, *csv.notes]


def _labels_refused(frame: Any) -> str:
    """Why csv does not bring the names of columns back, or an empty string."""
    labels = list(frame.columns)
    if frame.columns.nlevels > 1:
        return f"its columns have {frame.columns.nlevels} levels, which csv does not keep apart"
    if not all(type(label) in (str, int) for label in labels) or len({*map(str, labels)}) < len(labels):
        return "csv needs column names that are texts or numbers, each once"
    if type(frame.columns.name) not in (str, int, type(None)):
        return "the name of its columns is no text"
    return "" if labels else "it has no columns"


class _Index:
    """How a csv keeps the index: not at all where rows are only counted, else as columns."""

    def __init__(self, frame: Any) -> None:
        index = frame.index
        self.write, self.read, self.refused = ", index=False", "", ""
        self.notes: list[str] = []
        self.columns: list[tuple[str, Any]] = []
        if type(index).__name__ == "RangeIndex" and (index.start, index.step, index.name) == (0, 1, None):
            return
        alone = index.nlevels == 1
        names = [
            name if name is not None else ("index" if alone else f"level_{n}")
            for n, name in enumerate(index.names)
        ]
        taken = {str(label) for label in frame.columns}
        if not _all_texts(names) or taken & set(names) or len(set(names)) < len(names):
            self.refused = "its index has a name that is no text, or that a column has too"
            return
        labels = literal(names[0] if alone else names)
        self.columns = [(name, index.get_level_values(n)) for n, name in enumerate(names)]
        self.write, self.read = "", f".set_index({labels})"
        if list(index.names) != names:
            self.write = f", index_label={labels}"
            unnamed = None if alone else list(index.names)
            self.read += f".rename_axis(index={literal(unnamed)})"
        if getattr(index, "freq", None) is not None:
            self.notes.append(f"csv does not keep the frequency {index.freqstr} of its index")


def _describe(csv: _Columns, name: str, kind: str, column: Any, *, whole: bool) -> None:
    """Say how one column of a type is read; what csv cannot bring back is refused."""
    csv.floats |= kind.lower().startswith("float")
    if kind == "category":
        _describe_categories(csv, "csv", name, getattr(column, "cat", column))
    elif kind.startswith("datetime64[") and "," not in kind:
        csv.dates.append(name)
        if kind != _dates_as_read():
            csv.astype[name] = literal(kind)
    elif kind.startswith(("datetime64[", "timedelta64[", "period[")):
        csv.dtype[name], csv.astype[name], csv.texts = literal("str"), literal(kind), True
    elif kind == "object" and not _holds_texts(column):
        csv.refused = f"its column {name} holds objects that are no texts"
    elif kind.startswith(_BY_NAME) or kind in ("object", "bool"):
        csv.texts |= kind.startswith("str") or kind == "object"
        if kind not in _INFERRED or not whole:
            csv.dtype[name] = literal(kind)
    else:
        csv.refused = f"csv does not bring its column {name} back, which is {kind}"


def _describe_categories(columns: _Columns, file: str, name: str, column: Any) -> None:
    """Say how a column of categories is read; texts and numbers are brought back."""
    categories = column.categories
    kind = str(categories.dtype)
    texts = kind in ("str", "object", "string") and all(type(each) is str for each in categories)
    columns.texts |= texts
    if texts and file == "parquet":
        return
    inferred = not column.ordered and categories.is_monotonic_increasing
    types = columns.dtype if texts else columns.astype
    if not texts and not kind.startswith(("int", "float")):
        columns.refused = f"{file} does not bring its column {name} back, whose categories are {kind}"
    elif inferred and len(set(_pandas().unique(column.codes)) - {-1}) == len(categories):
        types[name] = literal("category")
    elif len(categories) > MOST_CATEGORIES:
        columns.refused = (
            f"its column {name} has {len(categories)} categories, too many to write into the code"
        )
    else:
        ordered = ", ordered=True" if column.ordered else ""
        types[name] = f"{{pd}}.CategoricalDtype({literal(categories.tolist())}{ordered})"
        columns.notes.append(f"{name} comes back with the categories that it has now, and with no other")


def _options(csv: _Columns, missing: str) -> str:
    parts = [f"parse_dates={literal(csv.dates)}"] if csv.dates else []
    parts += [f"dtype={{{{{_pairs(csv.dtype)}}}}}"] if csv.dtype else []
    parts += [f"keep_default_na=False, na_values=[{missing}]"] if missing else []
    parts += ['float_precision="round_trip"'] if csv.floats and not _floats_as_read() else []
    return "".join(f", {part}" for part in parts)


def _pairs(types: dict[str, str]) -> str:
    return ", ".join(f"{literal(name)}: {code}" for name, code in types.items())


def _all_texts(labels: Sequence[Any]) -> bool:
    return all(isinstance(label, str) for label in labels)


def _holds_texts(column: Any) -> bool:
    """True for a column of texts and missing values, as far as its first rows tell."""
    return all(isinstance(each, str) for each in getattr(column, "iloc", column)[:SEEN_ROWS].dropna())


@cache
def _dates_as_read() -> str:
    """The type that this pandas gives to dates that it parses."""
    return str(_read("a\n2020-01-01 10:00:00", parse_dates=["a"])["a"].dtype)


@cache
def _floats_as_read() -> bool:
    """True when this pandas reads every float back as it was, without being told to."""
    numbers = list(_hard_numbers())
    return list(_read("a\n" + "\n".join(map(repr, numbers)))["a"]) == numbers


def _hard_numbers() -> Iterator[float]:
    """Floats of many sizes, with all their digits."""
    number = 1.0
    for exponent in range(-300, 300, 3):
        number = number * 7.0 / 5.0 % 1.0 + 0.1
        yield number * 10.0**exponent


def _read(text: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _pandas().read_csv(io.StringIO(text), **options)


def _pandas() -> Any:
    """The pandas of the frames, which is imported already."""
    return sys.modules["pandas"]
