"""Values of parameters as they come from a command line."""

from __future__ import annotations

from typing import Any

import pytest

from nbpipe.core.dataset import Dataset
from nbpipe.core.datastore import DataPath
from nbpipe.core.parameter import PipelineParameter, parse_value
from nbpipe.errors import UsageError


@pytest.mark.parametrize("default", [1, 0.5, True, "x", "", DataPath(), Dataset.File.from_files("a.csv")])
def test_defaults_of_v1_are_taken(default: Any) -> None:
    assert PipelineParameter("p", default).default_value is default


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("3", 1, 3), ("-3", 1, -3), ("0.5", 1, 0.5), ("3", 0.5, 3.0), ("1e-3", 0.5, 0.001), ("True", False, True),
        ("0", True, False), ("3", "x", "3"), ("", "x", ""), ("a=b", "x", "a=b"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_the_type_of_the_default(text: str, default: Any, value: Any) -> None:
    read = parse_value(text, default)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("text", "default"), [("x", 1), ("x", 0.5), ("", 1), ("maybe", True), ("2", False)])
def test_a_text_of_another_type_is_refused(text: str, default: Any) -> None:
    with pytest.raises(UsageError, match=f"^'{text}' is n"):
        parse_value(text, default)
