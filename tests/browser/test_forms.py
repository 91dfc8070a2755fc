"""A step made and changed with its form, and parameters set with theirs, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gates import LOAD, PREP, Gate
from tests.browser.jupyter import Server
from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

Open = Callable[..., NotebookPage]
SCRIPT = "import sys\nopen(sys.argv[2], 'w').write(sys.argv[4])\n"


def fill(form: Locator, label: str, text: str) -> None:
    """Type into a field of a form, and leave it."""
    field = form.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")


def test_a_step_is_built_with_the_form_and_changed_with_it(
    lab: Server, open_notebook: Open, tmp_path: Path
) -> None:
    notebook = open_notebook(lab, LOAD, PREP, "depth = 3", "%pipeline_edit", "%pipeline_edit count")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    form = notebook.output(4)
    fill(form, "Script", "count.py")
    for option in ("clean", "depth"):
        form.locator("select", has_text=option).select_option(option)
    form.get_by_placeholder("Write: clean.csv").fill("out.txt")
    form.get_by_placeholder("Write: clean.csv").press("Tab")
    expect(form).to_contain_text("+ count · new: never run")
    expect(notebook.step("count")).to_have_count(0)  # nothing is registered before its cell runs
    form.get_by_role("button", name="Write the cell").click()
    expect(notebook.page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(6)
    written = notebook.text_of(5)
    first = "%%pipeline_step count.py --clean {clean} --depth {depth} --out {>out.txt}"
    assert written.startswith(f"{first}\nimport argparse\n")
    notebook.run_cell(5)
    notebook.expect_status("count", "new")

    notebook.run_cell(6)
    form = notebook.output(6)
    expect(form.get_by_role("button", name="Write the cell")).to_be_visible()
    form.get_by_text("Settings").click()
    fill(form, "--version", "2")
    form.get_by_role("button", name="Write the cell").click()
    expect(notebook.cell(5).locator(".cm-content")).to_contain_text("--version 2 count.py")
    notebook.cell(5).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+z")
    expect(notebook.cell(5).locator(".cm-content")).not_to_contain_text("--version 2")
    assert notebook.text_of(5) == written


def test_what_the_form_of_the_parameters_sets_is_planned_at_once(
    lab: Server, open_notebook: Open, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    gate.open()
    train = gate.train.replace("{>model.txt}", "{>model.txt}").replace("open\n", "open {lr}\n", 1)
    notebook = open_notebook(lab, LOAD, PREP, "lr = 0.25", train, "%pipeline_run --wait", "%pipeline_params")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4, 5, 6)
    notebook.expect_status("train", "done")
    field = notebook.output(6).get_by_role("spinbutton")
    expect(field).to_have_value("0.25")
    field.fill("0.5")
    field.press("Tab")
    notebook.expect_status("train", "will-run")
    expect(notebook.step("train")).to_contain_text("0.25 → 0.5")
