"""A notebook is run for its steps in a kernel of its own; nothing is started, and what fails is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbpipe.errors import InvalidPipeline, NbpipeError, NotebookError, UsageError
from nbpipe.loading.load import Loaded, load
from nbpipe.loading.notebook_file import CodeCell, code_cells, read_notebook
from nbpipe.workspace import Workspace

EXTENSION = "%load_ext nbpipe\nlr = 0.1"
PREP = "%%pipeline_step prep.py --out {>clean.csv}\nprint(1)"
TRAIN = "%%pipeline_step train.py --data {clean} --lr {lr}\nprint(2)"


def notebook(path: Path, *cells: str, tags: dict[int, str] | None = None, kernel: str = "python3") -> Path:
    """A notebook with a heading and these code cells, so that the first is cell 2."""
    made = new_notebook(cells=[new_markdown_cell("# Title"), *(new_code_cell(cell) for cell in cells)])
    for number, tag in (tags or {}).items():
        made.cells[number - 1].metadata["tags"] = [tag]
    made.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    nbformat.write(made, path)
    return path


def names(loaded: Loaded) -> list[str]:
    return [node.name for node in loaded.graph.nodes]


@pytest.mark.kernel
def test_its_steps_are_found_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project").mkdir()
    notebook(
        tmp_path / "project" / "nb.ipynb",
        EXTENSION, PREP, "%pipeline_run --wait", "import nbpipe\nresult = nbpipe.path('clean')\n1 / 0",
        "result.name", "%pipeline", TRAIN, "raise RuntimeError('after the last step')",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    loaded = load("project/nb.ipynb")
    assert names(loaded) == ["prep", "train"]
    assert loaded.graph.parameters == {"lr": 0.1}
    assert loaded.python == sys.executable
    assert loaded.workspace.root == tmp_path / "project"
    assert [node.source.script for node in loaded.graph.nodes] == [
        "steps/prep/prep.py",
        "steps/train/train.py",
    ]
    assert [node.source.cell for node in loaded.graph.nodes] == ["cell 3", "cell 8"]
    assert Workspace(tmp_path / "project").runs() == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.kernel
def test_the_object_api_counts_too_and_skipped_cells_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    path = notebook(
        tmp_path / "nb.ipynb",
        "from nbpipe import Pipeline, PythonScriptStep, Workspace",
        "raise RuntimeError('left out')",
        "raise RuntimeError('may fail')",
        "made = Pipeline(Workspace.open(), [PythonScriptStep('a.py')])\nmade.submit('demo').wait_for_completion()",
        tags={3: "nbpipe-skip", 4: "raises-exception"},
    )
    assert names(load(path)) == ["a.py"]


FAILING = {
    "a cell that fails": (
        [EXTENSION, "def f():\n    return 1 / 0", "x = 1\nf()", PREP],
        NotebookError,
        "nb.ipynb, cell 4, line 2: ZeroDivisionError: division by zero\n  f()",
    ),
    "a magic line that cannot be meant": (
        [EXTENSION, "%%pipeline_step prep.py --out {>../x}\nprint(1)"],
        NotebookError,
        "nb.ipynb, cell 3: ",
    ),
    "the magic is not loaded": ([PREP], NotebookError, "%load_ext nbpipe"),
    "a cell that ends the kernel": (
        [EXTENSION, "import os\nos._exit(1)", PREP],
        NotebookError,
        "Cell 3 of nb.ipynb ended the kernel.",
    ),
    "an input nobody makes": (
        [EXTENSION, PREP, "%%pipeline_step train.py --data {claen}\nprint(1)"],
        InvalidPipeline,
        "Nothing makes {claen}. Step train (cell 4) wants it. Did you mean {clean}",
    ),
    "no step": ([EXTENSION, "print(1)"], UsageError, "nb.ipynb declares no step."),
}


@pytest.mark.kernel
@pytest.mark.parametrize(("cells", "kind", "message"), FAILING.values(), ids=FAILING)
def test_what_goes_wrong_is_told(
    cells: list[str], kind: type[NbpipeError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        load(notebook(tmp_path / "nb.ipynb", *cells))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ("<<<<<<< ours\n{}", "unfinished merge"),
        ("[]", "is no notebook"),
        ("{}", "is no notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', "is no notebook"),
        ("", "it is not JSON"),
        ("\x00", "it is not JSON"),
    ],
)
def test_what_is_no_notebook_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(text)
    with pytest.raises(NotebookError, match=message):
        load(path)


def test_bytes_that_are_no_text_are_no_notebook(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotebookError, match="is no notebook"):
        load(path)


def test_a_kernel_that_is_not_installed_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"wants the kernel pithon3, which is not installed\."):
        load(notebook(tmp_path / "nb.ipynb", EXTENSION, kernel="pithon3"))


def test_an_older_notebook_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    cell = {
        "cell_type": "code",
        "input": ["x = 1\n", "x"],
        "language": "python",
        "outputs": [],
        "metadata": {},
    }
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [cell]}]}
    path.write_text(json.dumps(old))
    assert [each.source for each in code_cells(read_notebook(path))] == ["x = 1\nx"]


def test_cells_are_counted_among_all_and_the_skipped_left_out(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    skip, fail = {"tags": ["nbpipe-skip"]}, {"tags": ["raises-exception"]}
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "1", "metadata": skip},
        {"cell_type": "code", "source": ["a\n", "b"], "id": "x", "metadata": fail},
        {"cell_type": "code"},
    ]
    path.write_text(json.dumps({"nbformat": 4, "cells": cells, "metadata": {"kernelspec": {"name": "py"}}}))
    notebook = read_notebook(path)
    assert notebook.kernel == "py"
    assert list(code_cells(notebook)) == [CodeCell(3, "x", "a\nb", may_fail=True), CodeCell(4, "", "")]


def kernelspec(folder: Path, name: str, language: str, *argv: str) -> None:
    path = folder / "kernels" / name / "kernel.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"argv": list(argv), "display_name": name, "language": language}))


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("language", "argv", "message"),
    [
        ("python", (sys.executable, "-c", "raise SystemExit('no ipykernel here')"), "no ipykernel here"),
        ("python", ("/nowhere/python", "-m", "ipykernel"), "The kernel odd does not start."),
        ("R", ("R",), "The notebook is written in R; a step is a Python script."),
    ],
)
def test_a_kernel_that_does_not_start_says_why(
    language: str, argv: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernelspec(tmp_path / "jupyter", "odd", language, *argv)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    with pytest.raises(NotebookError) as caught:
        load(notebook(tmp_path / "nb.ipynb", EXTENSION, kernel="odd"))
    assert message in str(caught.value)
