"""What a script may log, and what many calls of log come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Union

from nbpipe.errors import UsageError

Scalar = Union[bool, int, float, str, None]


def scalar(name: str, value: object) -> Scalar:
    """A value that can be logged alone: a number, a text or a bool; those of numpy and torch become Python's.

    Raises:
        UsageError: it is none of these.

    Example:
        >>> scalar("accuracy", 0.5)
        0.5
    """
    if not isinstance(value, (bool, int, float, str)) and value is not None and hasattr(value, "item"):
        with suppress(TypeError, ValueError, RuntimeError):  # an array of several, a lazy one
            value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    kind = type(value).__name__
    if isinstance(value, dict):
        remedy = (
            f"For columns:  run.log_table({name!r}, ...)    for one row:  run.log_row({name!r}, x=..., y=...)"
        )
    elif hasattr(value, "__len__"):
        remedy = f"For several values:  run.log_list({name!r}, ...)"
    else:
        remedy = f"As text:  run.log({name!r}, str(...))"
    raise UsageError(f"{name!r} is a {kind}; a metric is a number, a text or a bool.", remedy=remedy)


def values(name: str, given: object) -> list[Scalar]:
    """Several values, of a list, a tuple, an array or a column.

    Raises:
        UsageError: it is one value, or one of them cannot be logged.
    """
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise UsageError(
            f"{name!r} is a {type(given).__name__}; a list of values was expected.",
            remedy=f"For one value:  run.log({name!r}, ...)",
        )
    return [scalar(name, value) for value in given]


def columns(name: str, given: object) -> dict[str, Any]:
    """A table: each column's name with its value or list of values.

    Raises:
        UsageError: it is no dict, or holds what cannot be logged.
    """
    if not isinstance(given, dict):
        raise UsageError(
            f"{name!r} is a {type(given).__name__}; a dict of columns was expected.",
            remedy=f'Like this:  run.log_table({name!r}, {{"x": [1, 2], "y": [3, 4]}})',
        )
    table: dict[str, Any] = {}
    for column, cell in given.items():
        several = not isinstance(cell, str) and (hasattr(cell, "__len__") or hasattr(cell, "tolist"))
        table[str(column)] = (
            values(name, cell) if several and getattr(cell, "shape", None) != () else scalar(name, cell)
        )
    return table


def document(name: str, given: object) -> dict[str, Any]:
    """A chart as v1 has it (a confusion matrix, residuals): a dict that JSON can hold, or JSON text of one.

    Raises:
        UsageError: it is neither.
    """
    try:
        value = json.loads(given) if isinstance(given, str) else given
        if isinstance(value, dict):
            return dict(json.loads(json.dumps(value, default=_of_numpy)))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name!r} cannot be kept as JSON: {error}.") from error
    raise UsageError(f"{name!r} is a {type(given).__name__}; a dict, or JSON text of one, was expected.")


def _of_numpy(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} inside it")


def fold(records: Iterable[dict[str, Any]], run: str = "step") -> dict[str, Any]:
    """The metrics that records come to, by name.

    A metric logged once is its value, logged twice or more the list of its values; lists grow, and so do the
    columns of rows and tables. An image is the name of its file.

    Args:
        records: as `Spool.records` has them.
        run: whose metrics, "step" or "parent".

    Example:
        >>> fold(
        ...     [
        ...         {"record": "metric", "kind": "scalar", "name": "loss", "value": v, "run": "step"}
        ...         for v in (3, 2)
        ...     ]
        ... )
        {'loss': [3, 2]}
    """
    metrics: dict[str, Any] = {}
    for record in records:
        if (
            record.get("run") != run
            or record.get("record") not in ("metric", "image")
            or "name" not in record
        ):
            continue
        name, value = record["name"], record.get("value", record.get("file"))
        kind = record.get("kind", "scalar")
        before = metrics.get(name)
        if name not in metrics or kind == "document":
            metrics[name] = dict(value) if isinstance(value, dict) else value
        elif isinstance(before, dict) and isinstance(value, dict):
            for column, cell in value.items():
                before[column] = _and(before[column], cell) if column in before else cell
        else:
            metrics[name] = _and(before, value)
    return metrics


def _and(before: Any, value: Any) -> list[Any]:
    return [
        *(before if isinstance(before, list) else [before]),
        *(value if isinstance(value, list) else [value]),
    ]


def latest(records: Iterable[dict[str, Any]], record: str, run: str = "step") -> dict[str, Any]:
    """The tags ("tag") or properties ("property") that records come to: the last value of each name."""
    found: dict[str, Any] = {}
    for entry in records:
        if entry.get("record") == record and entry.get("run") == run and "name" in entry:
            if entry.get("removed"):
                found.pop(entry["name"], None)
            else:
                found[entry["name"]] = entry.get("value")
    return found
