"""Any notebook, made into steps cell by cell: each step writes what its cell left, to the last element."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.notebook.extraction.written import Written

BEGIN = """\
a, b, c, k = [1], [2], [3, 4], 1
def f(v):
    return v + a
def grow(v, by=7):
    v.append(by)
pick = lambda v: [x for x in v if x > k]"""
names = st.sampled_from("abc")
statements = st.one_of(
    st.tuples(names, st.integers(0, 9)).map("{0[0]} = [{0[1]}]".format),
    st.tuples(names, names).map("{0[0]} = {0[1]} + [5]".format),
    st.tuples(names, names).map("{0[0]} += {0[1]}[:2]".format),
    st.tuples(names, names).map("{0[0]} = f({0[1]})".format),
    st.tuples(names, names).map("{0[0]} = pick({0[1]})".format),
    st.tuples(names, names).map("{0[0]} = [x + k for x in {0[1]}]".format),
    st.tuples(names, names).map("for x in {0[1]}[:3]:\n    {0[0]} = {0[0]} + [x]".format),
    st.tuples(names, names).map("if len({0[1]}) > 2:\n    {0[0]} = [9]".format),
    st.tuples(names, names).map("try:\n    {0[0]} = [{0[1]}[7]]\nexcept IndexError:\n    pass".format),
    st.tuples(names, names).map("def f(v):\n    return {0[0]} + v[:2] + {0[1]}".format),
    st.tuples(names, names).map("with open(__file__) as text:\n    {0[0]} = {0[1]}[1:]".format),
    names.map("{}.append(6)".format),
    names.map("{0}[:1] = [8]".format),
    names.map("grow({})".format),
    names.map("grow(by=k, v={})".format),
    names.map("k = len({})".format),
    names.map("[k := k + x for x in {}[:2]]".format),
    names.map("print({})".format),
    st.just("k += 1"),
    st.just("del x\nx = 0"),
)
cells = st.lists(statements, min_size=1, max_size=3).map("\n".join)


def ran(folder: Path, texts: list[str]) -> tuple[Written, list[dict]]:
    """The notebook, and its variables as each cell left them."""
    notebook, left = Written(folder, __file__=__file__), []
    for text in [BEGIN, *texts]:
        notebook.run(text)
        left.append({name: copy.deepcopy(notebook.variables.get(name)) for name in "abck"})
    return notebook, left


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(cells, min_size=1, max_size=5))
def test_the_steps_of_any_notebook_do_what_its_cells_did(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook, left = ran(Path(folder), texts)
        except (NameError, IndexError):
            assume(False)
        for number, variables in enumerate(left, 1):
            made = notebook.extract(f"[{number}]", name=f"s{number}")
            written, _ = notebook.play(made)
            for name, path in written.items():
                if name in variables:
                    assert json.loads(path.read_text()) == variables[name], made.text
