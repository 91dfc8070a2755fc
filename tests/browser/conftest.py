"""What browser tests stand on: Debian's Chromium, a real JupyterLab, a real Notebook 7, each started once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.jupyter import Server, serve
from tests.browser.notebook_page import NotebookPage
from tests.browser.site import site

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
expect.set_options(timeout=30_000)  # the machine may be busy; a test that passes never waits it out
SIZE = {"width": 1600, "height": 1000}


@contextmanager
def start_chromium() -> Iterator[Browser]:
    """Start the browser that is installed; it goes nowhere but to loopback.

    Raises:
        FileNotFoundError: there is none.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise FileNotFoundError("no Chromium here: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab with the committed build of the extension."""
    with serve("lab", tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Notebook 7 with the committed build of the extension."""
    with serve("notebook", tmp_path_factory.mktemp("notebook7")) as server:
        yield server


@pytest.fixture(scope="session")
def pages_url() -> Iterator[str]:
    """Where the pages of these tests are served, with the widget as it is shipped, under a strict policy."""
    with site() as address:
        yield address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own, in a profile of its own, light."""
    context = chromium.new_context(viewport=SIZE, color_scheme="light", locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(45_000)
    yield page
    context.close()


@pytest.fixture
def open_notebook(page: Page, request: pytest.FixtureRequest) -> Iterator[Callable[..., NotebookPage]]:
    """Opens notebooks: ``open_notebook(lab, "%load_ext nbpipe")``; their kernels are shut down at the end.

    A picture of a page that failed is left in ``build/browser/``.
    """
    opened: list[NotebookPage] = []

    def open_(server: Server, *cells: str, kernel: str = "python3") -> NotebookPage:
        path = server.write_notebook(f"{request.node.name[5:45]}-{len(opened)}", cells, kernel)
        notebook = NotebookPage(page, server, path)
        notebook.open()
        opened.append(notebook)
        return notebook

    yield open_
    for notebook in opened:
        notebook.shut_down()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    shown = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and shown is not None and not shown.is_closed():
        folder = Path(__file__).parents[2] / "build/browser"
        shown.screenshot(path=folder / f"{item.name}.png")
    return report
