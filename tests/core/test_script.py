"""Scripts as text: which edits count, what is imported, which names are missing."""

from __future__ import annotations

import ast
import builtins
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.script import code_digest, imports_of, top_level_imports, undefined_names

SCRIPT = '''\
"""Prepare the penguins."""
import argparse
from math import sqrt, pi as PI

@staticmethod
def clean(rows, *, limit=3, **rest):
    """Drop what is not known."""
    kept = [row for row in rows if row is not None and row[0] != -1.5]
    try:
        total = sum(kept) / len(kept) if kept else None
    except (ZeroDivisionError, ValueError) as error:
        print(f"none: {error!r:>10}", limit[1:2], b"x", 2j, ...)
    match kept:
        case [1, *others] | {"a": None, **others}:
            return lambda x, /, y=1: (x, y, others)
        case str() as text if True:
            del text
    while (n := len(kept)) > 2:
        kept.pop()
        continue
    return {"a": 1, **rest}, {1, 2}, total, n

class Model(Base, metaclass=Meta):
    size: int = 3
    async def run(self):
        async with self.open() as handle:
            await handle; yield
        global state
        state = not self

print(clean(["a", 1, 2.0, True], limit=4))
'''

names = st.sampled_from(["a", "b", "total", "f"])
constants = st.integers(0, 5).map(str) | st.sampled_from(
    ["1.0", "True", "None", "'a'", "b'a'", "...", "2j", "''"]
)
expressions = st.recursive(
    names | constants,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%@&|"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(names, st.lists(inner, max_size=2).map(", ".join)).map("{0[0]}({0[1]})".format),
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
        inner.map("(not {})".format),
    ),
    max_leaves=5,
)
statements = st.one_of(
    st.tuples(names, expressions).map("{0[0]} = {0[1]}".format),
    st.tuples(names, expressions).map("{0[0]} += {0[1]}".format),
    expressions,
    st.sampled_from(["import os", "import os as b", "from os import path", "pass"]),
    st.tuples(expressions, expressions).map("if {0[0]}:\n    {0[1]}\nelse:\n    pass".format),
    st.tuples(names, expressions).map("def f({0[0]}=1):\n    return {0[1]}".format),
    st.tuples(names, expressions).map("for {0[0]} in {0[1]}:\n    break".format),
)
programs = st.lists(statements, min_size=1, max_size=5).map("\n".join)


@given(programs, st.data())
def test_comments_blank_lines_and_blanks_do_not_count(source: str, draw: st.DataObject) -> None:
    edited = []
    for line in source.split("\n"):
        edited += [draw.draw(st.sampled_from(["", "# a comment", "   # another"]))] * draw.draw(
            st.integers(0, 2)
        )
        edited.append(line + draw.draw(st.sampled_from(["", "  ", "  # noted"])))
    assert code_digest("\n".join(edited) + "\n\n") == code_digest(source)


@given(programs)
def test_formatting_does_not_count(source: str) -> None:
    assert code_digest(ast.unparse(ast.parse(source))) == code_digest(source)
    assert code_digest(source.replace("\n", "\r\n")) == code_digest(source)
    assert code_digest(source.replace("    ", "\t")) == code_digest(source)


@given(programs, programs)
def test_programs_have_one_digest_exactly_when_they_have_one_tree(one: str, other: str) -> None:
    same = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    assert (code_digest(one) == code_digest(other)) == same


def edits(source: str) -> list[str]:
    """The script with one name, number, text or operator replaced by another."""
    others = {
        tokenize.NAME: {
            "rows": "cols",
            "None": "True",
            "True": "False",
            "is": "==",
            "and": "or",
            "PI": "TAU",
        },
        tokenize.OP: {"+": "-", "/": "//", "-": "+", "==": "!=", "!=": "==", ">": "<", "*": "", "**": "*"},
    }
    lines = source.splitlines(keepends=True)
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, start), (_, end) = token.start, token.end
        new = others.get(token.type, {}).get(token.string)
        if token.type == tokenize.NUMBER:
            new = "7" + token.string
        elif token.type == tokenize.STRING and token.string[0] != "f":
            new = token.string[:-1] + "z" + token.string[-1] if token.string[-3:] != '"""' else '"other"'
        if new is not None and token.start[0] == token.end[0]:
            line = lines[row - 1]
            found.append("".join([*lines[: row - 1], line[:start] + new + line[end:], *lines[row:]]))
    return [edit for edit in found if is_python(edit)]


def is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def test_every_other_edit_counts() -> None:
    digests = [code_digest(edit) for edit in edits(SCRIPT)]
    assert len(digests) > 30
    assert code_digest(SCRIPT) not in digests


def test_every_lost_statement_counts() -> None:
    """Docstrings too: a script may print them."""
    whole = ast.parse(SCRIPT)
    bodies = [node.body for node in ast.walk(whole) if isinstance(getattr(node, "body", None), list)]
    before = code_digest(ast.unparse(whole))
    for body in bodies:
        for place in range(len(body)):
            lost = body.pop(place)
            body.insert(place, ast.Pass())
            if not isinstance(lost, ast.Pass):
                assert code_digest(ast.unparse(whole)) != before
            body[place] = lost


def test_none_is_not_nothing() -> None:
    bodies = ["return", "return None", "return ...", "return ()", "return ''", "return [None]", "return []"]
    assert len({code_digest(f"def f():\n    {body}") for body in bodies}) == len(bodies)


def test_a_very_long_sum_is_digested() -> None:
    assert code_digest("x = " + " + ".join(["1"] * 900)) != code_digest("x = " + " + ".join(["1"] * 901))


@pytest.mark.parametrize(
    "source", ["x =", "x = \0", "(" * 5000 + ")" * 5000, "-" * 100_000 + "1", "\ud800 ="]
)
def test_what_is_no_python_is_a_syntax_error(source: str) -> None:
    for look in (code_digest, imports_of, undefined_names):
        with pytest.raises(SyntaxError):
            look(source)


def test_imports_are_found_anywhere_in_a_script() -> None:
    source = """
import a, b.c as d
from e.f import g, h as i
from . import j
from ..k import l
from m import *
def late():
    if True:
        import n
"""
    assert imports_of(source) == {
        ("a", 0), ("b.c", 0), ("e.f", 0), ("e.f.g", 0), ("e.f.h", 0), ("", 1), ("j", 1), ("k", 2), ("k.l", 2),
        ("m", 0), ("n", 0),
    }  # fmt: skip
    assert top_level_imports(source + "import os, sys.path\nfrom __future__ import annotations") == set(
        "abemn"
    )


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("print(df)", ["df"]),
        ("df = 1\nprint(df)", []),
        ("def f(x):\n    return x + y\n", ["y"]),
        ("def f():\n    return later\nlater = 1", []),
        ("def f():\n    global made\n    made = 1\nprint(made)", []),
        ("[x for x in xs]", ["xs"]),
        ("if (n := 1): print(n)", []),
        ("[last := x for x in [1]]\nprint(last)", []),
        ("class A:\n    y = 1\n    z = y + w\n    print(__qualname__, __module__)\n", ["w"]),
        ("class A:\n    y = 1\n    def f(self): return y\n", ["y"]),
        ("x: int\nprint(x)", []),
        ("for i, (a, *b) in z: print(i, a, b)", ["z"]),
        ("try: pass\nexcept E as e: print(e)", ["E"]),
        ("with open('x') as f: f", []),
        ("import a.b\nfrom c import d as e\na, e, d", ["d"]),
        ("match p:\n    case {'k': v, **r} if v: print(v, r)\n", ["p"]),
        ("lambda a, *b, c=k, **d: (a, b, c, d)", ["k"]),
        ("@deco\ndef f(x: T) -> U: pass", ["T", "U", "deco"]),
        ("async def f():\n    async for x in y: yield x", ["y"]),
        ("print(__file__, __name__, ValueError)", []),
        ("display(get_ipython())", ["display", "get_ipython"]),
        ("del gone", []),
        ("from x import *\nprint(anything)", []),
        ("outer = 1\ndef f():\n    def g():\n        nonlocal a\n        a = outer\n    a = 2", []),
    ],
)
def test_names_that_nobody_defines(source: str, missing: list[str]) -> None:
    assert undefined_names(source) == missing


def test_what_a_kernel_adds_to_the_builtins_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "display", print, raising=False)
    assert undefined_names("display(1)") == ["display"]


@given(programs)
def test_a_program_lacks_exactly_what_it_fails_on(source: str) -> None:
    """All names at the top level: with those that are missing defined, none is missing."""
    missing = undefined_names(source)
    assert undefined_names("\n".join([*(f"{name} = 1" for name in missing), source])) == []
    assert set(missing) <= {"a", "b", "total", "f"}
