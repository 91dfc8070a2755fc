"""A notebook of five ordinary cells becomes a pipeline, cell by cell, in a real kernel; the results are equal."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.notebook.notebook_kernel import Kernel, Outcome, kernel_in

pytestmark = [pytest.mark.kernel, pytest.mark.runner]

LOAD = """\
# Load
import pandas as pd
visits = pd.read_csv("data/visits.csv", parse_dates=["day"], dtype={"site": "category"})
visits.head()"""
TOOLS = """\
import numpy as np

def smoothed(counts, weight=2):
    \"\"\"A weighted mean with the neighbours.\"\"\"
    padded = np.pad(np.asarray(counts, dtype=float), 1, mode="edge")
    return (padded[:-2] + weight * padded[1:-1] + padded[2:]) / (2 + weight) * scale
scale = 0.5
FIRST = "2024-01-03"
COLUMNS = ["site", "week", "count"]"""
CLEAN = """\
# Clean
visits = visits.dropna()  # a day without a count says nothing
visits["week"] = visits["day"].dt.isocalendar().week
visits["late"] = visits["day"] >= FIRST"""
MODEL = """\
by_site = visits[COLUMNS].groupby(["site", "week"], observed=True)["count"].mean().reset_index()
trend = smoothed(by_site["count"])
summary = {"sites": list(by_site["site"].unique()), "best": float(trend.max())}
by_site"""
DRAW = """\
import matplotlib.pyplot as plt
fig, axes = plt.subplots()
axes.plot(by_site.index, trend, label=summary["sites"][0])
axes.set_title(f"best {summary['best']:.2f}");"""
CELLS = {"load": LOAD, "tools": TOOLS, "clean": CLEAN, "model": MODEL, "draw": DRAW}
LATER = {
    "load": "%pipeline_extract [2]",
    "clean": "%pipeline_extract cell 5",
    "model": "%pipeline extract model",
    "picture": "%pipeline_extract cell [6] --name picture",
}
"""How each cell is named to the command: by its number, its place, its id."""
FRAMES = "parquet" if find_spec("pyarrow") else "csv"
"""How data frames are kept: the better way, where what it needs is installed."""
KEEP = (
    "globals().__setitem__('loaded', "
    "pd.read_csv('data/visits.csv', parse_dates=['day'], dtype={'site': 'category'}))"
)
EQUAL = """\
import json, nbpipe
from pandas.testing import assert_frame_equal
site = {"site": "category"}
def read(name, **options):
    path = nbpipe.path(name)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, **options)
assert_frame_equal(loaded, read("load.visits", parse_dates=["day"], dtype=site))
cleaned = read("clean.visits", parse_dates=["day"], dtype=site | {"week": "UInt32"})
assert_frame_equal(visits, cleaned.set_index("index").rename_axis(None) if "index" in cleaned else cleaned)
assert_frame_equal(by_site, read("by_site", dtype=site | {"week": "UInt32"}))
assert np.array_equal(trend, np.load(nbpipe.path("trend")))
assert summary == json.loads(nbpipe.path("summary").read_text())
assert nbpipe.path("fig").read_bytes().startswith(b"\\x89PNG")
"""


def rows() -> Iterator[str]:
    yield "day,site,count"
    for number in range(28):
        yield (
            f"2024-01-{number % 14 + 1:02},{'north' if number % 3 else 'south'},{number * 1.7 if number % 5 else ''}"
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/visits.csv").write_text("\n".join(rows()) + "\n")
    cells = [new_markdown_cell("# Visits"), new_code_cell("%load_ext nbpipe", id="ext")]
    cells += [new_code_cell(text, id=name) for name, text in CELLS.items()]
    nbformat.write(new_notebook(cells=cells), tmp_path / "visits.ipynb")
    return tmp_path


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel that has run the notebook as it is saved."""
    with kernel_in(folder, JPY_SESSION_NAME=str(folder / "visits.ipynb")) as kernel:
        for name, text in {"ext": "%load_ext nbpipe", **CELLS}.items():
            outcome = kernel.run(text, name)
            assert outcome.ok, outcome.error
        yield kernel


def inserted(outcome: Outcome) -> str:
    """The cell that was put below the one that asked."""
    assert outcome.ok, outcome.error
    pages = [page for page in outcome.reply["payload"] if page["source"] == "set_next_input"]
    assert [page["replace"] for page in pages] == [False], outcome.printed
    return str(pages[0]["text"])


def test_five_cells_become_steps_with_equal_results(kernel: Kernel) -> None:
    kernel.value(KEEP)
    for name, ask in LATER.items():
        asked = kernel.run(ask, f"ask-{name}")
        registered = kernel.run(inserted(asked), f"step-{name}")
        assert registered.ok, registered.error
        notes = registered.printed.splitlines()[1:]  # two cells make visits, and so do two steps
        assert [note for note in notes if "{load.visits} or {clean.visits}" not in note] == []
    outcome = kernel.run("%pipeline_run --wait")
    assert outcome.ok, outcome.error + kernel.run("%pipeline_logs").printed
    printed = kernel.run("%pipeline_logs load").printed
    assert printed == kernel.value("print(loaded.head())") or "2024-01-05  north    6.8" in printed
    equal = kernel.run(EQUAL)
    assert equal.ok, equal.error


def test_a_preview_shows_the_new_cell_and_where_it_comes_from_and_inserts_nothing(kernel: Kernel) -> None:
    outcome = kernel.run("%pipeline_extract [2] --preview")
    assert outcome.ok, outcome.error
    assert [page for page in outcome.reply["payload"] if page["source"] == "set_next_input"] == []
    assert "data/visits.csv is read by line 3: it becomes {./data/visits.csv}" in outcome.printed
    written = f"--out {{>visits.{FRAMES}}}"
    assert f"+%%pipeline_step load.py --visits {{./data/visits.csv}} {written}" in outcome.printed
    assert "\n # Load\n import pandas as pd\n-visits = pd.read_csv(" in outcome.printed


def test_a_cell_whose_inputs_no_step_makes_is_asked_about_until_each_is_answered(
    kernel: Kernel, folder: Path
) -> None:
    outcome = kernel.run("%pipeline_extract [5]")
    assert outcome.printed == (
        "Cell [5] as step by_site: one thing is for you to say. Nothing was written.\n"
        "  visits is made by cell [4], which is no step.  %pipeline_extract [4]  or  --save-inputs  or  --skip visits\n"
    )
    text = inserted(kernel.run("%pipeline_extract [5] --save-inputs"))
    saved = "visits.parquet" if FRAMES == "parquet" else "visits_2.csv"  # data/visits.csv is left alone
    assert f"--visits {{./data/{saved}}}" in text
    assert inserted(kernel.run("%pipeline_extract [5] --save-inputs")) == text
    assert sorted(each.name for each in (folder / "data").iterdir()) == sorted(["visits.csv", saved])
    assert kernel.run(text, "new").ok
    assert kernel.run("%pipeline_run --wait").ok
    read = "pd.read_csv(path, dtype={'site': 'category', 'week': 'UInt32'})"
    read = "pd.read_parquet(path)" if FRAMES == "parquet" else read
    outcome = kernel.run(
        f"import nbpipe\npath = nbpipe.path('by_site')\npd.testing.assert_frame_equal(by_site, {read})"
    )
    assert outcome.ok, outcome.error


def test_the_old_cell_stays_and_the_step_is_taken_back(kernel: Kernel) -> None:
    asked = kernel.run("%pipeline_extract load", "ask")
    assert asked.printed.endswith(
        "The old cell stays. Undo: delete the new cell; once it has run:  %pipeline_remove load\n"
    )
    kernel.run(inserted(asked), "new")
    assert kernel.run("%pipeline_remove load").printed.startswith("load is no step any more.")
    again = kernel.run("%pipeline_extract load", "ask")
    assert inserted(again) == inserted(asked)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%pipeline_extract", "CELL is missing."),
        ("%pipeline_extract [99]", "No cell [99]."),
        ("%pipeline_extract cell 1", "Cell 1 is markdown, no code."),
        ("%pipeline_extract ext", "Line 1 of cell [1] is no Python:  %load_ext nbpipe"),
        ("%pipeline_extract [2] --as visits=cvs", "No kind cvs."),
        ("%pipeline_extract [2] --name json", "would stand in the way of the module json"),
        ("%pipeline_extract [2] --nmae x", "Did you mean --name?"),
    ],
)
def test_what_cannot_be_meant_is_said(kernel: Kernel, line: str, says: str) -> None:
    outcome = kernel.run(line)
    assert not outcome.ok
    assert says in outcome.error
    assert "Traceback" not in outcome.error


def test_cells_complete_by_their_number(kernel: Kernel) -> None:
    assert "[2]" in kernel.complete("%pipeline_extract ")
    assert kernel.complete("%pipeline_extract --prev") == ["--preview"]
    assert "%pipeline_extract CELL" in kernel.help("%pipeline_extract?")
