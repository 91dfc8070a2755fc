"""Laws of the live graph, as the shipped widget keeps them in a page of its own under a strict policy."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from nbpipe.views.status import LOOKS
from tests.browser import graphs
from tests.browser.accessibility import serious_faults
from tests.waiting import eventually

pytestmark = pytest.mark.browser


class GraphPage:
    """A page with one view of the graph, and what its kernel was asked."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.goto(url)
        page.wait_for_function("window.page")

    def mount(self, message: graphs.Json, hosted: str = "cell") -> GraphPage:
        self.page.evaluate("([graph, hosted]) => page.mount(graph, { hosted })", [message, hosted])
        expect(self.page.locator("[data-step], .nbpipe-empty").first).to_be_attached()
        return self

    def patch(self, *nodes: dict[str, Any]) -> None:
        self.page.evaluate("nodes => page.patch(nodes)", list(nodes))

    def step(self, name: str) -> Any:
        return self.page.locator(f'[data-step="{name}"]')

    def button(self, name: str) -> Any:
        return self.step(name).get_by_role("button")

    def asked(self, verb: str) -> list[dict[str, Any]]:
        return self.page.evaluate("verb => page.asked(verb)", verb)

    def wait_asked(self, verb: str, count: int = 1) -> list[dict[str, Any]]:
        self.page.wait_for_function("([verb, count]) => page.asked(verb).length >= count", arg=[verb, count])
        return self.asked(verb)

    def lit(self) -> set[str]:
        return set(
            self.page.locator(".nbpipe-node.nbpipe-lit").evaluate_all("all => all.map(e => e.dataset.step)")
        )


@pytest.fixture
def graph(page: Page, pages_url: str) -> Iterator[GraphPage]:
    """A graph page, in light, wide enough for seven steps."""
    page.set_viewport_size({"width": 1400, "height": 900})
    made = GraphPage(page, f"{pages_url}/graph.html")
    yield made
    assert made.errors == []


def test_every_step_says_its_state_by_attribute_word_and_label(graph: GraphPage) -> None:
    graph.mount(graphs.message(graphs.every_state()))
    for word, look in LOOKS.items():
        step = graph.step(word.replace(" ", "_"))
        assert step.get_attribute("data-status") == look.data_status
        assert word in step.text_content()
        assert word in graph.button(step.get_attribute("data-step")).get_attribute("aria-label")
        assert (step.locator(".nbpipe-dotted").count() == 1) == look.planned


def test_every_edge_stays_drawn_when_one_of_them_changes(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    lines = graph.page.locator("path[data-edge]")
    before = {each.get_attribute("data-edge"): each.get_attribute("class") for each in lines.all()}
    labelled = graph.page.evaluate("[...page.view.store.edges.values()].find(each => each.labels.length).id")
    graph.page.evaluate("id => page.patch([], { edges: [{ id, state: 'stopped' }] })", labelled)
    expect(graph.page.locator(f'path[data-edge="{labelled}"]')).to_have_class("nbpipe-edge nbpipe-stopped")
    after = {each.get_attribute("data-edge"): each.get_attribute("class") for each in lines.all()}
    assert after == before | {labelled: "nbpipe-edge nbpipe-stopped"}


def test_edges_show_whether_their_data_is_there(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    drawn = graph.page.locator("[data-edge]").evaluate_all("all => all.map(e => e.getAttribute('class'))")
    assert len(drawn) == 9
    assert sum("nbpipe-reading" in each for each in drawn) == 1
    assert sum("nbpipe-stopped" in each for each in drawn) == 1
    assert sum("nbpipe-pending" in each for each in drawn) == 3
    expect(graph.page.locator('[data-input="penguins.csv"]')).to_contain_text("344 rows")
    expect(graph.page.locator('[data-parameter="test_size"]')).to_contain_text("0.20")


def test_a_patch_draws_what_it_names_and_nothing_else(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate(
        """() => { window.changed = new Set(); new MutationObserver(all => all.forEach(each => {
            const step = (each.target.closest ? each.target : each.target.parentElement).closest('[data-step]');
            if (step) window.changed.add(step.dataset.step);
        })).observe(document.querySelector('.nbpipe-canvas'), {
            subtree: true, childList: true, characterData: true
        }) }"""
    )
    graph.patch({"id": "train_svm", "status": "running", "detail": "7 %", "progress": 0.07})
    expect(graph.step("train_svm")).to_have_attribute("data-status", "running")
    expect(graph.step("train_svm")).to_contain_text("running · 7 %")
    assert graph.page.evaluate("[...window.changed]") == ["train_svm"]


def test_a_running_ring_is_not_begun_anew_by_each_sign_of_life(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate("window.ring = document.querySelector('[data-step=train_forest] .nbpipe-shape')")
    graph.patch({"id": "train_forest", "detail": "80 %", "progress": 0.8, "last_line": "epoch 40/50"})
    expect(graph.step("train_forest")).to_contain_text("running · 80 %")
    assert graph.page.evaluate("window.ring.isConnected")


def test_a_view_that_missed_a_patch_asks_for_the_whole_graph(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate("page.patch([], { skip: 1 })")
    assert len(graph.wait_asked("subscribe", 2)) == 2


def test_the_ripple_ends_with_every_step_told(graph: GraphPage) -> None:
    chain = ("a", "b", "c", "d")
    nodes = tuple(
        graphs.NodeView(each, "done", parents=chain[:place][-1:]) for place, each in enumerate(chain)
    )
    edges = tuple(graphs.EdgeView(each.parents[0], each.node_id, "there") for each in nodes[1:])
    graph.mount(graphs.message(graphs.Picture("chain", nodes, edges)))
    graph.patch(*({"id": each, "status": "will run"} for each in chain))
    expect(graph.step("a")).to_have_attribute("data-status", "will-run")
    for each in chain:
        expect(graph.step(each)).to_have_attribute("data-status", "will-run")


def test_nothing_moves_for_who_wants_it_still_nor_in_a_large_graph(graph: GraphPage) -> None:
    moving = "() => document.getAnimations().filter(each => each.playState === 'running').length"
    graph.mount(graphs.penguins_message())
    assert graph.page.evaluate(moving) > 0
    graph.page.emulate_media(reduced_motion="reduce")
    graph.mount(graphs.penguins_message())
    assert graph.page.evaluate(moving) == 0
    graph.page.emulate_media(reduced_motion="no-preference")
    graph.mount(graphs.message(graphs.wide(201)))
    assert graph.page.evaluate(moving) == 0


def test_the_keyboard_reaches_every_step_and_opens_the_inspector(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    assert graph.page.locator('[data-step] [tabindex="0"]').count() == 1
    graph.button("prepare").focus()
    for key, name in (
        ("ArrowRight", "split"),
        ("ArrowRight", "train_logistic"),
        ("ArrowRight", "compare"),
        ("ArrowLeft", "train_logistic"),
        ("Home", "prepare"),
        ("End", "compare"),
    ):
        graph.page.keyboard.press(key)
        expect(graph.button(name)).to_be_focused()
        assert graph.page.locator('[data-step] [tabindex="0"]').count() == 1
    graph.page.keyboard.press("Enter")
    expect(graph.page.get_by_role("region", name="Inspector")).to_be_visible()
    expect(graph.button("compare")).to_have_attribute("aria-pressed", "true")
    graph.page.keyboard.press("Escape")
    expect(graph.page.get_by_role("region", name="Inspector")).to_be_hidden()
    expect(graph.button("compare")).to_be_focused()


def test_the_way_from_its_cause_to_a_step_is_lit_and_the_rest_fades(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.step("train_forest").click()
    assert graph.lit() == {"split", "train_forest"}
    trail = graph.page.locator("[data-edge].nbpipe-trail").evaluate_all("all => all.map(e => e.dataset.edge)")
    assert trail == ["5:split>train_forest"]
    assert graph.step("compare").evaluate("e => getComputedStyle(e).opacity") == "0.35"
    graph.page.evaluate("page.view.store.select('train_forest', 'followers')")
    assert graph.lit() == {"train_forest", "figures", "compare"}
    graph.page.evaluate("page.view.store.select('train_forest', 'needs')")
    assert graph.lit() == {"prepare", "split", "train_forest"}


def test_chips_count_the_states_and_show_only_the_chosen(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    chips = graph.page.get_by_role("group", name="Show only")
    assert chips.get_by_role("button").all_text_contents() == [
        f"1 {word}" for word in ("failed", "running", "queued", "blocked", "maybe", "done", "reused")
    ]
    chips.get_by_role("button", name="1 failed").click()
    assert graph.lit() == {"train_logistic"}
    chips.get_by_role("button", name="1 queued").click()
    assert graph.lit() == {"train_logistic", "train_svm"}
    chips.get_by_role("button", name="1 failed").click()
    chips.get_by_role("button", name="1 queued").click()
    expect(graph.page.locator(".nbpipe-dim")).to_have_count(0)


def test_find_goes_from_match_to_match(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.get_by_role("button", name="Find", exact=True).click()
    field = graph.page.get_by_role("textbox", name="Find a step")
    field.fill("TRAIN")
    expect(graph.page.locator(".nbpipe-find-told")).to_have_text("3 matches")
    assert graph.lit() == {"train_forest", "train_logistic", "train_svm"}
    field.press("Enter")
    expect(graph.page.locator(".nbpipe-find-told")).to_have_text("1 of 3")
    field.press("Escape")
    expect(field).to_be_hidden()
    assert graph.page.evaluate("page.view.store.sought") == ""


def test_buttons_ask_the_kernel_for_what_their_words_say(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.get_by_role("button", name="Retry failed").click()
    assert graph.wait_asked("run") == [{"force": []}]
    graph.page.get_by_role("button", name="Stop", exact=True).click()
    assert graph.wait_asked("stop") == [{"step": ""}]
    graph.step("train_svm").click(button="right")
    menu = graph.page.get_by_role("menu", name="train_svm")
    menu.get_by_role("menuitem", name="Stop this step").click()
    assert graph.wait_asked("stop", 2)[1] == {"step": "train_svm"}
    expect(menu).to_be_hidden()


def test_a_step_of_a_plan_runs_with_what_it_needs(graph: GraphPage) -> None:
    graph.mount(graphs.message(graphs.every_state()))
    graph.page.evaluate("page.view.store.graph.head.run = null")
    graph.button("maybe").focus()
    graph.page.keyboard.press("m")
    graph.page.get_by_role("menuitem", name="Run this step").click()
    assert graph.wait_asked("run") == [{"only": ["maybe"]}]
    graph.button("maybe").focus()
    graph.page.keyboard.press("m")
    graph.page.get_by_role("menuitem", name="Accept its last result").click()
    assert graph.wait_asked("accept") == [{"step": "maybe"}]


def test_what_the_kernel_refuses_is_told_with_its_remedy(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate(
        "page.kernel.answers.run = { fact: 'Run 14 goes on.', remedy: 'Stop it:  %pipeline_stop' }"
    )
    graph.page.get_by_role("button", name="Retry failed").click()
    alert = graph.page.locator(".nbpipe-bars").get_by_role("alert")
    expect(alert).to_contain_text("Run 14 goes on.")
    expect(alert).to_contain_text("%pipeline_stop")
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert).to_have_count(0)


def test_a_step_keeps_its_place_while_states_change_and_turns_with_the_graph(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    place = graph.step("split").get_attribute("transform")
    graph.patch({"id": "split", "status": "will run"})
    expect(graph.step("split")).to_have_attribute("data-status", "will-run")
    assert graph.step("split").get_attribute("transform") == place
    graph.page.get_by_role("button", name="Turn the graph").click()
    expect(graph.step("split")).not_to_have_attribute("transform", place)
    assert graph.page.evaluate("page.view.store.direction") == "down"


def test_an_edited_cell_marks_its_step_and_all_after_it(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate("page.view.store.mark(new Set(['split']))")
    expect(graph.step("split")).to_have_attribute("data-status", "edited")
    assert "a step before it was edited" in graph.button("compare").get_attribute("aria-label")
    assert "edited" not in graph.button("prepare").get_attribute("aria-label")
    expect(graph.step("train_forest")).not_to_contain_text("a1f3c9")
    graph.page.evaluate("page.view.store.mark(new Set())")
    expect(graph.step("split")).to_have_attribute("data-status", "done")


def test_a_remembered_graph_is_greyed_and_promises_no_plan(graph: GraphPage) -> None:
    graph.mount(graphs.restarted())
    bar = graph.page.locator(".nbpipe-bars")
    expect(bar).to_contain_text("Kernel restarted. Run 14 goes on (3 of 7).")
    assert graph.page.locator(".nbpipe-world").evaluate("e => getComputedStyle(e).opacity") == "0.6"
    expect(graph.page.locator(".nbpipe-button-main")).to_be_hidden()
    bar.get_by_role("button", name="Attach").click()
    assert graph.wait_asked("attach") == [{"run": "14"}]


def test_an_empty_pipeline_offers_the_smallest_cell_and_a_host_inserts_it(graph: GraphPage) -> None:
    graph.mount(graphs.empty())
    expect(graph.page.locator(".nbpipe-empty")).to_contain_text("No steps yet.")
    expect(graph.page.get_by_role("button", name="Insert this cell")).to_have_count(0)
    graph.page.evaluate(
        """() => addEventListener('nbpipe:host', event => { event.preventDefault();
            (window.hosted ??= []).push(event.detail) })"""
    )
    graph.mount(graphs.empty())
    graph.page.get_by_role("button", name="Insert this cell").click()
    inserted = graph.page.evaluate("window.hosted.filter(each => each.action === 'insert-cell')")
    assert inserted[0]["text"].startswith("%%pipeline_step prepare.py")


def test_light_or_dark_follows_the_luminance_of_the_host_not_its_name(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    view = graph.page.locator("#view")
    expect(view).to_have_attribute("data-theme", "light")
    graph.page.evaluate(
        """() => { document.body.style.setProperty('--jp-layout-color1', 'rgb(30, 30, 30)');
            document.body.dataset.jpThemeName = 'Solarized'; }"""
    )
    expect(view).to_have_attribute("data-theme", "dark")
    graph.page.evaluate(
        """() => { document.body.style.setProperty('--jp-layout-color1', 'ivory');
            document.body.dataset.jpThemeName = 'Midnight'; }"""
    )
    expect(view).to_have_attribute("data-theme", "light")


def test_hostile_names_are_text_and_stay_inside_their_cards(graph: GraphPage) -> None:
    graph.mount(graphs.hostile())
    graph.step(graphs.HOSTILE[3]).hover()
    expect(graph.page.locator(".nbpipe-tip svg")).to_be_visible()
    graph.page.evaluate("name => page.view.show(name, 'why')", graphs.HOSTILE[1])
    expect(graph.page.get_by_role("region", name="Inspector")).to_be_visible()
    assert graph.page.evaluate("window.hurt") is None
    assert graph.page.locator("#view :is(script, img, iframe, a[href^=javascript])").count() == 0
    outside = graph.page.evaluate(
        """() => [...document.querySelectorAll('.nbpipe-canvas .nbpipe-form-M')].flatMap(step => {
            const card = step.querySelector('.nbpipe-card').getBoundingClientRect();
            return [...step.querySelectorAll('text')].filter(each => {
                const box = each.getBoundingClientRect();
                return box.left < card.left - 1 || box.right > card.right + 1;
            }).map(each => each.textContent);
        })"""
    )
    assert outside == []


def test_a_thousand_steps_are_drawn_and_every_state_can_change(graph: GraphPage) -> None:
    graph.mount(graphs.message(graphs.wide(1000, width=25)))
    assert graph.page.locator(".nbpipe-canvas [data-step]").count() == 1000
    graph.patch(*({"id": f"step_{place:04d}", "status": "done"} for place in range(1000)))
    expect(graph.page.locator(".nbpipe-canvas [data-status=done]")).to_have_count(1000)


def test_what_is_out_of_sight_has_no_inner_life_until_it_is_seen(graph: GraphPage) -> None:
    graph.mount(graphs.message(graphs.wide(200)), "panel")
    away = graph.page.locator(".nbpipe-canvas .nbpipe-form-away")
    name = away.last.get_attribute("data-step")
    assert graph.step(name).get_attribute("data-status")
    assert name in graph.button(name).get_attribute("aria-label")
    assert graph.step(name).locator("text").count() == 0
    graph.page.evaluate("name => page.view.store.select(name)", name)
    expect(graph.step(name).locator("text").first).to_be_visible()
    assert away.count() > 0


def test_the_selected_step_is_large_where_that_covers_no_other(graph: GraphPage) -> None:
    chain = ("a", "b", "c")
    nodes = tuple(
        graphs.NodeView(each, "done", parents=chain[:place][-1:]) for place, each in enumerate(chain)
    )
    edges = tuple(graphs.EdgeView(each.parents[0], each.node_id, "there") for each in nodes[1:])
    graph.mount(graphs.message(graphs.Picture("chain", nodes, edges)))
    places = graph.page.locator("[data-step]").evaluate_all(
        "all => all.map(e => e.getAttribute('transform'))"
    )
    graph.step("b").click()
    expect(graph.page.locator(".nbpipe-form-L .nbpipe-large")).to_have_count(1)
    graph.patch({"id": "b", "status": "failed", "detail": "line 31"})
    expect(graph.step("b")).to_contain_text("failed · line 31")
    assert places == graph.page.locator("[data-step]").evaluate_all(
        "all => all.map(e => e.getAttribute('transform'))"
    )
    graph.page.keyboard.press("Escape")
    expect(graph.page.locator(".nbpipe-form-L")).to_have_count(0)
    graph.mount(graphs.message(graphs.wide(40)))
    graph.page.evaluate("page.view.store.select('step_0003')")
    expect(graph.button("step_0003")).to_have_attribute("aria-pressed", "true")
    covered = graph.page.evaluate(
        """() => { const all = [...document.querySelectorAll('.nbpipe-canvas .nbpipe-hit')].map(each =>
            each.getBoundingClientRect()); return all.filter(one => all.some(other => one !== other &&
            one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
        )).length }"""
    )
    assert covered == 0


def test_two_fingers_zoom_and_the_graph_stays_below_them(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message(), "panel")
    fingers = graph.page.context.new_cdp_session(graph.page)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    step = graph.step("split")
    box = step.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    left, right = (round(middle[0]) - 100, round(middle[1])), (round(middle[0]) + 100, round(middle[1]))
    touch("touchStart", left)
    touch("touchStart", left, right)
    for apart in range(10, 101, 10):
        touch("touchMove", (left[0] - apart, left[1]), (right[0] + apart, right[1]))
    touch("touchEnd")
    eventually(lambda: step.bounding_box()["width"] > 1.8 * box["width"])
    after = step.bounding_box()
    assert after["x"] + after["width"] / 2 == pytest.approx(middle[0], abs=12)
    assert graph.page.evaluate("page.view.store.selection") is None


def test_times_are_told_by_the_kernels_clock(graph: GraphPage) -> None:
    kernels = time.time() + 3600
    message = graphs.penguins_message(now=kernels) | {"now": kernels}
    graph.mount(message)
    expect(graph.step("train_forest")).to_contain_text(re.compile(r"train_forest[1-9]\d s"))
    expect(graph.page.locator(".nbpipe-run-time")).to_contain_text(re.compile(r"run 14 · [2-9]\d s"))


def test_a_graph_of_five_thousand_comes_in_groups_that_open(graph: GraphPage) -> None:
    graph.mount(graphs.message(graphs.wide(5000, ("done",), 50)))
    group = graph.page.locator('[data-step^="group:"]').first
    assert "group of" in group.get_by_role("button").get_attribute("aria-label")
    group.get_by_role("button").focus()
    graph.page.keyboard.press("Enter")
    graph.page.keyboard.press("Enter")
    assert graph.wait_asked("subscribe", 2)[1]["open"] == [group.get_attribute("data-step")]
    expect(graph.page.get_by_role("region", name="Inspector")).to_be_hidden()


def test_a_small_picture_of_the_whole_comes_above_fifty_steps_seen_in_part(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    expect(graph.page.locator(".nbpipe-minimap")).to_be_hidden()
    graph.mount(graphs.message(graphs.wide(51)))
    expect(graph.page.locator(".nbpipe-minimap")).to_be_visible()
    graph.page.get_by_role("button", name="Fit").click()
    expect(graph.page.locator(".nbpipe-minimap")).to_be_hidden()


def test_from_far_away_only_glyphs_are_drawn(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.button("split").focus()
    for _ in range(5):
        graph.page.keyboard.press("-")
    assert graph.page.locator(".nbpipe-canvas .nbpipe-form-far text").count() == 0
    assert graph.page.locator(".nbpipe-canvas .nbpipe-form-far").count() == 7
    graph.page.keyboard.press("0")
    expect(graph.step("split")).to_contain_text("done")


def test_a_view_that_nobody_sees_says_so(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate("document.body.style.paddingTop = '4000px'")
    assert graph.wait_asked("visible") == [{"visible": False}]
    graph.page.evaluate("document.body.style.paddingTop = '0'")
    assert graph.wait_asked("visible", 2)[1] == {"visible": True}


def test_a_screen_reader_hears_what_changed_as_a_whole(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    expect(graph.page.get_by_role("status")).to_contain_text("settled, 1 failed")


def test_a_view_asked_for_a_step_shows_it_with_its_tab(graph: GraphPage) -> None:
    graph.mount(graphs.penguins_message())
    graph.page.evaluate("page.view.show('split', 'script')")
    expect(graph.page.get_by_role("tab", name="Script")).to_have_attribute("aria-selected", "true")
    expect(graph.button("split")).to_have_attribute("aria-pressed", "true")


CASES = {
    "run": (graphs.penguins_message, "cell", "train_logistic"),
    "panel": (graphs.penguins_message, "panel", "split"),
    "states": (lambda: graphs.message(graphs.every_state()), "cell", None),
    "restarted": (graphs.restarted, "cell", None),
    "empty": (graphs.empty, "cell", None),
    "reused": (graphs.reused, "cell", None),
    "broken": (graphs.broken, "cell", None),
    "large": (lambda: graphs.message(graphs.wide(120)), "cell", None),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_serious_stands_in_the_way_of_anybody(graph: GraphPage, case: str, scheme: str) -> None:
    make, hosted, step = CASES[case]
    graph.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    graph.mount(make(), hosted)
    if step:
        graph.page.evaluate("step => page.view.show(step, 'why')", step)
    assert serious_faults(graph.page, "#view") == []
