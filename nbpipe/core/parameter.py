"""A pipeline's parameter: a named value that a run may override (Azure ML v1's ``PipelineParameter``)."""

from __future__ import annotations

from typing import Any

from nbpipe.core.dataset import FileDataset
from nbpipe.core.datastore import DataPath
from nbpipe.errors import UsageError

SIMPLE_TYPES = (bool, int, float, str)
"""Types of a value that can stand on a script's command line."""


class PipelineParameter:
    """A value that each run may set, with a default.

    Args:
        name: how a run and the environment variable ``AML_PARAMETER_<name>`` call it.
        default_value: int, float, bool, str, a ``DataPath`` or a ``FileDataset`` (Azure ML v1's rule).

    Raises:
        UsageError: the default is None, a list or of another type (v1 raises ``ValueError`` too).

    Example:
        >>> PipelineParameter("lr", 0.1)
        PipelineParameter('lr', 0.1)
    """

    def __init__(self, name: str, default_value: Any) -> None:
        if not isinstance(name, str) or not name:
            raise UsageError(f"A PipelineParameter's name is a text; this one is {name!r}.")
        if not isinstance(default_value, (*SIMPLE_TYPES, DataPath, FileDataset)):
            raise UsageError(
                f"PipelineParameter {name} has the default {default_value!r}.",
                remedy="A default is an int, float, bool, str, DataPath or FileDataset.",
            )
        self.name = name
        self.default_value = default_value

    def __repr__(self) -> str:
        return f"PipelineParameter({self.name!r}, {self.default_value!r})"


def parse_value(text: str, default: Any) -> Any:
    """Read a parameter's value from a command line, as the type of its default.

    Args:
        text: what was typed, as in ``--param lr=0.2``.
        default: the parameter's default; a bool takes true/false/1/0, numbers their own forms, else the
            text itself.

    Raises:
        UsageError: the text is no value of that type.

    Example:
        >>> parse_value("0.2", 0.1), parse_value("yes", "no"), parse_value("false", True)
        (0.2, 'yes', False)
    """
    if isinstance(default, bool):
        words = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() in words:
            return words[text.lower()]
        raise UsageError(f"{text!r} is neither true nor false.")
    for kind in (int, float):
        if isinstance(default, kind):
            try:
                return kind(text)
            except ValueError:
                if kind is int:
                    try:
                        return float(text)
                    except ValueError:
                        pass
                raise UsageError(f"{text!r} is no number.") from None
    return text
