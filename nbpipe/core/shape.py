"""Whether values read from a file are of the kinds that their dataclass says: what is of another kind is damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

_LATEST = 1e15  # neither seconds nor bytes come near
_LARGEST = 1e300  # what is larger cannot be divided


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and -_LARGEST < value < _LARGEST


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and -_LATEST < value < _LATEST


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_text, value))


def _table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _texts_by_name(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_text, value.values()))


_KINDS: dict[str, Callable[[Any], bool]] = {
    "str": _text,
    "int": _whole,
    "float": _number,
    "bool": _flag,
    "int | None": lambda value: value is None or _whole(value),
    "float | None": lambda value: value is None or _number(value),
    "str | None": lambda value: value is None or _text(value),
    "tuple[str, ...]": _texts,
    "Mapping[str, Any]": _table,
    "Mapping[str, str]": _texts_by_name,
    "Mapping[str, int]": lambda value: _table(value) and all(map(_whole, value.values())),
    "Mapping[str, list[str]]": lambda value: _table(value) and all(map(_texts, value.values())),
    "Mapping[str, Mapping[str, Any]]": lambda value: _table(value) and all(map(_table, value.values())),
    "list[dict[str, Any]]": lambda value: isinstance(value, list) and all(map(_table, value)),
}
"""Tests of the annotations whose values come from files; others are tested by whoever builds them."""


def is_shaped(fields: Mapping[str, Any], shapes: Mapping[str, str]) -> bool:
    """Whether values read from a file are of the kinds that annotations say; one that is not there is.

    Example:
        >>> is_shaped({"a": 1, "b": "x"}, {"a": "int"}), is_shaped({"a": [1]}, {"a": "tuple[str, ...]"})
        (True, False)
    """
    return all(_KINDS[shape](fields[name]) for name, shape in shapes.items() if name in fields)


_tests_of: dict[type[Any], tuple[tuple[str, Callable[[Any], bool]], ...]] = {}


def _tests(kind: type[Any]) -> tuple[tuple[str, Callable[[Any], bool]], ...]:
    """Names of the fields that can be tested, each with its test; found once a class."""
    if kind not in _tests_of:
        told = [(each.name, str(each.type)) for each in fields(kind)]
        _tests_of[kind] = tuple((name, _KINDS[word]) for name, word in told if word in _KINDS)
    return _tests_of[kind]


def well_formed(value: Any) -> Any:
    """A dataclass's instance, if its fields hold what their annotations say.

    Raises:
        TypeError: one does not; names it.

    Example:
        >>> from nbpipe.core.node import Piece, DataSource
        >>> well_formed(DataSource("a", "a", ("a.csv",))).name
        'a'
        >>> well_formed(DataSource("a", 7, ("a.csv",)))
        Traceback (most recent call last):
        TypeError: name of DataSource is 7
    """
    for name, test in _tests(type(value)):
        held = getattr(value, name)
        if not test(held):
            raise TypeError(f"{name} of {type(value).__name__} is {held!r:.40}")
    return value
