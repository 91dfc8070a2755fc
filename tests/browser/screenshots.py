"""Pictures of the live graph in every state, light and dark, for eyes: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser import graphs
from tests.browser.conftest import SIZE, start_chromium
from tests.browser.gates import LOAD, PREP, RUN, SHOW, Gate
from tests.browser.jupyter import serve
from tests.browser.notebook_page import NotebookPage
from tests.browser.site import site
from tests.waiting import eventually

PICTURES = Path(__file__).parents[2] / "build/screenshots"
SCHEMES = ("light", "dark")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
FAILING = "%%pipeline_step check.py {clean} {>report.txt}\nraise ValueError('no column island')"


def scenes() -> dict[str, graphs.Json]:
    """Name of the picture -> the graph in it."""
    return {
        "states": graphs.message(graphs.every_state()),
        "remote": graphs.message(graphs.remote()),
        "7-steps": graphs.penguins_message(),
        "60-steps": graphs.message(graphs.wide(60)),
        "300-steps": graphs.message(graphs.wide(300, width=20)),
        "empty": graphs.empty(),
        "all-reused": graphs.reused(),
        "restarted": graphs.restarted(),
        "broken": graphs.broken(),
        "hostile": graphs.hostile(),
    }


def main() -> None:
    """Take all pictures, or those whose names are given."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:])
    with start_chromium() as browser:
        with site() as address:
            for scheme in SCHEMES:
                for name, graph in scenes().items():
                    if not wanted or name in wanted:
                        _view(browser, address, scheme, name, graph)
                if not wanted or "failed" in wanted:
                    _failed(browser, address, scheme)
        if not wanted or "lab" in wanted:
            _lab(browser)


@contextmanager
def _page(browser: Browser, scheme: str, width: int = 1200, height: int = 800) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield page
    page.close()


def _view(browser: Browser, address: str, scheme: str, name: str, graph: graphs.Json) -> None:
    """A view as it stands below a cell, and as it stands in the panel."""
    for hosted, width in (("cell", 1200), ("panel", 380)):
        with _page(browser, scheme, width) as page:
            page.goto(f"{address}/graph.html")
            eventually(lambda: page.evaluate("window.page !== undefined"))
            page.evaluate("([graph, hosted]) => page.mount(graph, { hosted })", [graph, hosted])
            expect(page.locator("[data-step], .nbpipe-empty").first).to_be_attached()
            page.screenshot(path=PICTURES / f"{name}-{hosted}-{scheme}.png")


def _failed(browser: Browser, address: str, scheme: str) -> None:
    """A failed step, and each tab of the inspector."""
    with _page(browser, scheme) as page:
        page.goto(f"{address}/inspector.html")
        eventually(lambda: page.evaluate("window.begin !== undefined"))
        page.evaluate("graph => begin(graph, true)", graphs.penguins_message())
        expect(page.locator("[data-step]").first).to_be_attached()
        page.evaluate("view.show('train_logistic')")
        for tab in ("Logs", "Why", "Data", "Metrics", "History", "Script"):
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tabpanel")).not_to_be_empty()
            page.screenshot(path=PICTURES / f"failed-{tab.lower()}-{scheme}.png")


def _lab(browser: Browser) -> None:
    """JupyterLab in mid-run, with a failed step, an edited cell, and after a restart of the kernel."""
    with tempfile.TemporaryDirectory() as folder, serve("lab", Path(folder)) as server:
        page = browser.new_page(viewport=SIZE)
        gate = Gate(Path(folder))
        notebook = NotebookPage(
            page, server, server.write_notebook("penguins", (LOAD, PREP, FAILING, gate.train, SHOW, RUN))
        )
        notebook.open()
        notebook.command("nbpipe:open-panel")
        notebook.run_cells(1, 2, 3, 4, 5, 6)
        notebook.expect_status("check", "failed")
        notebook.expect_status("train", "running")
        notebook.badge(3).click()
        _both(notebook, "lab-running")
        notebook.write(2, notebook.text_of(2).replace("1,2", "1,3"))
        notebook.expect_status("prep", "edited")
        _both(notebook, "lab-edited")
        notebook.command("docmanager:save")
        notebook.evaluate("() => (PANEL).sessionContext.restartKernel()")
        expect(notebook.panel).to_contain_text("Kernel restarted.")
        _both(notebook, "lab-restarted")
        gate.open()
        notebook.shut_down()
        page.close()


def _both(notebook: NotebookPage, name: str) -> None:
    for scheme, theme in THEMES.items():
        notebook.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        expect(notebook.panel).to_have_attribute("data-theme", scheme)
        notebook.screenshot(PICTURES / f"{name}-{scheme}.png")


if __name__ == "__main__":
    main()
