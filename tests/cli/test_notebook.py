"""The verbs on a notebook, and the quickstart without a browser."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbpipe.cli.quickstart import EXECUTED, PICTURE
from nbpipe.cli.shipped import NOTEBOOK
from tests.cli.conftest import Terminal

pytestmark = [pytest.mark.kernel, pytest.mark.runner]

CELLS = [
    "%load_ext nbpipe\nlr = 0.1",
    "%%pipeline_step prep.py --out {>clean.csv}\nimport sys\nopen(sys.argv[2], 'w').write('a')",
    "%%pipeline_step train.py --data {clean} --lr {lr}\nimport sys\nprint('trained with', sys.argv[4])",
]


def notebook(terminal: Terminal, *cells: str, name: str = "nb.ipynb") -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), terminal.folder / name)


def test_a_notebook_runs_as_a_python_file_does_and_shares_its_results_with_jupyter(
    terminal: Terminal,
) -> None:
    notebook(terminal, *CELLS, "%pipeline_run --wait", "raise RuntimeError('not reached')")
    assert terminal.json("run", "nb.ipynb", "--param", "lr=0.5")[-1]["steps"] == {
        "prep": "run",
        "train": "run",
    }
    assert terminal.type("logs", "train").stdout == "trained with 0.5\n"
    again = terminal.type("plan", "nb.ipynb", "--param", "lr=0.5", "--check")
    assert (again.returncode, "Nothing to do: 2 of 2 reused" in again.stdout) == (0, True)
    edited = [CELLS[0], CELLS[1], CELLS[2] + "\nprint('more')"]
    notebook(terminal, *edited, name="renamed.ipynb")
    planned = terminal.json("plan", "renamed.ipynb", "--param", "lr=0.5")
    assert [(each["node"], each["action"]) for each in planned[:-1]] == [("prep", "reuse"), ("train", "run")]


@pytest.mark.parametrize(
    ("text", "message"),
    [("not JSON", "it is not JSON"), ("{}", "is no notebook")],
)
def test_what_is_no_notebook_exits_two(text: str, message: str, terminal: Terminal) -> None:
    (terminal.folder / "nb.ipynb").write_text(text)
    done = terminal.type("run", "nb.ipynb")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_cell_exits_two_with_its_number(terminal: Terminal) -> None:
    notebook(terminal, CELLS[0], "1 / 0", *CELLS[1:])
    done = terminal.type("run", "nb.ipynb")
    assert done.returncode == 2
    assert done.stderr.startswith("nb.ipynb, cell 2, line 1: ZeroDivisionError: division by zero\n  1 / 0\n")


def test_the_quickstart_runs_without_a_browser_and_is_left_as_it_is(terminal: Terminal) -> None:
    quick = terminal.folder / "quick"
    quick.mkdir()
    notebook(terminal, *CELLS, "%pipeline_run --wait", name=f"quick/{NOTEBOOK}")
    before = (quick / NOTEBOOK).read_bytes()
    first = terminal.type("quickstart", "--headless", "quick")
    assert (first.returncode, "v prep" in first.stdout) == (0, True)
    assert "quick/quickstart.ipynb was changed here and is kept." in first.stderr
    again = terminal.type("quickstart", "--headless", "quick")
    assert "Nothing to do: 2 of 2 reused" in again.stdout
    assert (quick / NOTEBOOK).read_bytes() == before
    assert (quick / PICTURE).read_text().startswith("<svg ")
    executed = json.loads((quick / EXECUTED).read_text())
    assert [bool(cell["outputs"]) for cell in executed["cells"]] == [False, True, True, True]
    assert again.stdout.splitlines()[-2:] == [f"wrote quick/{EXECUTED}", f"wrote quick/{PICTURE}"]


def test_a_quickstart_whose_cell_fails_is_written_and_exits_one(terminal: Terminal) -> None:
    (terminal.folder / "quick").mkdir()
    notebook(terminal, CELLS[0], "1 / 0", name=f"quick/{NOTEBOOK}")
    done = terminal.type("quickstart", "--headless", "quick")
    assert done.returncode == 1
    assert "Cell 2 of quickstart.ipynb failed: ZeroDivisionError" in done.stderr
    assert (terminal.folder / "quick" / EXECUTED).is_file()
