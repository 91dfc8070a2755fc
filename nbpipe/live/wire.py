"""Messages as plain JSON values, fit for a comm: what no JSON can carry is left out or told otherwise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from nbpipe.errors import InvalidPipeline, NbpipeError
from nbpipe.views.protocol import ErrorCard
from nbpipe.views.text import visible_line

_ATOMS = frozenset({bool, int, type(None)})


def plain(value: Any) -> Any:
    r"""A message, or anything in one, as JSON values.

    Numbers that JSON has no form for become null, lone surrogates their code point.

    Example:
        >>> plain(ErrorCard("no", remedy="\ud800")), plain((1.5, float("nan")))
        ({'fact': 'no', 'place': '', 'remedy': '\\ud800'}, [1.5, None])
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if kind in _ATOMS:
        return value
    if kind is tuple or kind is list:
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(kind):
        return {name: plain(getattr(value, name)) for name in _fields(kind)}
    return _rarer(value)


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _rarer(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(name)): plain(each) for name, each in value.items()}
    return plain(str(value))


def error_card(error: BaseException) -> ErrorCard:
    """An error as a view shows it; one that nbpipe did not foresee is told as such.

    Example:
        >>> error_card(NbpipeError("No run 7.", remedy="Newest runs: 6")).remedy
        'Newest runs: 6'
    """
    if isinstance(error, InvalidPipeline):
        first, *more = error.problems or [error]
        remedies = [str(first.remedy or ""), *(str(each) for each in more)]
        return ErrorCard(visible_lines(first.fact), "", visible_lines("\n".join(filter(None, remedies))))
    if isinstance(error, NbpipeError):
        return ErrorCard(
            visible_lines(error.fact), visible_lines(error.place or ""), visible_lines(error.remedy or "")
        )
    return ErrorCard(visible_lines(f"nbpipe could not do this: {type(error).__name__}: {error}"))


def visible_lines(text: str) -> str:
    """A text with nothing hidden in its lines."""
    return "\n".join(map(visible_line, text.splitlines()))
