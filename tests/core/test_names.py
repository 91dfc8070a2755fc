"""What a piece of Python takes from before it and leaves behind, held against what Python itself does."""

from __future__ import annotations

import ast
import symtable
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.names import names_inside, names_of

OUTSIDE = ("a", "b", "c")


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("x = a + 1", "a"),
        ("a = 1\nb = a", ""),
        ("a = a + 1", "a"),
        ("a += 1", "a"),
        ("a: int = b", "b int"),
        ("a: b", "b"),
        ("a.x = 1", "a"),
        ("a[b] = c", "a b c"),
        ("del a", "a"),
        ("a = 1\ndel a\na", "a"),
        ("if a:\n    b = 1\nb", "a b"),
        ("if a:\n    b = 1\nelse:\n    b = 2\nb", "a"),
        ("if a:\n    b = 1\nelse:\n    raise c\nb", "a c"),
        ("for x in a:\n    b = b + x", "a b"),
        ("for x in a:\n    b = x\nb", "a b"),
        ("for x in a:\n    c = 1\nelse:\n    b = c", "a c"),
        ("while a:\n    a = b\n    b = 1\n    continue", "a b"),
        ("while True:\n    a = 1\n    break\na", "a"),
        ("with a as x:\n    b = 1\nb", "a b"),
        ("with open(a) as x:\n    b = x\nb", "a open"),
        ("with a as x, x as y:\n    y", "a"),
        ("try:\n    a = 1\nexcept c:\n    pass\na", "a c"),
        ("try:\n    a = 1\nexcept c:\n    raise\na", "c"),
        ("try:\n    a = b\nexcept c as error:\n    error\nerror", "b c error"),
        ("try:\n    a = 1\nfinally:\n    b = a\na, b", "a"),
        ("try:\n    pass\nexcept c:\n    b\nelse:\n    b = 1\nb", "b c"),
        ("try:\n    a = 1\nexcept* c:\n    a = 2\na", "c"),
        ("match a:\n    case [x, *y] if b:\n        x\n    case {'k': z, **rest}:\n        c\nx", "a b c x"),
        ("match a:\n    case b.K:\n        x = 1\n    case c(q=1) | int():\n        x = 2\n", "a b c int"),
        ("match a:\n    case 1:\n        x = 1\n    case _:\n        x = 3\nx", "a"),
        ("[a for a in b]", "b"),
        ("[a for x in a for a in x]", "a"),
        ("{x: b for x in c if x}", "b c"),
        ("{y for x in a for y in x}; x", "a x"),
        ("list(x for x in a); x = 1", "a list"),
        ("[(b := x) for x in a]\nb", "a b"),
        ("(b := a); b", "a"),
        ("a and (b := 1)\nb", "a b"),
        ("if (b := a) and c:\n    b", "a c"),
        ("(b := 1) if a else 2\nb", "a b"),
        ("1 < (b := a) < (c := 2)\nb, c", "a c"),
        ("lambda x, y=a: x + b", "a b"),
        ("f'{a!r:{b}}'", "a b"),
        ("print(a, *b, **c)", "a b c print"),
        ("import a\nfrom x import b\na, b", ""),
        ("import a.b as b, x.y\nb, x, y", "y"),
        ("def f(x=a) -> c:\n    return b", "a c"),
        ("def f():\n    return b\nf()", "b"),
        ("def f():\n    return b\nb = 1\nf()", ""),
        ("if a:\n    def f(): return b\n    b = 1\nelse:\n    def f(): return 2\nf()", "a b"),
        ("def f():\n    return g()\ndef g():\n    return a\nf()", "a"),
        ("def f():\n    return f() + b\nf", "b"),
        ("def f():\n    b = 1\n    def g():\n        nonlocal b\n        b = a\n    return g\nf", "a"),
        ("def f():\n    global b\n    b = 1\nf()\nb", "b"),
        ("@a\ndef f():\n    return b", "a b"),
        ("f = lambda x: x + b\nb = 1\nf(1)", ""),
        ("async def f():\n    await a\nf", "a"),
        ("class K:\n    x = a\n    y = x\n    def m(self): return b\n", "a"),
        ("class K:\n    x = 1\n    y = [x for _ in a]\n", "a x"),
        ("class K:\n    x = 1\n    def m(self): return x\nK", "x"),
        ("class K:\n    def m(self): return b\nK()", "b"),
        ("class K(a):\n    def m(self): return b\n", "a b"),
        ("class K:\n    @property\n    def m(self): return b\n", "b property"),
        ("class K:\n    def h(): return b\n    z = h()\n", "b"),
        ("raise a\nb", "a"),
        ("(a, [b, *c]) = x", "x"),
        ("global a\na = b", "b"),
    ],
)  # fmt: skip
def test_a_name_is_read_where_some_way_reads_it_before_it_is_set(source: str, reads: str) -> None:
    assert sorted(names_of(source).reads) == reads.split()


@pytest.mark.parametrize(
    ("source", "sets", "surely"),
    [
        ("a = b = 1", "a b", "a b"),
        ("if x:\n    a = 1", "a", ""),
        ("a = 1\ndel a", "", ""),
        ("for a in x:\n    b = 1\nelse:\n    c = 1", "a b c", ""),
        ("import a.b, c as d\nfrom e import f as g", "a d g", "a d g"),
        ("def f():\n    global a\n    a = 1", "a f", "f"),
        ("class K:\n    a = 1", "K", "K"),
        ("try:\n    a = 1\nexcept E as e:\n    pass", "a", ""),
        ("[a := x for x in y]", "a", ""),
        ("with x as (a, b):\n    pass", "a b", "a b"),
        ("match x:\n    case {'k': a, **b} | [a, *b]:\n        pass", "a b", ""),
        ("raise E\na = 1", "", ""),
        ("for a in x:\n    break", "a", ""),
    ],
)
def test_what_is_left_behind_for_sure_and_what_perhaps(source: str, sets: str, surely: str) -> None:
    names = names_of(source)
    assert (sorted(names.sets), sorted(names.surely)) == (sets.split(), surely.split())


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("a[0] = 1", "a"),
        ("a.x.y[0] += 1", "a"),
        ("del a['x'], b.y", "a b"),
        ("a.drop(columns='x', inplace=True)", "a"),
        ("a.drop(columns='x', inplace=False)", ""),
        ("a['x'].fillna(0, inplace=True)", "a"),
        ("a = a.copy()\na['x'] = 1", ""),
        ("for a.x in b:\n    pass", "a"),
        ("f(a)[0] = 1", ""),
        ("class K:\n    a[0] = 1", "a"),
        ("class K:\n    a = {}\n    a[0] = 1", ""),
        ("def f(a):\n    a[0] = 1", ""),
    ],
)
def test_objects_from_before_that_are_changed_in_place(source: str, changes: str) -> None:
    assert sorted(names_of(source).changes) == changes.split()


def test_calls_on_and_with_names_from_before_are_told() -> None:
    names = names_of("a.append(1)\na.pop()\nf(a, x, key=b)\nc = []\nc.append(a)\nf(c)\n")
    assert names.calls == {"a": {"append", "pop"}}
    assert names.passes == {(".append", 0, "a"), ("f", 0, "a"), ("f", 1, "x"), ("f", "key", "b")}
    assert names_of("lib.mix(a)\nb.add(c)").passes == {(".mix", 0, "a"), (".add", 0, "c")}


def test_what_a_function_changes_of_its_arguments_is_told() -> None:
    function = ast.parse(
        "def f(a, b, c):\n    a['x'] = 1\n    b = b.copy()\n    b['x'] = 1\n    return c"
    ).body[0]
    assert names_inside(function).changes == {"a"}


def test_the_first_line_that_reads_a_name_is_told() -> None:
    assert names_of("x = 1\ny = a\nz = a + b\n").lines == {"a": 2, "b": 3}


def test_names_surely_set_before_every_read_are_told_with_the_name() -> None:
    assert names_of("x = 1\nf()\ny = 2\nf()").reads == {"f": {"x"}}


def test_star_imports_and_awaits_are_told_with_their_line() -> None:
    names = names_of("x = 1\nfrom math import *\nfrom .near import *\nawait x\n")
    assert names.stars == (("math", 2), (".near", 3))
    assert names.awaits == 4
    assert names_of("async def f():\n    await g()").awaits == 0


@pytest.mark.parametrize(
    "source", ["x = (", "x = '\0'", "-" * 5000 + "1", "(" * 400 + ")" * 400, "a" + "+a" * 3000]
)
def test_what_cannot_be_read_is_a_syntax_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        names_of(source)


class Thing:
    """Does whatever a program asks of it."""

    def __init__(self, way: bool) -> None:
        self.way = way

    def __call__(self, *_: Any) -> Thing:
        return Thing(self.way)

    def __bool__(self) -> bool:
        return self.way

    def __iter__(self) -> Any:
        return iter([Thing(not self.way)] if self.way else [])

    def __getattr__(self, name: str) -> Thing:
        return Thing(self.way)

    __add__ = __getitem__ = __lt__ = __call__

    def __setitem__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> bool:
        return self.way


class Watched(dict):
    """Variables that note which of those from before are read."""

    def __init__(self, before: dict[str, Any]) -> None:
        super().__init__(before)
        self.before = before
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is self.before.get(name):
            self.read.add(name)
        return value


names = st.sampled_from(OUTSIDE)
expressions = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("({0[0]} + {0[1]})".format),
        st.tuples(inner, inner).map("({0[0]} and {0[1]})".format),
        st.tuples(names, inner).map("({0[0]} := {0[1]})".format),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
        st.tuples(inner, names, names)
        .map("[{0[0]} for {0[1]} in {0[2]}]".format)
        .filter(lambda s: ":=" not in s),
        st.tuples(names, inner).map("{0[0]}({0[1]})".format),
        inner.map("(lambda a: {})(1)".format),
    ),
    max_leaves=4,
)


def indented(block: str) -> str:
    return block.replace("\n", "\n    ")


statements = st.recursive(
    st.one_of(
        st.tuples(names, expressions).map("{0[0]} = {0[1]}".format),
        st.tuples(names, expressions).map("{0[0]} += {0[1]}".format),
        st.tuples(names, names, expressions).map("{0[0]}[{0[1]}] = {0[2]}".format),
        expressions,
        names.map("del {}".format),
        st.just("raise ValueError"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("\n".join),
        st.tuples(expressions, inner.map(indented), inner.map(indented)).map(
            "if {0[0]}:\n    {0[1]}\nelse:\n    {0[2]}".format
        ),
        st.tuples(names, expressions, inner.map(indented), st.sampled_from(["pass", "break", "continue"])).map(
            "for {0[0]} in {0[1]}:\n    {0[2]}\n    {0[3]}".format
        ),
        st.tuples(inner.map(indented), names, inner.map(indented)).map(
            "try:\n    {0[0]}\nexcept ValueError as {0[1]}:\n    {0[2]}".format
        ),
        st.tuples(inner.map(indented), inner.map(indented)).map("try:\n    {0[0]}\nfinally:\n    {0[1]}".format),
        st.tuples(names, names, inner.map(indented)).map("with {0[0]} as {0[1]}:\n    {0[2]}".format),
        st.tuples(names, names, expressions).map("def {0[0]}({0[1]}):\n    return {0[2]}".format),
        st.tuples(names, inner.map(indented)).map("class {0[0]}:\n    {0[1]}".format),
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    statements,
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_no_way_of_running_reads_or_leaves_a_name_that_is_not_told(source, ways, there) -> None:
    """A program is run with some of its names set before it; whatever it then reads of them, and leaves, was told."""
    told = names_of(source)
    before = {name: Thing(way) for name, way, is_there in zip(OUTSIDE, ways, there, strict=True) if is_there}
    variables = Watched(before)
    ended = True
    try:
        exec(compile(source, "<cell>", "exec"), variables)
    except (NameError, ValueError, TypeError, AttributeError, RecursionError):
        ended = False
    assert variables.read <= set(told.reads)
    left = {name for name in OUTSIDE if name in variables and variables[name] is not before.get(name)}
    assert left <= set(told.sets) or not ended
    assert not ended or told.surely <= set(variables)


@pytest.mark.parametrize(
    "path", sorted(Path(ast.__file__).parent.glob("[a-d]*.py")), ids=lambda path: path.stem
)
def test_names_at_the_top_of_a_module_are_those_of_the_compiler(path: Path) -> None:
    source = path.read_text("utf-8")
    table = symtable.symtable(source, path.name, "exec")
    known = {
        s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    told = names_of(source)
    assert set(told.sets) <= known | {"__warningregistry__"} | _set_inside(table)
    assert set(told.reads) <= {
        s.get_name() for each in _all(table) for s in each.get_symbols() if s.is_referenced()
    } | set(told.sets)


def _all(table):
    yield table
    for each in table.get_children():
        yield from _all(each)


def _set_inside(table) -> set[str]:
    return {s.get_name() for each in _all(table) for s in each.get_symbols() if s.is_declared_global()}
