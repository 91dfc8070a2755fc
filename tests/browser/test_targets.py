"""A step on another machine shows its way there, in JupyterLab as elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.gates import LOAD, PREP, RUN, Gate
from tests.browser.jupyter import Server
from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.browser


def test_a_step_on_a_practice_remote_waits_there_runs_there_and_comes_back(
    lab: Server, open_notebook: Callable[..., NotebookPage], tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    attach = (
        "import nbpipe\nws = nbpipe.Workspace.find()\n"
        f"_ = nbpipe.ComputeTarget.practice(ws, 'gpu-box', queue=1.5, root={str(tmp_path / 'far')!r})"
    )
    train = gate.train.replace("%%pipeline_step ", "%%pipeline_step --compute-target gpu-box ")
    notebook = open_notebook(lab, LOAD, attach, PREP, train, RUN)
    notebook.command("nbpipe:open-panel")
    notebook.run_cells(1, 2, 3, 4, 5)
    step = notebook.step("train")
    expect(step).to_contain_text("waits: Resources", timeout=60_000)
    notebook.expect_status("train", "queued")
    expect(step).to_contain_text("gpu-box")
    notebook.expect_status("train", "running")
    gate.open()
    notebook.expect_status("train", "done")
    expect(notebook.badge(4)).to_contain_text("done in")
