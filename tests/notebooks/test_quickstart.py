"""The quickstart tells its story to whoever runs it, and again to whoever runs it a second time."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nbpipe.workspace import Workspace

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STEPS = ["prepare", "split", "train_forest", "train_logistic", "compare"]


def quickstart() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)


def execute(folder: Path) -> dict[str, nbformat.NotebookNode]:
    """Run the quickstart in a kernel of its own; its code cells by id, with their outputs."""
    notebook = quickstart()
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def text(cell: nbformat.NotebookNode) -> str:
    """Everything a cell shows, as text."""
    shown = []
    for output in cell.outputs:
        if output.output_type == "stream":
            shown.append(output.text)
        elif output.output_type == "error":
            shown += output.traceback
        else:
            shown.append(output.data.get("text/plain", ""))
    return "\n".join(shown)


def words(cell: nbformat.NotebookNode) -> dict[str, str]:
    """Step -> the words beside it, in the text tree that a cell displays."""
    tree = next(o.data["text/plain"] for o in cell.outputs if "image/svg+xml" in o.get("data", {}))
    lines = [line.lstrip("│├└─ ").split(maxsplit=2) for line in tree.splitlines()]
    return {parts[1]: parts[2] for parts in lines if len(parts) == 3 and parts[1] in (*STEPS, "islands")}


def outcomes(folder: Path) -> list[dict[str, str]]:
    """Step -> word of every run, oldest first."""
    runs = reversed(Workspace(folder).runs())
    return [{step.name: step.status for step in run.get_steps()} for run in runs]


def all_(word: str, *more: str) -> dict[str, str]:
    return dict.fromkeys((*STEPS, *more), word)


@pytest.mark.kernel
@pytest.mark.runner
def test_the_quickstart_tells_what_runs_what_is_reused_and_why(tmp_path):
    shutil.copytree(NOTEBOOKS / "data", tmp_path / "data")

    first = execute(tmp_path)
    assert outcomes(tmp_path) == [
        all_("done"),
        all_("reused"),
        all_("reused") | {"train_forest": "done", "compare": "done"},
        all_("reused") | {"islands": "failed"},
        all_("reused") | {"islands": "done"},
    ]
    the_plan_comes_before_the_run(first)
    an_edit_reruns_its_descendants_alone(first)
    a_failure_names_its_remedy(first)
    results_come_back(first)

    second = execute(tmp_path)
    assert outcomes(tmp_path)[5:] == [
        all_("reused"),
        all_("reused"),
        all_("reused"),
        all_("reused") | {"islands": "failed"},
        all_("reused", "islands"),
    ]
    assert "will reuse" in text(second["forest-edited"])
    results_come_back(second)
    metrics = [run.step("compare").get_metrics() for run in Workspace(tmp_path).runs()]
    assert {name for each in metrics for name in each} == {"forest_accuracy", "logistic_accuracy"}
    assert metrics[0] == metrics[5] != metrics[9]


def the_plan_comes_before_the_run(cells):
    planned = words(cells["plan"])
    assert list(planned) == STEPS
    assert all(shown.startswith("new") for shown in planned.values())
    assert "333 of 344 penguins are fully measured" in text(cells["run"])
    assert "Nothing to do: 5 of 5 reused" in text(cells["again"])


def an_edit_reruns_its_descendants_alone(cells):
    assert "train_forest.py line 15 changed" in text(cells["forest-edited"])
    planned = words(cells["plan-edited"])
    assert planned["train_forest"].startswith("will run")
    assert planned["compare"].startswith("maybe")
    assert all(planned[name].startswith("will reuse") for name in ("prepare", "split", "train_logistic"))
    explained = text(cells["explain"])
    assert "train_forest.py line 15 changed" in explained
    assert "+model = RandomForestClassifier(n_estimators=100, random_state=7)" in explained
    assert "← train_forest.py line 15" in words(cells["run-edited"])["compare"]


def a_failure_names_its_remedy(cells):
    failed = text(cells["run-failing"])
    assert "islands, line 9: no file data/penguins.csv." in failed
    assert "pass it:  --data {data/penguins.csv}" in failed
    assert "will run" in text(cells["islands-mended"])


def results_come_back(cells):
    assert "forest" in text(cells["scores"])
    assert any("image/png" in output.get("data", {}) for output in cells["roc"].outputs)
    assert "Nothing to do: 6 of 6 reused" in text(cells["graph"])
    assert set(words(cells["graph"])) == {*STEPS, "islands"}


def test_the_committed_notebook_is_small_and_has_no_outputs():
    notebook = quickstart()
    nbformat.validate(notebook)
    assert (NOTEBOOKS / "quickstart.ipynb").stat().st_size < 25_000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


def test_the_only_cell_that_may_fail_is_the_one_that_teaches_it():
    tagged = [cell.id for cell in quickstart().cells if cell.metadata.get("tags")]
    assert tagged == ["run-failing"]


def test_every_script_of_the_notebook_is_plain_python():
    for cell in quickstart().cells:
        if cell.source.startswith("%%"):
            ast.parse(cell.source.replace("\\\n", " ").partition("\n")[2])


def test_the_picture_shows_both_lights_and_no_machine():
    picture = (NOTEBOOKS / "quickstart.svg").read_text("utf-8")
    assert re.search(r"prefers-color-scheme: ?dark", picture)
    assert all(f'data-step="{name}"' in picture for name in STEPS)
