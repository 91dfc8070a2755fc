"""Notebook 7 with the same build of the extension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.gates import LOAD, PREP, RUN, SHOW, Gate
from tests.browser.jupyter import Server
from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

Open = Callable[..., NotebookPage]


def test_a_run_is_seen_below_its_cells_and_after_a_reload(
    notebook7: Server, open_notebook: Open, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    notebook = open_notebook(notebook7, LOAD, PREP, gate.train, SHOW, RUN)
    notebook.run_cells(1, 2, 3, 4, 5)
    notebook.expect_status("train", "running", notebook.output(4))
    expect(notebook.badge(3)).to_contain_text("running")
    notebook.command("docmanager:save")
    notebook.reload()
    notebook.expect_status("train", "running", notebook.output(4))
    gate.open()
    notebook.expect_status("train", "done", notebook.output(4))


def test_the_panel_opens_beside_the_notebook(notebook7: Server, open_notebook: Open) -> None:
    notebook = open_notebook(notebook7, LOAD, PREP)
    notebook.command("nbpipe:open-panel")
    expect(notebook.panel).to_contain_text("nbpipe is not loaded in this kernel.")
    notebook.panel.get_by_role("button", name="Run %load_ext nbpipe").click()
    expect(notebook.panel).to_contain_text("No steps yet.")
    notebook.run_cell(2)
    notebook.expect_status("prep", "new")
    notebook.panel.get_by_role("button", name="Run 1 step").click()
    notebook.expect_status("prep", "done")
    notebook.badge(2).click()
    expect(notebook.panel.get_by_role("tab", name="Why")).to_be_visible()
