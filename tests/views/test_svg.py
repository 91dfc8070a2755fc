"""Laws of the static picture: well formed, harmless, the same bytes, nothing out of its room."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from nbpipe.views.cards import MEDIUM, SMALL, TINY, size_for
from nbpipe.views.dag import Direction
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture
from nbpipe.views.status import DARK, LIGHT, LOOKS
from nbpipe.views.svg import svg
from nbpipe.views.text import visible, width_of
from tests.views.pictures import NASTY, many, pictures

SVG = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)


def steps(root: ET.Element) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}g") if "data-step" in each.attrib]


@given(pictures())
def test_whatever_the_names_it_is_well_formed_and_holds_nothing_that_acts(picture: Picture) -> None:
    root = parsed(svg(picture))
    assert {each.tag for each in root.iter()} <= {
        SVG + tag for tag in ("svg", "style", "rect", "g", "path", "circle", "ellipse", "text", "title")
    }
    for each in root.iter():
        assert not [name for name in each.attrib if name == "id" or name.startswith("on") or "href" in name]
    assert len(steps(root)) == len(picture.nodes)
    assert len(root.findall(f"{SVG}style")) == 1


@given(pictures())
def test_equal_pictures_are_equal_bytes(picture: Picture) -> None:
    assert svg(picture) == svg(replace(picture))


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_is_text(name: str) -> None:
    root = parsed(svg(Picture(visible(name), (NodeView(name, "done", why=visible(name)),))))
    (step,) = steps(root)
    assert step.attrib["data-step"] == visible(name)
    title = step.find(f"{SVG}title")
    assert title is not None
    assert visible(name) in (title.text or "")


@pytest.mark.parametrize("word", LOOKS)
@pytest.mark.parametrize("count", [1, 61, 301])
def test_every_state_is_marked_in_every_size(word: str, count: int) -> None:
    root = parsed(svg(Picture("demo", tuple(NodeView(f"s{n}", word) for n in range(count)))))
    assert {each.attrib["data-status"] for each in steps(root)} == {word.replace(" ", "-")}


def test_the_size_follows_the_number_of_steps() -> None:
    assert [size_for(count) for count in (1, 60, 61, 300, 301)] == [MEDIUM, MEDIUM, SMALL, SMALL, TINY]


def test_both_sets_of_colours_stand_in_one_style_sheet() -> None:
    style = parsed(svg(many(3))).find(f"{SVG}style")
    assert style is not None
    light, _, dark = (style.text or "").partition("@media(prefers-color-scheme:dark)")
    assert all(colour in light for colour in LIGHT.values())
    assert all(colour in dark for colour in DARK.values())


@given(pictures())
def test_no_measured_text_leaves_its_card(picture: Picture) -> None:
    for step in steps(parsed(svg(picture, direction="right"))):
        for text in step.findall(f"{SVG}text"):
            kind = text.attrib["class"].split()
            shown = text.text or ""
            width = width_of(
                shown, float(text.attrib["font-size"]), bold="nbp-b" in kind, mono="nbp-mono" in kind
            )
            x = float(text.attrib["x"])
            left, right = (x - width, x) if text.attrib.get("text-anchor") == "end" else (x, x + width)
            assert left >= 3
            assert right <= 199


def test_a_text_of_unknown_width_is_clipped_to_its_room() -> None:
    root = parsed(svg(Picture("demo", (NodeView("日本語" * 30, "done"),))))
    (step,) = steps(root)
    inner = step.findall(f"{SVG}svg")
    assert len(inner) == 1
    assert inner[0].attrib["overflow"] == "hidden"
    assert float(inner[0].attrib["x"]) + float(inner[0].attrib["width"]) <= 200


def test_a_long_name_keeps_both_ends_and_its_full_form_in_the_title() -> None:
    name = "prepare_the_data_of_all_the_penguins_of_2024"
    (step,) = steps(parsed(svg(Picture("demo", (NodeView(name, "done"),)))))
    shown = step.find(f"{SVG}text")
    assert shown is not None
    assert re.fullmatch(r"prepare_\w*…\w*_of_2024", shown.text or "")
    assert (step.findtext(f"{SVG}title") or "").startswith(name)


def edge_classes(state: str) -> list[str]:
    nodes = (NodeView("a", "done"), NodeView("b", "new", parents=("a",)))
    root = parsed(svg(Picture("demo", nodes, (EdgeView("a", "b", state, (("clean", "17 KB"),)),))))  # type: ignore[arg-type]
    return [e.attrib["class"] for e in root.iter(f"{SVG}path") if "nbp-edge" in e.attrib.get("class", "")]


def test_each_state_of_an_edge_is_drawn_in_its_own_way() -> None:
    assert edge_classes("there") == ["nbp-edge"]
    for state in ("pending", "stopped", "order"):
        assert edge_classes(state) == [f"nbp-edge nbp-{state}"]


def texts(picture: Picture, direction: Direction | None = None) -> list[str]:
    return [each.text or "" for each in parsed(svg(picture, direction=direction)).iter(f"{SVG}text")]


@pytest.mark.parametrize("direction", ["right", "down"])
def test_an_output_is_named_once_and_data_and_parameters_are_shown(direction: Direction) -> None:
    nodes = (
        NodeView("a", "done"),
        NodeView("b", "new", parents=("a",)),
        NodeView("c", "new", parents=("a",)),
    )
    edges = (
        EdgeView("d", "a", "there"),
        EdgeView("a", "b", "there", (("train", "266 rows"), ("test", ""))),
        EdgeView("a", "c", "there", (("train", "266 rows"),)),
    )
    data = (DataView("d", "penguins.csv", "17 KB"), DataView("unread", "other.csv"))
    picture = Picture("demo", nodes, edges, data, (ParameterView("lr", "0.1", ("b", "c")),))
    shown = texts(picture, direction)
    for once in ("train", "266 rows", "test", "penguins.csv", "17 KB", "lr", "0.1"):
        assert shown.count(once) == 1, once
    assert "other.csv" not in shown


def chain(count: int) -> Picture:
    nodes = tuple(NodeView(f"s{n}", "new", parents=(f"s{n - 1}",) if n else ()) for n in range(count))
    return Picture("demo", nodes, tuple(EdgeView(f"s{n}", f"s{n + 1}", "pending") for n in range(count - 1)))


def test_a_wide_pipeline_goes_downwards() -> None:
    (wide, low), (narrow, high) = (
        map(float, parsed(svg(chain(count))).attrib["viewBox"].split()[2:]) for count in (4, 30)
    )
    assert wide > low
    assert narrow < high


def test_a_picture_asks_for_the_width_of_the_page_only_where_it_stays_readable_there() -> None:
    """An image of 1200 pixels would be cut off by JupyterLab, one of 3000 would be shrunk beyond reading."""
    small, medium = (parsed(svg(chain(count))) for count in (3, 5))
    large = parsed(svg(chain(12), direction="right"))
    assert float(small.attrib["width"]) <= 900
    assert medium.attrib["width"] == "100%"
    assert "max-width:1288px" in medium.attrib["style"]
    assert float(large.attrib["width"]) > 1900


def test_a_reader_of_the_screen_hears_the_summary() -> None:
    root = parsed(svg(Picture("demo", (NodeView("a", "new"),))))
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "Pipeline demo: 1 will run")


def test_an_empty_pipeline_shows_how_to_begin() -> None:
    assert any("%%pipeline_step" in text for text in texts(Picture("demo")))


def test_the_picture_of_two_thousand_steps_is_of_bounded_size() -> None:
    assert len(svg(many(2000))) < 3_000_000
