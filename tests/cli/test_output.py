"""What is printed: nothing hidden, one object a line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.cli.output import columns, emit, shown


@given(st.text())
def test_a_line_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    assert all(each.isprintable() or each in "\u200c\u200d" for each in shown(text))


def test_indentation_is_kept() -> None:
    assert shown("    a\x1b[31mb") == "    a␛[31mb"


def test_an_object_stands_on_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    emit("log", text="a\nb\u2028é\udc80")
    told = capsys.readouterr().out
    assert told.isascii()
    assert told.count("\n") == 1
    assert json.loads(told) == {"event": "log", "text": "a\nb\u2028é\udc80"}


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("run", "status"), ("1", "実行"), ("10", "x")]) == ["run  status", "1    実行", "10   x"]
