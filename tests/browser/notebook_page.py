"""A notebook open in a browser, driven through the page's own application object and looked at as people do."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.browser.jupyter import Server

_PANEL = "[...jupyterapp.shell.widgets('main')].find(each => each.context && each.sessionContext)"
_READY = f"""async kernel => {{
    const panel = {_PANEL};
    await jupyterapp.restored;
    await panel.context.ready;
    await panel.sessionContext.ready;
    if (kernel) await panel.sessionContext.session.kernel.info;
}}"""
_RUN = f"""async index => {{
    const panel = {_PANEL};
    panel.content.activeCellIndex = index;
    panel.content.deselectAll();
    await jupyterapp.commands.execute('notebook:run-cell');
}}"""
_KERNEL = f"({_PANEL}).sessionContext.session.kernel"


class NotebookPage:
    """One notebook in one page.

    Args:
        page: of the browser.
        server: has the notebook.
        path: of the notebook, below the server's root.
    """

    def __init__(self, page: Page, server: Server, path: str) -> None:
        self.page = page
        self.server = server
        self.path = path
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    @property
    def folder(self) -> Path:
        """Where the notebook lies."""
        return (self.server.root / self.path).parent

    def open(self) -> None:
        """Open it, and wait until its kernel can take a cell."""
        self.page.goto(self.server.page_of(quote(self.path)))
        self.wait_ready()

    def reload(self) -> None:
        """Load the page again, as after F5."""
        self.page.reload()
        self.wait_ready(kernel=False)

    def wait_ready(self, *, kernel: bool = True) -> None:
        """Wait until notebook and session are there, and its kernel has spoken if that is wanted."""
        self.page.wait_for_function(f"window.jupyterapp?.shell && {_PANEL}")
        self.page.evaluate(_READY, kernel)

    def evaluate(self, code: str, argument: object = None) -> Any:
        """Run JavaScript in the page; ``PANEL`` is the notebook's panel, ``KERNEL`` its kernel."""
        return self.page.evaluate(code.replace("PANEL", _PANEL).replace("KERNEL", _KERNEL), argument)

    def run_cell(self, number: int, *, wait: bool = True) -> None:
        """Run a cell by its number from 1, as a key would; with ``wait`` until the kernel is done with it."""
        if wait:
            self.page.evaluate(_RUN, number - 1)
        else:
            self.page.evaluate(f"index => {{ ({_RUN})(index); }}", number - 1)

    def run_cells(self, *numbers: int) -> None:
        """Run cells one after the other."""
        for number in numbers:
            self.run_cell(number)

    def cell(self, number: int) -> Locator:
        """A cell by its number from 1."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number - 1)

    def badge(self, number: int) -> Locator:
        """The pill below a cell."""
        return self.cell(number).locator(".nbpipe-lab-badge")

    def output(self, number: int) -> Locator:
        """The output of a cell."""
        return self.cell(number).locator(".jp-Cell-outputWrapper")

    def text_of(self, number: int) -> str:
        """A cell's text."""
        return self.evaluate("i => (PANEL).content.widgets[i].model.sharedModel.getSource()", number - 1)

    def write(self, number: int, text: str) -> None:
        """Replace a cell's text, as typing does."""
        self.evaluate(
            "([i, text]) => (PANEL).content.widgets[i].model.sharedModel.setSource(text)", [number - 1, text]
        )

    def command(self, name: str, *, wait: bool = True) -> None:
        """Carry out a command of the page."""
        run = "jupyterapp.commands.execute(name)"
        self.page.evaluate(f"async name => {{ {'await ' if wait else ''}{run}; }}", name)

    @property
    def panel(self) -> Locator:
        """The pipeline panel."""
        return self.page.locator("#nbpipe-panel")

    def step(self, name: str, where: Locator | None = None) -> Locator:
        """A step in a view: the panel's, or that below a cell."""
        return (where or self.panel).locator(f'.nbpipe-node[data-step="{name}"]')

    def expect_status(
        self, name: str, status: str, where: Locator | None = None, seconds: float = 60
    ) -> None:
        """Wait until a step has a status."""
        expect(self.step(name, where)).to_have_attribute("data-status", status, timeout=seconds * 1000)

    def kernel_pid(self) -> int:
        """Process id of the kernel, asked from the kernel itself."""
        return self.evaluate(
            """async () => {
                const future = (KERNEL).requestExecute({ code: 'import os; print(os.getpid())', store_history: false });
                let text = '';
                future.onIOPub = message => { text += message.content.text ?? ''; };
                await future.done;
                return Number(text);
            }"""
        )

    def screenshot(self, path: Path) -> None:
        """A picture of the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)

    def shut_down(self) -> None:
        """End the kernels of the server, so that the next test has both processors."""
        for session in self.server.api("sessions"):
            self.server.api(f"sessions/{session['id']}", "DELETE")
