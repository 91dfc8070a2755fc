"""Cells as IPython runs them: magics as calls, and the line of the first one."""

from __future__ import annotations

import pytest

from nbpipe.notebook.python_text import as_python, magic_at


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1", 0),
        ("x = (5\n  % 3)", 0),
        ("'''\n%matplotlib inline\n'''", 0),
        ("  x = 1\n  y = 2", 0),
        (">>> x = 1", 0),
        ("await f()", 0),
        ("x = (", 0),
        ("x = '\0'", 0),
        ("", 0),
        ("%matplotlib inline", 1),
        ("x = 1\n!ls", 2),
        ("for x in y:\n    %time x", 2),
        ("files = !ls", 1),
        ("x = 1\nx?", 2),
        ("\n# note\n%%time\nx = 1", 3),
        ("'''\n%x\n'''\n%x", 4),
    ],
)
def test_the_first_line_that_is_no_python_is_found(text: str, line: int) -> None:
    assert magic_at(text) == line


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("x = 1 # one", "x = 1 # one"),
        ("  x = 1\n  y = 2", "x = 1\ny = 2\n"),
        ("x = (", "x = (\n"),
        ("files = !ls", "files = get_ipython().getoutput('ls')\n"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%capture out\nx = !ls", "x = get_ipython().getoutput('ls')\n"),
        ("%%bash\nls", "get_ipython().run_cell_magic('bash', '', 'ls\\n')\n"),
    ],
)
def test_a_cell_reads_as_ipython_runs_it(text: str, python: str) -> None:
    assert as_python(text) == python
