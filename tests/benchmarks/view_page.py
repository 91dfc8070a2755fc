"""A page of a real Chromium with a view in it: what is done there is timed until it is painted, with its parts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.frame import Contender, Sample
from tests.browser.conftest import FLAGS, NAMES
from tests.browser.site import site

SIZE = {"width": 1600, "height": 1000}
PARTS = {
    "script": ("ScriptDuration",),
    "style and layout": ("RecalcStyleDuration", "LayoutDuration"),
}
"""What a page's work is made of -> the figures of Chromium that tell it; the rest is painting and handing over."""

_TIMED = """async ([act, given]) => {
  const frame = () => new Promise(done => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => done(performance.now());
    after.port2.postMessage(0);
  }));
  await frame();
  await frame();
  const begun = await new Promise(done => setTimeout(() => {
    const begun = performance.now();
    window.acts[act](given);
    done(begun);
  }));
  return await frame() - begun;
}"""


def browser_program() -> str | None:
    """The Chromium that is installed, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(program: str) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address of a site that serves the widget as it is shipped."""
    with site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser, address
        browser.close()


class ViewPage:
    """One page.

    Args:
        browser: opens it.
        address: of the page.
        ready: JavaScript that is true once it is there.
        acts: JavaScript: an object of functions, which are what is timed.
    """

    def __init__(self, browser: Browser, address: str, ready: str, acts: str) -> None:
        self.page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        self.page.goto(address)
        self.page.wait_for_function(ready)
        self.page.evaluate(f"() => {{ window.acts = {acts}; }}")
        self._browser = browser
        self._session = self.page.context.new_cdp_session(self.page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._spent: dict[str, float] = {}

    def act(self, name: str, given: Any = None) -> Sample:
        """Do something: seconds until it is painted, and seconds of the page's thread."""
        before = self._figures()
        wall = self.page.evaluate(_TIMED, [name, given]) / 1000
        self._spend(before)
        return Sample(wall, self._spent["TaskDuration"])

    def timed(self, act: Callable[[], float]) -> Sample:
        """Something that tells its own seconds, with the seconds of the page's thread."""
        before = self._figures()
        wall = act()
        self._spend(before)
        return Sample(wall, self._spent["TaskDuration"])

    def longest_task(self, act: Callable[[], object]) -> Sample:
        """The longest task of the page's thread while something is done: its seconds, and those of CPU in it."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "trace")
            self._browser.start_tracing(page=self.page, path=path, categories=["toplevel"])
            act()
            self._browser.stop_tracing()
            events = json.loads(path.read_text("utf-8"))["traceEvents"]
        main = {
            (each["pid"], each["tid"])
            for each in events
            if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            each
            for each in events
            if each["name"].endswith("RunTask") and "dur" in each and (each["pid"], each["tid"]) in main
        ]
        return Sample(
            max(each["dur"] for each in tasks) / 1e6, max(each.get("tdur", 0) for each in tasks) / 1e6
        )

    def parts(self) -> list[Contender]:
        """What the last act was made of, beside the one that did it."""

        def told(names: tuple[str, ...]) -> Callable[[], Sample]:
            return lambda: Sample(0, sum(self._spent[name] for name in names))

        return [Contender(f"of it {part}", told(names)) for part, names in PARTS.items()]

    def _spend(self, before: dict[str, float]) -> None:
        self._spent = {name: value - before[name] for name, value in self._figures().items()}

    def _figures(self) -> dict[str, float]:
        return {
            each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]
        }
