"""The names and modes of ports: what data may be called and how they are handed to a script."""

from __future__ import annotations

import copy
import re
from typing import Any, Literal, Self, TypeVar

from nbpipe.errors import UsageError

Mode = Literal["mount", "download", "direct"]
"""How an input is handed over: a path to the data itself, a private copy, or an id."""
Form = Literal["file", "folder", "any"]
"""What an output is accepted as."""
M = TypeVar("M", bound=str)
MODES: tuple[Mode, ...] = ("mount", "download", "direct")
OUTPUT_MODES = ("mount", "upload")
PORT_NAME = re.compile(r"\w+\Z", re.ASCII)
DATASET_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def check_name(name: str, pattern: re.Pattern[str], what: str) -> str:
    """Return ``name`` when it matches, else raise ``UsageError`` (Azure ML v1's rules)."""
    if not isinstance(name, str) or not pattern.match(name):
        allowed = "letters, digits and _" + (", not first a digit" if pattern is DATASET_NAME else "")
        raise UsageError(f"{name!r} is no name for {what}.", remedy=f"A name has {allowed}.")
    return name


def check_mode(mode: M, allowed: tuple[M, ...], what: str) -> M:
    """Return ``mode`` when it is one of ``allowed``, else raise ``UsageError``."""
    if mode not in allowed:
        raise UsageError(f"{what} has the mode {mode!r}.", remedy=f"Modes are: {', '.join(allowed)}")
    return mode


class Bindable:
    """Data that can be bound to a port in several ways; each way is a copy, as in Azure ML v1."""

    def _with(self, **changes: Any) -> Self:
        fresh = copy.copy(self)
        vars(fresh).update(changes)
        return fresh
