"""Step cells as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.transform import join_magic_line, read_step_cell


@pytest.mark.parametrize(
    ("text", "line", "body", "first"),
    [
        ("%%step a.py\nx\n", "a.py", "x\n", 2),
        ("%%pipeline_step\ta.py\nx", "a.py", "x", 2),
        ("\n# note\n\n%%step a.py\nx", "a.py", "x", 5),
        ("%%step a.py \\\n  -x \\\n  -y\nbody\n", "a.py   -x   -y", "body\n", 4),
        ("%%step a.py \\  \n -x\nbody", "a.py  -x", "body", 3),
        ("%%step a.py \\\\\nbody", "a.py \\\\", "body", 2),
        ("%%step a.py \\", "a.py", "", 3),
        ("%%step", "", "", 2),
        ("%%pipeline_module u.py\nx", "u.py", "x", 2),
    ],
)
def test_a_step_cell_is_read_with_the_line_its_script_begins_at(
    text: str, line: str, body: str, first: int
) -> None:
    cell = read_step_cell(text)
    assert cell is not None
    assert (cell.line, cell.body, cell.first) == (line, body, first)


@pytest.mark.parametrize(
    "text", ["", "x = 1", "x = 1\n%%step a.py", "%%stepper a.py", "%%time\nx", "%step a.py", "# only"]
)
def test_other_cells_pass_unchanged(text: str) -> None:
    assert read_step_cell(text) is None
    assert join_magic_line(text.splitlines(keepends=True)) == text.splitlines(keepends=True)


def test_a_joined_cell_begins_with_its_magic_on_one_line() -> None:
    lines = "# note\n%%step a.py \\\n  -x\nbody\n".splitlines(keepends=True)
    assert join_magic_line(lines) == ["%%step a.py   -x\n", "body\n"]


@given(st.text(max_size=80))
def test_joining_twice_changes_nothing_more(text: str) -> None:
    once = join_magic_line(text.splitlines(keepends=True))
    assert join_magic_line(once) == once
