"""A value written to a file and read back by the very code of its format, to see that it comes back equal."""

from __future__ import annotations

import importlib
import math
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbpipe.notebook.formats.format import Format

LARGEST_FRAME = 10_000
"""Rows of a frame that are tried; a longer one is tried with its first rows."""
_MODULES = {"json": "json", "np": "numpy", "pd": "pandas", "pl": "polars"}


class CannotKeep(Exception):
    """The code of a format does not run for a value; the message is the library's own."""


def lost_in(kept: Format, value: Any) -> str:
    """What a format does not bring back of a value, in a few words; empty where all comes back equal.

    Raises:
        CannotKeep: the value cannot be written so, or not be read back.

    Example:
        >>> from nbpipe.notebook.formats.known import format_of
        >>> lost_in(format_of([1, 0.5]), [1, 0.5]), lost_in(format_of({1: 2}, "json"), {1: 2})
        ('', 'a dict comes back as another dict')
    """
    if hasattr(value, "iloc"):
        value = value.iloc[:LARGEST_FRAME]
    with tempfile.TemporaryDirectory() as folder, _cannot_keep():
        back = _there_and_back(kept, value, str(Path(folder, f"value{kept.ending}")))
    return _difference(value, back) if kept.read else ""


def save(kept: Format, value: Any, path: Path) -> None:
    """Write a value to a file by the code of its format; arguments as in ``lost_in``.

    Raises:
        CannotKeep: the value cannot be written so.
    """
    with _cannot_keep():
        _there_and_back(replace(kept, read=""), value, str(path))


@contextmanager
def _cannot_keep() -> Iterator[None]:
    """Tell whatever a library raises as one error; what it warns of is the step's affair."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # noqa: BLE001 - the code runs the libraries of the user
        raise CannotKeep(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from None


def _there_and_back(kept: Format, value: Any, path: str) -> Any:
    """Run the code of a format; names in it are nbpipe's, and what a user named stands in it as a literal only."""
    scope: dict[str, Any] = {"value": value, "path": path, "Path": Path}
    scope |= {
        name: importlib.import_module(_MODULES[name])
        for name in (*kept.writing, *kept.reading)
        if name in _MODULES
    }
    exec(kept.written("value", "path"), scope)  # noqa: S102 - the code that the step would run, made by nbpipe
    return eval(kept.read_from("path"), scope) if kept.read else None  # noqa: S307 - as above


def _difference(value: Any, back: Any) -> str:
    before, after = type(value).__name__, type(back).__name__
    if type(value) is not type(back):
        return f"a {before} comes back as a {after}"
    if hasattr(value, "equals"):
        return "" if _same_frames(value, back) else f"a {before} comes back as another {before}"
    return "" if same(value, back) else f"a {before} comes back as another {before}"


def _same_frames(one: Any, other: Any) -> bool:
    """Equal frames or series, their types, names and index included; the frequency of an index is not kept."""
    if not type(one).__module__.startswith("pandas"):
        return bool(one.equals(other))
    from pandas import testing  # type: ignore[import-untyped]

    compare = testing.assert_frame_equal if hasattr(one, "columns") else testing.assert_series_equal
    try:
        compare(one, other, check_freq=False, check_exact=True)
    except AssertionError:
        return False
    return True


def same(one: Any, other: Any) -> bool:
    """True for equal values of equal types all the way down; a number that is none equals itself.

    Example:
        >>> same([1, {"a": float("nan")}], [1, {"a": float("nan")}]), same([1], [1.0])
        (True, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if hasattr(one, "tobytes"):
        return bool(
            one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        )
    return bool(one == other)
