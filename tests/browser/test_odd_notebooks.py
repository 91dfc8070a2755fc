"""Notebooks that are renamed, copied, shown twice, or open in two tabs; and a panel that everybody can use."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import serious_faults
from tests.browser.gates import LOAD, PREP, RUN, SHOW, Gate
from tests.browser.jupyter import Server
from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

Open = Callable[..., NotebookPage]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_a_notebook_that_is_renamed_in_mid_run_goes_on(lab: Server, open_notebook: Open, gate: Gate) -> None:
    notebook = open_notebook(lab, LOAD, PREP, gate.train, SHOW, RUN)
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4, 5)
    notebook.expect_status("train", "running")
    notebook.evaluate("() => (PANEL).context.rename('renamed.ipynb')")
    expect(
        notebook.page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel", has_text="renamed")
    ).to_be_visible()
    gate.open()
    for where in (notebook.panel, notebook.output(4)):
        notebook.expect_status("train", "done", where)
    assert notebook.errors == []


def test_two_views_of_one_pipeline_tell_the_same_and_either_acts(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    notebook = open_notebook(lab, LOAD, PREP, gate.train, SHOW, SHOW)
    notebook.run_cells(1, 2, 3, 4, 5)
    notebook.output(5).get_by_role("button", name="Run 2 steps").click()
    for number in (4, 5):
        notebook.expect_status("train", "running", notebook.output(number))
    notebook.output(4).get_by_role("button", name="Stop").click()
    for number in (4, 5):
        notebook.expect_status("train", "cancelled", notebook.output(number))


def test_a_copy_of_a_notebook_has_steps_of_its_own_and_the_same_results(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    gate.open()
    first = open_notebook(lab, LOAD, PREP, gate.train, RUN + " --wait")
    first.run_cells(1, 2, 3, 4)
    first.command("docmanager:save")
    copy = first.folder / "copy.ipynb"
    shutil.copy(lab.root / first.path, copy)
    second = NotebookPage(first.page, lab, str(copy.relative_to(lab.root)))
    second.open()
    second.command("nbpipe:open-panel")
    second.run_cells(1, 2, 3)
    for name in ("prep", "train"):
        second.expect_status(name, "will-reuse")
    assert second.errors == []


def test_a_notebook_in_two_tabs_is_alive_in_both_or_says_where_it_is(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    first = open_notebook(lab, LOAD, PREP, gate.train, RUN)
    first.command("nbpipe:open-panel")
    first.run_cells(1, 2, 3, 4)
    first.command("docmanager:save")
    second = NotebookPage(first.page.context.new_page(), lab, first.path)
    second.open()
    second.command("nbpipe:open-panel")
    for tab in (first, second):
        tab.expect_status("train", "running")
    gate.open()
    for tab in (first, second):
        tab.expect_status("train", "done")
        assert tab.errors == []


def test_nothing_serious_in_the_panel_stands_in_the_way_of_anybody(
    lab: Server, open_notebook: Open, gate: Gate
) -> None:
    gate.open()
    notebook = open_notebook(lab, LOAD, PREP, gate.train, RUN + " --wait")
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4)
    notebook.expect_status("train", "done")
    notebook.badge(3).click()
    expect(notebook.panel.get_by_role("tabpanel")).to_be_visible()
    assert serious_faults(notebook.page, "#nbpipe-panel") == []
    assert serious_faults(notebook.page, ".nbpipe-lab-badge") == []
