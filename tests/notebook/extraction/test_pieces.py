"""What a cell defines by code: each name with the statement that defines it last."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.extraction.pieces import pieces_of


def texts(source: str) -> dict[str, str | None]:
    return {name: piece and piece.text for name, piece in pieces_of(source).items()}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os, numpy as np", {"os": "import os", "np": "import numpy as np"}),
        ("from a.b import c as d, e", {"d": "from a.b import c as d", "e": "from a.b import e"}),
        ("from . import near", {"near": "from . import near"}),
        ("import x.y\nimport x.z", {"x": "import x.y\nimport x.z"}),
        ("import x.y; import x.y", {"x": "import x.y"}),
        ("from __future__ import annotations", {"annotations": None}),
        ("from m import *", {}),
        (
            "def f(x):\n    # why\n    return x\n\n\ny = 1",
            {"f": "def f(x):\n    # why\n    return x", "y": "y = 1"},
        ),
        ("@a.b\n@c(\n  1\n)\nclass K:\n    x = 1", {"K": "@a.b\n@c(\n  1\n)\nclass K:\n    x = 1"}),
        ("async def f(): pass", {"f": "async def f(): pass"}),
        ("f = lambda x: x", {"f": "f = lambda x: x"}),
        ("A = {'k': [1, (2, None)]}  # table", {"A": "A = {'k': [1, (2, None)]}"}),
        ("A = -1.5; B = A", {"A": "A = -1.5", "B": None}),
        ("A = [\n  1,\n]", {"A": "A = [\n  1,\n]"}),
        ("a = b = 1", {"a": None, "b": None}),
        ("a, b = 1, 2", {"a": None, "b": None}),
        ("A = 1\nA = f(A)", {"A": None}),
        ("A = f()\nA = 1", {"A": "A = 1"}),
        ("A = {}\nA['k'] = 1", {"A": None}),
        ("A = 1\nif x:\n    A = 2", {"A": None}),
        ("try:\n    import a\nexcept ImportError:\n    a = None", {"a": None}),
        ("def f(): pass\nf = wrap(f)", {"f": None}),
        ("A = []\nA.append(1)", {"A": None}),
        ("A = []\nA.index(1)", {"A": "A = []"}),
        ("A = []\nfill(A)", {"A": None}),
        ("A = []\nprint(A)", {"A": "A = []"}),
        ("A = []\nnp.array(A)", {"A": "A = []"}),
        ("A = []\nrandom.shuffle(A)", {"A": None}),
        ("A.append(1)\nfill(A)", {}),
        ("x = (", {}),
    ],
)
def test_a_name_has_the_statement_that_defines_it_last_or_none(
    source: str, found: dict[str, str | None]
) -> None:
    assert texts(source) == found


def test_what_a_piece_reads_at_once_and_what_in_use_are_told_apart() -> None:
    piece = pieces_of("@dec\ndef f(x, n=N):\n    return g(x)")["f"]
    assert piece is not None
    assert {"dec", "N"} <= set(piece.at_once().reads)
    piece = pieces_of("def f(x, n=N):\n    return g(x)")["f"]
    assert piece is not None
    assert set(piece.at_once().reads) == {"N"}
    assert set(piece.in_use().reads) == {"N", "g"}


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary(),
        lambda i: st.lists(i, max_size=3),
    )
)
def test_a_constant_is_read_back_from_its_text(value: object) -> None:
    source = f"A = {value!r}"
    piece = pieces_of(source)["A"]
    assert piece is not None
    assert (piece.kind, piece.value) == ("constant", value)
    assert ast.dump(ast.parse(piece.text)) == ast.dump(ast.parse(source))
