"""A cell's text as a script's body: unchanged, but for what the notebook does by itself."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.extraction.body import Offsets, edited, futures, is_silenced, printing


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        ("x", "print(x)"),
        ("x = 1\nx  # one", "x = 1\nprint(x)  # one"),
        ("a, b", "print((a, b))"),
        ("(a, b)", "print((a, b))"),
        ("*a, b", "print((*a, b))"),
        ("(\n  df\n  .head()\n)", "(\n  print(df\n  .head())\n)"),
        ("'é'; 'ü'.upper()", "'é'; print('ü'.upper())"),
        ("(y := 5)", "(print(y := 5))"),
        ("lambda: 1", "print(lambda: 1)"),
        ("x;", "x;"),
        ("(x) ;  # quiet", "(x) ;  # quiet"),
        ("x  # ;", "print(x)  # ;"),
        ("x = 1", "x = 1"),
        ("for x in y:\n    x", "for x in y:\n    x"),
        ("", ""),
        ("# only a comment", "# only a comment"),
    ],
)
def test_the_expression_at_the_end_is_printed_unless_it_is_silenced(cell: str, printed: str) -> None:
    assert edited(cell, printing(cell)) == printed


@given(
    st.lists(
        st.sampled_from(["x", "é + 1", "f(\n 'ü',\n)", "[a,\n b]", "'\U0001f427'"]), min_size=1, max_size=4
    )
)
def test_a_node_is_found_where_it_stands(parts: list[str]) -> None:
    source = "; ".join(f"{part}" for part in parts)
    offsets = Offsets(source)
    for statement, part in zip(ast.parse(source).body, parts, strict=True):
        start, end = offsets.of(statement)
        assert source[start:end] == part


def test_future_imports_are_taken_out_of_the_body() -> None:
    cell = "# first\nfrom __future__ import annotations, division\nx = 1"
    lines, edits = futures(cell)
    assert lines == ["from __future__ import annotations, division"]
    assert edited(cell, edits) == "# first\nx = 1"
    assert futures("x = (") == ([], [])


def test_only_a_semicolon_at_the_end_silences() -> None:
    assert [is_silenced(cell) for cell in ("x;", "x; y", "x", "")] == [True, False, False, False]
