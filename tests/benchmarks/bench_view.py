"""The live graph in a real Chromium, and the kernel behind it: first paint, change, logs, a cell until it is seen."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.benchmarks.frame import Contender, Goal, Sample, Work
from tests.benchmarks.live_kernel import LiveKernel, live_kernel
from tests.benchmarks.view_page import ViewPage, browser_program, chromium
from tests.browser import graphs
from tests.browser.site import WIDGET

_LINES = 1_000_000
_PREBUILT = WIDGET.parents[3] / "labextension/prebuilt/static"
_ACTS = """{
  bare: count => {
    const svg = 'http://www.w3.org/2000/svg';
    const made = document.createElementNS(svg, 'svg');
    for (let place = 0; place < count; place++) {
      const group = made.appendChild(document.createElementNS(svg, 'g'));
      group.setAttribute('transform', `translate(${place % 40 * 36} ${Math.floor(place / 40) * 30})`);
      const card = group.appendChild(document.createElementNS(svg, 'rect'));
      card.setAttribute('width', '30');
      card.setAttribute('height', '20');
      group.appendChild(document.createElementNS(svg, 'text')).textContent = `step ${place}`;
    }
    document.body.prepend(made);
  },
  say: messages => {
    const { ears, view } = page.kernel;
    messages.forEach(each => ears.forEach(hear => hear({ ...each, view })));
  },
  mount: () => {
    page.mount(empty, { hosted: 'panel' });
    document.querySelectorAll('body > svg').forEach(each => each.remove());
  },
  show: () => acts.say([big]),
  change: status => {
    const { graph, nodes } = page.view.store;
    const cards = [...nodes.values()].map(each => ({ ...each, status, detail: '', counts: {} }));
    const none = { head: null, edges: [], data: [], parameters: null, type: 'patch' };
    for (let at = 0; at < cards.length; at += 250) {
      acts.say([{ ...none, revision: graph.revision + 1 + at / 250, nodes: cards.slice(at, at + 250) }]);
    }
  }
}"""
_TALK = """lines => {
  kernel.logs.train_forest = Object.assign(new Log(lines), { ended: false, text: at => `epoch ${at} loss 0.1` });
  view.store.select(null);
}"""
_STREAM = """lines => new Promise(done => {
  const timer = setInterval(() => {
    kernel.log.lines = Math.min(lines, kernel.log.lines + 10000);
    kernel.tellLog();
    if (kernel.log.lines === lines) {
      clearInterval(timer);
      done();
    }
  }, 50);
})"""
_GO = """([place, line]) => new Promise(done => {
  const list = document.querySelector('.nbpipe-log .nbpipe-rows');
  const begun = performance.now();
  list.scrollTop = (list.scrollHeight - list.clientHeight) * place;
  const look = () => {
    const row = [...list.querySelectorAll('[data-line]')].find(each => Math.abs(each.dataset.line - line) < 100);
    if (row?.querySelector('.nbpipe-row-text')) {
      done((performance.now() - begun) / 1000);
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
})"""
_PRINT = """%%pipeline_step talk.py --out {{>said}}
import sys
for number in range({lines}):
    print(number, "x" * 60)
open(sys.argv[2], "w").write("{edit}")
"""


def works(folder: Path) -> Iterator[Work]:
    """The page's own works first; times of a page go from the message's arrival to the painted frame."""
    program = browser_program()
    if program is None:
        print("view: the page is left out: no Chromium here: make browser", file=sys.stderr)
    else:
        with chromium(program) as (browser, address):
            yield from _graphs(browser, f"{address}/graph.html")
            yield _log(browser, f"{address}/inspector.html")
    with live_kernel(folder / "thousand") as kernel:
        yield _cell(kernel)
    with live_kernel(folder / "talk") as kernel:
        yield _memory(kernel)
    yield _sizes()


def _graphs(browser: Browser, address: str) -> Iterator[Work]:
    for steps, width in ((1000, 25), (5000, 50)):
        message = graphs.message(graphs.wide(steps, width=width))
        page = ViewPage(browser, address, "window.page", _ACTS)
        empty = message | {"nodes": [], "edges": [], "parameters": []}
        page.page.evaluate("([big, empty]) => Object.assign(window, { big, empty })", [message, empty])
        name = f"{steps:,} steps" + (" in groups" if len(message["nodes"]) < steps else "")
        yield _painted(page, f"{name}, first paint", len(message["nodes"]), 0.3)
        yield _changed(page, f"{name}, every state changes")
        page.page.close()


def _painted(page: ViewPage, name: str, cards: int, limit: float) -> Work:
    def prepare() -> None:
        page.page.evaluate("acts.mount()")

    bare = Contender("as many bare SVG groups", lambda: page.act("bare", cards), prepare)
    view = Contender("view", lambda: page.act("show"), prepare)
    return Work(name, [bare, view, *page.parts()], [Goal("view", limit), Goal("view", limit, figure="cpu")])


def _changed(page: ViewPage, name: str) -> Work:
    states = count()
    page.act("show")
    change = Contender("view", lambda: page.act("change", ("done", "will run")[next(states) % 2]))
    return Work(name, [change, *page.parts()], [Goal("view", 0.15), Goal("view", 0.15, figure="cpu")])


def _log(browser: Browser, address: str) -> Work:
    page = ViewPage(browser, address, "window.begin !== undefined", "{}")
    page.page.evaluate("graph => begin(graph, true)", graphs.penguins_message())
    places = random.Random(1)

    def open_log(lines: int) -> None:
        page.page.evaluate(_TALK, lines)
        page.page.evaluate("view.show('train_forest', 'logs')")
        page.page.locator(".nbpipe-log .nbpipe-row-text").first.wait_for()

    def stream() -> Sample:
        open_log(1)
        return page.longest_task(lambda: page.page.evaluate(_STREAM, _LINES))

    def go(place: float) -> Sample:
        return page.timed(lambda: page.page.evaluate(_GO, [place, max(1, round(place * _LINES))]))

    contenders = [
        Contender("longest task while they stream in", stream),
        Contender("to the first line", lambda: go(0)),
        Contender("to the last line", lambda: go(1)),
        Contender("to a random line", lambda: go(places.random())),
    ]
    longest = contenders[0].name
    return Work("log of 1,000,000 lines", contenders, [Goal(longest, 0.1), Goal(longest, 0.1, figure="cpu")])


def _cell(kernel: LiveKernel) -> Work:
    """From the request to the message that tells a view, at a comm's other end: the page's part is above."""
    kernel.declare(1000)
    kernel.show()
    edits = count(1)

    def change() -> Sample:
        edit = next(edits)
        return kernel.changes(edit * 37 % 1000, edit)

    contenders = [Contender("a bare cell", kernel.bare_cell), Contender("a changed step cell", change)]
    name = contenders[1].name
    return Work(
        "a cell among 1,000 steps, until a view is told",
        contenders,
        [Goal(name, 0.2), Goal(name, 0.2, figure="cpu")],
    )


def _memory(kernel: LiveKernel) -> Work:
    """Bytes that the kernel holds more at most than before, while a step prints a million lines."""
    edits = count(1)
    kernel.run(_PRINT.format(lines=1, edit=0), "c0")
    kernel.show()

    def printed(*, followed: bool) -> Sample:
        before = most = kernel.held
        kernel.run(_PRINT.format(lines=_LINES, edit=next(edits)), "c0")
        kernel.ask("run", force=[], only=[])
        kernel.until(lambda told: _state(told) == "running")
        if followed:
            kernel.ask("log_open", step="talk", run="", attempt=0)
        awaited = {"done", _LINES} if followed else {"done"}

        def over(told: Mapping[str, Any]) -> bool:
            awaited.difference_update({_state(told), told.get("lines")})
            return not awaited

        def look() -> None:
            nonlocal most
            most = max(most, kernel.held)

        kernel.until(over, look)
        if followed:
            kernel.ask("log_close")
        return Sample(0, 0, most - before)

    contenders = [
        Contender("unfollowed", lambda: printed(followed=False)),
        Contender("followed", lambda: printed(followed=True)),
    ]
    return Work(
        "a kernel while 1,000,000 lines are printed", contenders, [Goal("followed", 10e6, figure="peak")]
    )


def _state(told: Mapping[str, Any]) -> str:
    return next((each["status"] for each in told.get("nodes") or () if each["id"] == "talk"), "")


def _sizes() -> Work:
    extension = sum(path.stat().st_size for path in _PREBUILT.glob("*.js"))
    sizes = {"widget": WIDGET.stat().st_size, "extension": extension}
    contenders = [Contender(name, lambda size=size: Sample(0, 0, size)) for name, size in sizes.items()]  # type: ignore[misc]
    goals = [Goal("widget", 122_880, figure="peak"), Goal("extension", 256_000, figure="peak")]
    return Work("bundles", contenders, goals)
