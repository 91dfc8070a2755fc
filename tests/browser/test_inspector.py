"""The inspector in a real browser, under a strict policy, beside a kernel of the page's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import serious_faults
from tests.browser.graphs import penguins_message
from tests.browser.site import site
from tests.waiting import eventually

pytestmark = pytest.mark.browser

STEP = "train_logistic"
EVIL = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
HOSTILE = f"{EVIL} javascript:window.hurt=1 \u202egpj.exe \x00end"
MILLION = 1_000_000

Begin = Callable[..., Page]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the pages are served."""
    with site() as found:
        yield found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page as wide as a notebook's cell."""
    made = chromium.new_page(viewport={"width": 1200, "height": 800}, color_scheme="light")
    yield made
    made.close()


@pytest.fixture
def begin(page: Page, address: str) -> Iterator[Begin]:
    """Open the page and mount a view, with the kernel changed by some JavaScript; nothing may go wrong in it."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)

    def start(kernel: str = "", *, host: bool = True) -> Page:
        page.goto(f"{address}/inspector.html")
        holds(page, "window.begin !== undefined")
        page.evaluate("([graph, host]) => begin(graph, host)", [penguins_message(), host])
        page.evaluate(f"() => {{ {kernel} }}")
        holds(page, "view.store.graph !== null")
        return page

    yield start
    assert wrong == []
    assert page.evaluate("window.hurt") is None


def show(page: Page, tab: str, step: str = STEP) -> None:
    """Open a tab for a step, and wait until something is in it."""
    page.evaluate("([step, tab]) => view.show(step, tab)", [step, tab])
    expect(page.locator(f".nbpipe-pane[data-tab={tab}]")).to_be_visible()


def holds(page: Page, condition: str) -> None:
    """Wait until some JavaScript is true; the page's policy lets no test evaluate in the page itself."""
    eventually(lambda: page.evaluate(condition))


def rows(page: Page) -> list[str]:
    """Texts of the rows of the log that are in the page, from the uppermost on."""
    return page.locator(".nbpipe-log .nbpipe-row .nbpipe-row-text").all_inner_texts()


def seen(page: Page, line: int) -> bool:
    """Wait until a line of the log is there with its text, and in view."""
    row = page.locator(f".nbpipe-log [data-line='{line}']")
    expect(row.locator(".nbpipe-row-text")).to_be_visible()
    return bool(row.evaluate("row => inView(row)"))


# The frame.


def test_a_failed_step_opens_on_its_log_at_the_first_traceback_beside_what_to_do(begin: Begin) -> None:
    page = begin()
    page.evaluate("view.store.select('train_logistic')")
    expect(page.get_by_role("tab", name="Logs")).to_have_attribute("aria-selected", "true")
    card = page.locator(".nbpipe-failure")
    expect(card).to_contain_text("Input X contains NaN")
    expect(card).to_contain_text("Nothing is lost: prepare and split stay reusable.")
    assert seen(page, 14)
    assert rows(page)[-1] == "ValueError: Input X contains NaN."


def test_a_step_that_did_not_fail_opens_on_why(begin: Begin) -> None:
    page = begin()
    page.evaluate("view.store.select('split')")
    expect(page.get_by_role("tab", name="Why")).to_have_attribute("aria-selected", "true")


def test_arrow_keys_go_through_the_tabs_and_one_of_them_is_in_the_tab_order(begin: Begin) -> None:
    page = begin()
    show(page, "why")
    page.get_by_role("tab", name="Why").focus()
    names = []
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        names.append(page.evaluate("document.activeElement.textContent"))
    assert names == ["Logs", "Data", "Metrics", "History", "Script", "Why"]
    page.keyboard.press("End")
    expect(page.locator(".nbpipe-pane[data-tab=script]")).to_be_visible()
    assert page.locator(".nbpipe-tabs [tabindex='0']").all_inner_texts() == ["Script"]


@pytest.mark.parametrize("way", ["key", "button"])
def test_escape_and_the_button_close_it(begin: Begin, way: str) -> None:
    page = begin()
    show(page, "why")
    page.get_by_role("tab", name="Why").focus()
    if way == "key":
        page.keyboard.press("Escape")
    else:
        page.locator(".nbpipe-inspector").get_by_role("button", name="Close").click()
    expect(page.locator(".nbpipe-inspector")).to_be_hidden()
    assert page.evaluate("view.store.selection") is None


def test_signs_of_life_ask_nothing_again_and_an_end_does(begin: Begin) -> None:
    page = begin()
    show(page, "why", "train_forest")
    expect(page.locator(".nbpipe-why")).to_be_visible()
    asked = "kernel.requests.filter(each => each.verb === 'why').length"
    before = page.evaluate(asked)
    for share in (70, 80, 90):
        page.evaluate(
            "share => kernel.patch('train_forest', { detail: `${share} %`, progress: share / 100 })", share
        )
    expect(page.locator(".nbpipe-inspector-line")).to_contain_text("90 %")
    assert page.evaluate(asked) == before
    page.evaluate(
        "kernel.patch('train_forest', { status: 'failed', detail: 'line 3', started: null, seconds: 13 })"
    )
    expect(page.locator(".nbpipe-inspector-line")).to_contain_text("failed after 13 s · line 3")
    holds(page, f"{asked} === {before + 1}")


def test_an_answer_that_comes_too_late_is_dropped(begin: Begin) -> None:
    page = begin(
        "kernel.answers.script = ({ step }) => ({ file: `${step}.py`, text: step, cell: '', first: 2, changed: [] });"
        "kernel.hold('script')"
    )
    for step in ("split", "prepare", STEP):
        page.evaluate("step => view.show(step, 'script')", step)
        holds(page, f"kernel.requests.at(-1).args.step === '{step}'")
    page.evaluate("kernel.release('script')")  # the newest first: the older ones come late
    expect(page.locator(".nbpipe-preview-head")).to_contain_text(f"{STEP}.py")
    assert page.locator(".nbpipe-pane .nbpipe-row-text").all_inner_texts() == [STEP]


@pytest.mark.parametrize("tab", ["why", "logs", "data", "metrics", "history", "script"])
def test_what_is_refused_is_said_with_place_and_remedy(begin: Begin, tab: str) -> None:
    refused = "{ fact: 'Run 12 is gone.', place: 'It was in runs/12.', remedy: '%pipeline_run' }"
    verb = {"logs": "log_open"}.get(tab, tab)
    page = begin(f"kernel.answers.{verb} = {refused}")
    show(page, tab)
    card = page.locator(".nbpipe-trouble")
    expect(card).to_contain_text("Run 12 is gone.")
    expect(card).to_contain_text("It was in runs/12.")
    expect(card.locator("pre")).to_have_text("%pipeline_run")


# What others wrote is text.


@pytest.mark.parametrize("tab", ["why", "logs", "data", "metrics", "history", "script"])
def test_hostile_content_is_shown_as_text_in_every_tab(begin: Begin, tab: str) -> None:
    page = begin(
        f"const EVIL = {json.dumps(HOSTILE)}; infect(kernel, EVIL);"
        "kernel.logs.train_logistic = new Log(50, { text: () => EVIL, error: () => true, traceback: 3, errors: 50 });"
        "kernel.patch('train_logistic', { name: EVIL, why: EVIL, detail: EVIL, cell_label: EVIL })"
    )
    show(page, tab)
    expect(page.locator(".nbpipe-pane").get_by_text("window.hurt=1").first).to_be_visible()
    inside = page.locator(".nbpipe-inspector")
    assert inside.locator("script, img:not([src^='data:image/png;base64,']), iframe, a[href]").count() == 0
    assert inside.evaluate("inside => handlers(inside)") == []
    assert page.evaluate("window.hurt") is None


def test_controls_and_direction_overrides_of_a_log_are_made_visible(begin: Begin) -> None:
    page = begin(
        "kernel.logs.train_logistic = new Log(1, { text: () => 'a\\u0000b\\u202ec\\u0007\\u001b]0;title' })"
    )
    show(page, "logs")
    assert seen(page, 1)
    assert rows(page) == ["a␀b[U+202E]c␇␛]0;title"]


def test_colours_become_hues_and_nothing_is_hidden(begin: Begin) -> None:
    line = (
        "plain \\u001b[31mred\\u001b[0m \\u001b[1;38;5;208morange\\u001b[m \\u001b[38;2;10;20;250mblue\\u001b[39m"
        " \\u001b[8mconcealed\\u001b[28m \\u001b[97;47mwhite on white\\u001b[m \\u001b[?25l"
    )
    page = begin(f"kernel.logs.train_logistic = new Log(1, {{ text: () => '{line}' }})")
    show(page, "logs")
    assert seen(page, 1)
    assert rows(page) == ["plain red orange blue concealed white on white ␛[?25l"]
    spans = page.locator(".nbpipe-log .nbpipe-row-text span")
    colours = dict(spans.evaluate_all("all => all.map(each => [each.textContent, each.style.color])"))
    assert colours["red"] == "var(--nbpipe-fail)"
    assert colours["orange"].startswith("oklch(var(--nbpipe-ink-light)")
    assert colours["blue"].startswith("oklch(var(--nbpipe-ink-light)")
    assert colours["white on white"] == "var(--nbpipe-fg)"
    assert spans.filter(has_text="orange").evaluate("each => getComputedStyle(each).fontWeight") == "700"


def test_a_bomb_of_colours_costs_a_bounded_number_of_elements(begin: Begin) -> None:
    bomb = "Array.from({ length: 600 }, (_, at) => `\\u001b[${31 + at % 6}mx`).join('')"
    page = begin(f"const bomb = {bomb}; kernel.logs.train_logistic = new Log(1000, {{ text: () => bomb }})")
    show(page, "logs")
    assert seen(page, 1)
    assert set(rows(page)) == {"x" * 600}
    most = page.locator(".nbpipe-log .nbpipe-row-text").evaluate_all(
        "all => Math.max(...all.map(each => each.childElementCount))"
    )
    assert most <= 201


# The log.


def test_every_one_of_a_million_lines_can_be_scrolled_to(begin: Begin) -> None:
    page = begin(f"kernel.logs.train_logistic = new Log({MILLION})")
    show(page, "logs")
    assert seen(page, 1)
    scroller = page.locator(".nbpipe-log .nbpipe-rows")
    assert scroller.evaluate("each => each.scrollHeight") < 17_000_000  # Firefox can no more
    scroller.focus()
    page.keyboard.press("End")
    assert seen(page, MILLION)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("PageUp")
    assert seen(page, MILLION - 12)
    for line in (777_777, 3, 500_000, 999_999):
        page.keyboard.press("Control+f")
        page.keyboard.type(f"line {line}")
        page.keyboard.press("Enter")
        assert seen(page, line)
        page.keyboard.press("Escape")
    scroller.focus()
    page.keyboard.press("Home")
    assert seen(page, 1)
    assert page.locator(".nbpipe-log .nbpipe-row").count() < 100


def test_the_scroll_bar_of_a_long_log_is_a_scale_and_the_wheel_goes_line_by_line(begin: Begin) -> None:
    page = begin(f"kernel.logs.train_logistic = new Log({MILLION})")
    show(page, "logs")
    scroller = page.locator(".nbpipe-log .nbpipe-rows")
    assert seen(page, 1)
    scroller.evaluate("each => { each.scrollTop = (each.scrollHeight - each.clientHeight) / 2 }")
    holds(page, "+document.querySelector('.nbpipe-log [data-line]').dataset.line > 499000")
    first = "+document.querySelector('.nbpipe-log [data-line]').dataset.line"
    middle = page.evaluate(first)
    assert middle == pytest.approx(MILLION / 2, rel=0.001)
    scroller.hover()
    page.mouse.wheel(0, 100)  # five rows
    holds(page, f"{first} >= {middle + 4}")
    assert page.evaluate(first) <= middle + 6
    scroller.evaluate("each => { each.scrollTop = each.scrollHeight }")
    assert seen(page, MILLION)


def test_a_log_is_followed_until_one_scrolls_up_and_again_when_one_comes_back(begin: Begin) -> None:
    page = begin("kernel.logs.train_forest = Object.assign(new Log(300), { ended: false })")
    show(page, "logs", "train_forest")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    assert seen(page, 300)
    page.evaluate("kernel.log.lines = 450; kernel.tellLog()")
    assert seen(page, 450)
    page.locator(".nbpipe-log .nbpipe-rows").hover()
    page.mouse.wheel(0, -400)
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.evaluate("kernel.log.lines = 900; kernel.tellLog()")
    expect(page.locator(".nbpipe-log-foot")).to_contain_text("900 lines")
    assert page.locator(".nbpipe-log [data-line='900']").count() == 0
    follow.click()
    assert seen(page, 900)


def test_a_line_that_rewrites_itself_is_shown_anew(begin: Begin) -> None:
    page = begin(
        "window.said = 'epoch 1'; const log = new Log(3, { text: number => number === 3 ? said : 'x' });"
        "kernel.logs.train_forest = Object.assign(log, { ended: false })"
    )
    show(page, "logs", "train_forest")
    expect(page.locator("[data-line='3'] .nbpipe-row-text")).to_have_text("epoch 1")
    page.evaluate("said = 'epoch 2'; kernel.number += 1; kernel.tellLog({ size: 31 })")
    expect(page.locator("[data-line='3'] .nbpipe-row-text")).to_have_text("epoch 2")


def test_hits_are_marked_and_gone_through_beyond_what_the_kernel_found_at_once(begin: Begin) -> None:
    text = "number => number % 100 ? `line ${number}` : `Needle in ${number}`"
    page = begin(f"kernel.logs.train_logistic = new Log(15000, {{ text: {text} }})")
    show(page, "logs")
    page.get_by_role("button", name="Find", exact=True).last.click()
    find = page.get_by_role("searchbox", name="Find in the log")
    find.fill("needle")
    status = page.locator(".nbpipe-find [role=status]")
    expect(status).to_have_text("1 of 100+")
    assert seen(page, 100)
    assert page.locator("[data-line='100'] mark").all_inner_texts() == ["Needle"]
    find.press("Enter")
    expect(status).to_have_text("2 of 100+")
    assert seen(page, 200)
    for _ in range(99):
        find.press("Enter")
    expect(status).to_have_text("101 of 150")
    find.press("Shift+Enter")
    expect(status).to_have_text("100 of 150")
    assert seen(page, 10_000)
    find.fill("nowhere")
    expect(status).to_have_text("Nothing found")
    find.press("Escape")
    expect(find).to_be_hidden()
    expect(page.locator(".nbpipe-inspector")).to_be_visible()


def test_a_line_of_50_megabytes_arrives_cut_and_says_so(begin: Begin) -> None:
    page = begin(
        "const long = 'x'.repeat(50_000_000); kernel.logs.train_logistic = new Log(3, { text: () => long })"
    )
    show(page, "logs")
    row = page.locator("[data-line='2']")
    expect(row.locator(".nbpipe-cut")).to_have_text("+50 MB")
    assert len(row.inner_text()) < 3000


def test_a_traceback_leads_to_the_cell_only_where_it_is_the_steps_own_script(begin: Begin) -> None:
    page = begin()
    show(page, "logs")
    page.get_by_role("button", name='File "train_logistic.py", line 31').click()
    page.locator(".nbpipe-failure").get_by_role("button", name="Go to cell 6, line 32").click()
    gone = page.evaluate("asked.filter(each => each.action !== 'present')")
    assert gone == [{"action": "go-to-cell", "cell": "c6", "line": 32}] * 2
    page = begin("kernel.logs.train_logistic = new Log(1, { text: () => '  File \"other.py\", line 2' })")
    show(page, "logs")
    assert seen(page, 1)
    assert page.locator(".nbpipe-log .nbpipe-row button").count() == 0


def test_without_a_host_no_button_promises_to_go_anywhere(begin: Begin) -> None:
    page = begin(host=False)
    show(page, "logs")
    expect(page.locator(".nbpipe-failure")).to_be_visible()
    assert page.get_by_role("button", name="Go to").count() == 0
    assert page.locator(".nbpipe-log .nbpipe-row button").count() == 0


def test_a_log_is_saved_whole(begin: Begin, tmp_path: Path) -> None:
    page = begin("kernel.logs.train_logistic = new Log(200000)")
    show(page, "logs")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    saved = tmp_path / "log"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "train_logistic.log"
    assert saved.read_text() == "\n".join(f"line {number}" for number in range(1, 200_001))


def test_a_download_can_be_given_up(begin: Begin) -> None:
    page = begin(
        "kernel.answers.log_chunk = ({ offset, size }) => ({ data: '', next: offset + size, end: false })"
    )
    show(page, "logs")
    page.get_by_role("button", name="Download").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Download")).to_be_visible()
    page.evaluate("window.before = kernel.requests.length")
    page.evaluate("kernel.tellLog()")
    assert page.evaluate("kernel.requests.length - before") <= 1  # what was on its way


def test_a_million_lines_stream_in_and_their_tasks_are_told(begin: Begin, record_property: Any) -> None:
    page = begin(
        "kernel.logs.train_forest = Object.assign(new Log(1), { ended: false, text: at => `epoch ${at} loss 0.1` })"
    )
    show(page, "logs", "train_forest")
    page.evaluate("tasks.length = 0")
    page.evaluate(
        "new Promise(done => { const timer = setInterval(() => {"
        f"  kernel.log.lines = Math.min({MILLION}, kernel.log.lines + 10000); kernel.tellLog();"
        f"  if (kernel.log.lines === {MILLION}) {{ clearInterval(timer); done(); }} }}, 50) }})"
    )
    assert seen(page, MILLION)
    tasks = page.evaluate("tasks")
    record_property("long tasks, ms", tasks)
    print(f"long tasks while 1,000,000 lines streamed in: {tasks}")
    assert page.locator(".nbpipe-log .nbpipe-row").count() < 100


# The other tabs.


def test_why_shows_sentences_cause_diff_and_receipt(begin: Begin) -> None:
    page = begin()
    show(page, "why")
    why = page.locator(".nbpipe-why")
    expect(why.locator(".nbpipe-why-first")).to_have_text("{train} has 266 rows, it had 267 in run 12.")
    assert why.locator(".nbpipe-diff-went .nbpipe-row-text").all_inner_texts() == [
        "frame = pd.read_csv(args.clean).dropna()"
    ]
    assert why.locator(".nbpipe-diff-came .nbpipe-row-text").all_inner_texts() == [
        "frame = pd.read_csv(args.clean)"
    ]
    expect(why.locator(".nbpipe-receipt table")).to_have_count(0)
    why.get_by_text("Hash receipt").click()
    first = why.locator(".nbpipe-receipt tbody tr").first
    assert first.locator("td").all_inner_texts() == ["input", "train", "sha256:0c77e2 → sha256:9df1a0"]
    why.locator(".nbpipe-cause").get_by_role("button", name="split").click()
    assert page.evaluate("view.store.selection") == "split"


def test_tables_are_read_by_pages(begin: Begin) -> None:
    page = begin()
    show(page, "data")
    page.locator(".nbpipe-items").get_by_role("button", name="train").first.click()
    preview = page.locator(".nbpipe-preview")
    expect(preview).to_contain_text("rows 1 to 50 of 266")
    preview.get_by_role("button", name="Later rows").click()
    expect(preview).to_contain_text("rows 51 to 100 of 266")
    assert preview.locator("tbody tr").first.locator("td").all_inner_texts() == [
        "50",
        "50",
        "Adelie",
        "35.0",
        "",
    ]
    preview.get_by_role("button", name="Last rows").click()
    expect(preview).to_contain_text("rows 251 to 266 of 266")
    assert preview.get_by_role("button", name="Later rows").is_disabled()


def test_a_folder_leads_to_its_files_and_back(begin: Begin) -> None:
    page = begin()
    show(page, "data")
    preview = page.locator(".nbpipe-preview")
    page.locator(".nbpipe-items").get_by_role("button", name="plots").click()
    preview.get_by_role("button", name="loss.png").click()
    expect(preview.locator("img")).to_be_visible()
    preview.get_by_role("button", name="plots").click()
    preview.get_by_role("button", name="notes.txt").click()
    expect(preview.locator(".nbpipe-row-text").first).to_have_text("one")


@pytest.mark.parametrize(
    "picture",
    ["https://127.0.0.1/x.png", "javascript:window.hurt=1", "data:image/svg+xml;base64,PHN2Zz4=", "x"],
)
def test_only_pictures_that_the_kernel_made_are_shown(begin: Begin, picture: str) -> None:
    page = begin(
        "const shown = kernel.answers.preview;"
        f"kernel.answers.preview = args => ({{ ...shown(args), kind: 'image', image: {json.dumps(picture)} }})"
    )
    show(page, "data")
    expect(page.locator(".nbpipe-preview")).to_contain_text("No picture that can be shown.")
    assert page.locator(".nbpipe-inspector img").count() == 0


def test_json_unfolds_branch_by_branch_and_what_is_none_is_text(begin: Begin) -> None:
    page = begin()
    show(page, "data")
    page.locator(".nbpipe-items").get_by_role("button", name="report").first.click()
    tree = page.locator(".nbpipe-tree")
    expect(tree).to_contain_text("labels: 2 items")
    page.evaluate(
        "kernel.answers.preview = () => ({ kind: 'json', text: '{\"a\": [1,', entries: [], rows: [], columns: [] })"
    )
    page.locator(".nbpipe-items").get_by_role("button", name="report").first.click()
    expect(page.locator(".nbpipe-preview .nbpipe-row-text")).to_have_text('{"a": [1,')


def test_a_wide_table_draws_a_bounded_number_of_cells(begin: Begin) -> None:
    page = begin(
        "const columns = Array.from({ length: 5000 }, (_, at) => `c${at}`); const shown = kernel.answers.preview;"
        "kernel.answers.preview = args => ({ ...shown({ ...args, name: 'train' }), columns,"
        " rows: Array.from({ length: 50 }, () => columns) })"
    )
    show(page, "data")
    expect(page.locator(".nbpipe-preview")).to_contain_text("and 4,900 more columns")
    assert page.locator(".nbpipe-preview td").count() <= 50 * 101 + 1


def test_series_are_drawn_with_the_value_under_the_pointer_and_the_one_before(begin: Begin) -> None:
    page = begin()
    show(page, "metrics")
    values = page.locator(".nbpipe-value")
    assert values.all_inner_texts() == ["accuracy\n0.941was 0.92 (+0.021)", "solver\nlbfgs"]
    loss = page.get_by_role("img", name="loss: 50 values")
    expect(loss).to_contain_text("earlier 0.11")
    box = loss.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + 40)
    expect(page.locator(".nbpipe-chart-said").first).to_contain_text("50: ")
    points = (
        page.get_by_role("img", name="long: 20000 values").locator(".nbpipe-chart-line").get_attribute("d")
    )
    assert points is not None
    assert points.count("L") < 1200


def test_any_two_runs_are_compared(begin: Begin) -> None:
    page = begin()
    show(page, "history")
    compared = page.locator(".nbpipe-compared")
    expect(compared).to_contain_text("Run 14 compared with run 13")
    page.get_by_role("checkbox").nth(2).check()
    expect(compared).to_contain_text("Run 13 compared with run 12")
    page.get_by_role("checkbox").nth(1).uncheck()
    expect(compared).to_contain_text("Choose two runs")
    page.get_by_role("checkbox").nth(0).check()
    expect(compared).to_contain_text("--C 0.5 → 1.0 between run 12 and run 14.")


def test_a_script_shows_what_changed_and_where_it_failed(begin: Begin) -> None:
    page = begin()
    show(page, "script")
    assert page.locator(".nbpipe-row-failed .nbpipe-row-text").all_inner_texts() == ["model.fit(X, y)"]
    assert page.locator(".nbpipe-row-changed .nbpipe-row-number").all_inner_texts() == ["30"]
    page.locator(".nbpipe-row-failed .nbpipe-row-number").click()
    assert page.evaluate("asked.at(-1)") == {"action": "go-to-cell", "cell": "c6", "line": 32}


# Everybody.


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["why", "logs", "data", "metrics", "history", "script"])
def test_axe_finds_nothing_serious(begin: Begin, page: Page, tab: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    begin()
    show(page, tab)
    expect(page.locator(".nbpipe-pane .nbpipe-waiting")).to_have_count(0)
    assert serious_faults(page, ".nbpipe-inspector") == []
