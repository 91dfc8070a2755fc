"""JupyterLab with the extension, as people use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.gates import LOAD, PREP, RUN, SHOW, Gate
from tests.browser.jupyter import Server
from tests.browser.notebook_page import NotebookPage
from tests.waiting import eventually

pytestmark = pytest.mark.browser

Open = Callable[..., NotebookPage]
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FAILING = "%%pipeline_step broken.py {clean} {>out.txt}\nimport sys\n\nraise ValueError('no such column')\n"


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_the_quickstart_runs_from_the_panel(lab: Server, open_notebook: Open) -> None:
    cells = json.loads((NOTEBOOKS / "quickstart.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    notebook = open_notebook(lab, *code[:9])
    shutil.copytree(NOTEBOOKS / "data", notebook.folder / "data")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(*range(1, 9))
    notebook.panel.get_by_role("button", name="Run 5 steps").click()
    for name in ("prepare", "split", "train_forest", "train_logistic", "compare"):
        notebook.expect_status(name, "done", seconds=100)
    expect(notebook.badge(3)).to_contain_text("done in")
    expect(notebook.page.locator("#nbpipe-status")).to_have_text("5 of 5")


def test_statuses_change_as_the_run_goes_on(lab: Server, open_notebook: Open, gate: Gate) -> None:
    notebook = open_notebook(lab, LOAD, PREP, gate.train, SHOW, RUN)
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("train", "new", where)
    notebook.run_cell(5)
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("prep", "done", where)
        notebook.expect_status("train", "running", where)
    expect(notebook.badge(3)).to_contain_text("running")
    gate.open()
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("train", "done", where)
    expect(notebook.badge(3)).to_contain_text("done in")


def test_an_edit_is_marked_before_it_is_run_and_explained_after(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    gate.open()
    notebook = open_notebook(lab, LOAD, PREP, gate.train, RUN + " --wait")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    expect(notebook.badge(2)).to_contain_text("done in")
    notebook.write(2, notebook.text_of(2).replace("1,2", "1,3"))
    expect(notebook.badge(2)).to_have_text("edited: run the cell to register")
    expect(notebook.badge(3)).to_have_text("may change: prep is edited")
    notebook.expect_status("prep", "edited")
    notebook.run_cell(2)
    expect(notebook.badge(2)).to_have_text("will run: line 4 changed")
    notebook.expect_status("train", "maybe")
    notebook.badge(2).click()
    expect(notebook.panel.get_by_role("tab", name="Why")).to_have_attribute("aria-selected", "true")
    expect(notebook.panel.get_by_role("tabpanel")).to_contain_text('file.write("a,b\\n1,3\\n")')
    notebook.write(2, notebook.text_of(2).replace("1,3", "1,2") + "\n\n")
    notebook.run_cell(2)
    for name in ("prep", "train"):
        notebook.expect_status(name, "done")


def test_a_run_is_stopped_while_a_cell_blocks_the_kernel(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    blocking = f"import pathlib, time\nwhile not pathlib.Path({str(gate.path)!r}).exists(): time.sleep(0.05)"
    notebook = open_notebook(lab, LOAD, PREP, Gate(gate.path.parent / "never").train, RUN, blocking)
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    notebook.expect_status("train", "running")
    notebook.run_cell(5, wait=False)
    expect(notebook.cell(5).locator(".jp-InputPrompt")).to_have_text("[*]:")
    notebook.panel.get_by_role("button", name="Stop").click()
    notebook.expect_status("train", "cancelled")
    expect(notebook.cell(5).locator(".jp-InputPrompt")).to_have_text("[*]:")
    gate.open()
    expect(notebook.cell(5).locator(".jp-InputPrompt")).to_have_text("[5]:")


def test_a_reload_in_mid_run_comes_back_to_the_live_state(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    notebook = open_notebook(lab, LOAD, PREP, gate.train, SHOW, RUN)
    notebook.run_cells(1, 2, 3, 4, 5)
    notebook.command("docmanager:save")
    notebook.reload()
    notebook.command("nbpipe:open-panel")
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("train", "running", where)
    expect(notebook.badge(3)).to_contain_text("running")
    gate.open()
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("train", "done", where)


def test_a_killed_kernel_leaves_the_graph_and_the_run_and_promises_nothing(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    notebook = open_notebook(lab, LOAD, PREP, gate.train, RUN)
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    notebook.expect_status("train", "running")
    notebook.command("docmanager:save")
    os.kill(notebook.kernel_pid(), signal.SIGKILL)
    expect(notebook.panel).to_contain_text("Kernel restarted. Run 1 goes on (1 of 2).", timeout=90_000)
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(notebook.panel.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    notebook.panel.get_by_role("button", name="Attach").click()
    notebook.expect_status("train", "running")
    gate.open()
    notebook.expect_status("train", "done")
    notebook.run_cell(1)
    expect(notebook.output(1)).not_to_contain_text("already loaded")


def test_after_a_restart_the_step_cells_are_registered_on_a_click(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    gate.open()
    notebook = open_notebook(lab, LOAD, PREP, gate.train, RUN + " --wait")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    notebook.command("docmanager:save")
    notebook.command("notebook:restart-kernel", wait=False)
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.panel.get_by_role("button", name="Register the 2 step cells").click()
    notebook.expect_status("train", "will-reuse")
    expect(notebook.badge(3)).to_contain_text("will reuse")


def test_a_failed_step_leads_to_the_line_of_its_cell(lab: Server, open_notebook: Open) -> None:
    notebook = open_notebook(lab, LOAD, PREP, FAILING, RUN + " --wait")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    expect(notebook.badge(3)).to_have_text("failed at line 3")
    notebook.badge(3).click()
    expect_cursor(notebook, cell=3, line=4)
    notebook.evaluate("() => { (PANEL).content.activeCellIndex = 0; }")
    notebook.panel.get_by_role("button", name="Go to cell").first.click()
    expect_cursor(notebook, cell=3, line=4)
    notebook.command("nbpipe:next-failed")
    expect(notebook.panel.get_by_role("button", name="broken, failed", pressed=True)).to_be_visible()


def expect_cursor(notebook: NotebookPage, cell: int, line: int) -> None:
    """Wait until the cursor stands in a line of a cell, both counted from 1."""
    expect(notebook.cell(cell).locator(".cm-editor.cm-focused")).to_be_visible()
    place = (
        "() => [(PANEL).content.activeCellIndex, (PANEL).content.activeCell.editor.getCursorPosition().line]"
    )
    assert eventually(lambda: notebook.evaluate(place) == [cell - 1, line - 1])


def test_the_magic_line_says_where_names_come_from(lab: Server, open_notebook: Open) -> None:
    using = "%%pipeline_step --timeout 5m use.py {clean} {./data.csv} {rate} {claen} --out {>used.txt}\npass"
    notebook = open_notebook(lab, LOAD, PREP, "rate = 0.1", using)
    line = notebook.cell(4)
    expected = {
        "magic": "%%pipeline_step", "option": "--timeout", "script": "use.py", "reads": "{clean}",
        "file": "{./data.csv}", "takes": "{rate}", "unknown": "{claen}", "writes": "{>used.txt}",
    }  # fmt: skip
    for look, text in expected.items():
        expect(line.locator(f".nbpipe-lab-{look}")).to_have_text(text)
    expect(line.locator(".nbpipe-lab-unknown")).to_have_attribute(
        "title", "Nothing in this notebook makes claen."
    )
    line.locator(".nbpipe-lab-reads").click(modifiers=["Control"])
    notebook.page.wait_for_function(
        "() => document.querySelectorAll('.jp-Cell')[1].classList.contains('jp-mod-active')"
    )
    expect(notebook.cell(2).locator(".nbpipe-lab-script")).to_have_text("prep.py")


def test_a_cell_is_made_a_step_with_preview_and_undo(lab: Server, open_notebook: Open) -> None:
    summary = "summary = {'total': sum(numbers)}"
    notebook = open_notebook(lab, LOAD, "numbers = [3, 4, 5]", summary, "print(summary)")
    notebook.run_cells(1, 2, 3, 4)
    notebook.evaluate("() => { (PANEL).content.activeCellIndex = 2; }")
    notebook.command("nbpipe:make-step", wait=False)
    dialog = notebook.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("%%pipeline_step summary.py")
    dialog.get_by_label("Name of the step").fill("totals")
    expect(dialog).to_contain_text("%%pipeline_step totals.py")
    dialog.get_by_role("button", name="Insert below").click()
    expect(notebook.cell(4)).to_contain_text("%%pipeline_step totals.py")
    assert notebook.text_of(3) == summary
    notebook.run_cell(4)
    expect(notebook.badge(4)).to_have_text("new")
    notebook.command("notebook:undo-cell-action")
    assert eventually(lambda: notebook.text_of(4) == "print(summary)")


def test_only_a_step_cell_has_the_button_that_runs_its_step(lab: Server, open_notebook: Open) -> None:
    notebook = open_notebook(lab, LOAD, PREP, FAILING)
    notebook.run_cells(1, 2, 3)
    expect(notebook.badge(2)).to_have_text("new")
    button = notebook.page.locator(".jp-cell-toolbar [data-command='nbpipe:run-step']")
    notebook.evaluate("() => { (PANEL).content.activeCellIndex = 0; }")
    expect(button).to_be_hidden()
    notebook.evaluate("() => { (PANEL).content.activeCellIndex = 1; }")
    button.click()
    expect(notebook.badge(2)).to_contain_text("done in")
    expect(notebook.badge(3)).to_contain_text("new")


def test_a_kernel_without_nbpipe_is_said_calmly_with_the_cell_to_insert(
    lab: Server, open_notebook: Open
) -> None:
    notebook = open_notebook(lab, "1 + 1")
    notebook.command("nbpipe:open-panel")
    expect(notebook.panel).to_contain_text("nbpipe is not loaded in this kernel.")
    notebook.panel.get_by_role("button", name="Insert %load_ext nbpipe").click()
    expect(notebook.panel).to_contain_text("No steps yet.")
    assert notebook.text_of(1) == LOAD


def test_a_kernel_that_is_not_python_is_said_calmly(lab: Server, open_notebook: Open) -> None:
    notebook = open_notebook(lab, "anything", kernel="echo")
    notebook.command("nbpipe:open-panel")
    expect(notebook.panel).to_contain_text("This kernel is not Python")
    expect(notebook.panel.get_by_role("button")).to_have_count(0)


def test_the_launcher_has_a_notebook_with_the_smallest_pipeline(lab: Server, open_notebook: Open) -> None:
    notebook = open_notebook(lab, "1 + 1")
    notebook.command("launcher:create")
    notebook.page.locator(".jp-LauncherCard", has_text="Pipeline Notebook").click()
    cells = notebook.page.locator(".jp-NotebookPanel:visible .jp-Cell")
    expect(cells).to_have_count(4)
    expect(cells.first).to_contain_text(LOAD)
