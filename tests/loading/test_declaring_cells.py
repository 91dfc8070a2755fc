"""Through which cell a notebook is run for its steps."""

from __future__ import annotations

import pytest

from nbpipe.loading.declaring_cells import last_declaring

STEP = "%%pipeline_step prep.py --out {>clean.csv}\nprint(1)"

CASES = {
    "nothing after the last step cell": (["%load_ext nbpipe", STEP, "%pipeline_run", "1 / 0"], 1),
    "the short magic": (["%%step a.py\nprint(1)", "x"], 0),
    "comments above the magic": (["# prepare\n\n" + STEP, "x"], 0),
    "a later removal": ([STEP, "%pipeline_remove prep", "x"], 1),
    "a removal in two words": ([STEP, "%pipeline remove prep", "x"], 1),
    "a shared module": ([STEP, "%%pipeline_module m.py\nx = 1", "x"], 1),
    "the object API": (
        ["from nbpipe import *", "s = PythonScriptStep('a.py')", "p = Pipeline(ws, s)", "x"],
        2,
    ),
    "a function that declares": (["def make():\n    return Pipeline(ws, [])", "p = make()", "x"], 1),
    "a function that calls one that declares": (
        ["def a():\n    Pipeline(w, s)", "def b():\n    a()", "b()", "x"],
        2,
    ),
    "an import is no declaration": ([STEP, "from nbpipe import Pipeline", "x"], 0),
    "unknown: all": (["import mine", "p = mine.pipeline()", "x"], 2),
    "nothing": ([], -1),
}


@pytest.mark.parametrize(("cells", "last"), CASES.values(), ids=CASES)
def test_cells_run_through_the_last_that_declares(cells: list[str], last: int) -> None:
    assert last_declaring(cells) == last
