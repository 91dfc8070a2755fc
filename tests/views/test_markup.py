"""Laws that hold for every view that is markup: HTML, Markdown, Mermaid and DOT."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from nbpipe.core.explanation import Explanation
from nbpipe.core.reason import Reason
from nbpipe.views.compact import compact_html
from nbpipe.views.dot import digraph
from nbpipe.views.markdown import entities, escape, markdown, mermaid
from nbpipe.views.picture import EdgeView, NodeView, Picture
from nbpipe.views.text import visible
from nbpipe.views.why import why_html, why_text
from tests.views.pictures import KEY, NASTY, many, names, pictures

SHAPES = {"svg", "g", "path", "circle", "rect"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@given(pictures())
def test_a_compact_page_has_only_its_own_tags(picture: Picture) -> None:
    page = Page(compact_html(picture))
    assert page.tags <= {"div", "style", "p", "b", "table", "tr", "td", "br", *SHAPES}
    acting = {
        name for name in page.attributes if name.startswith("on") or name in ("id", "href", "src", "style")
    }
    assert not acting
    assert {"data-step", "data-status"} <= page.attributes or not picture.nodes


def explanation(name: str) -> Explanation:
    return Explanation(
        name, "will run",
        (Reason("code", name, text=f"{name} line 2 changed"), Reason("upstream", name, text=name, root=name)),
        name, ((name, f"--- a\n+++ b\n@@ -1,2 +1,2 @@\n \tx = 1\n-old {name}\n+new"),),
        (("code", name, name), ("inputs", "clean", "not made yet")), KEY, name,
    )  # fmt: skip


@given(names)
def test_an_explanation_has_only_its_own_tags_and_hides_nothing(name: str) -> None:
    page = Page(why_html(explanation(name)))
    assert page.tags == {
        "div",
        "style",
        "span",
        "p",
        "b",
        "ul",
        "li",
        "details",
        "summary",
        "code",
        "pre",
        "table",
        "tr",
        "td",
    }
    assert page.attributes <= {"class", "data-status", "open"}
    text = why_text(explanation(name), receipt=True)
    assert all(each.isprintable() or each in "\n\u200c\u200d" for each in text)


def test_an_explanation_says_sentences_then_the_diff_then_the_receipt() -> None:
    text = why_text(explanation("train.py"), receipt=True).splitlines()
    assert text == [
        "> train.py: will run",
        "  train.py line 2 changed.",
        "  train.py. The cause lies upstream: train.py.",
        "  Train.py.",
        "  Compared with run train.py.",
        "",
        "  train.py",
        "    --- a",
        "    +++ b",
        "    @@ -1,2 +1,2 @@",
        "         x = 1",
        "    -old train.py",
        "    +new",
        "",
        "  fingerprint 9c02e1000000, 2 ingredients",
        "    code        train.py  train.py",
        "    inputs      clean     not made yet",
    ]


def test_an_explanation_of_nothing_still_says_so() -> None:
    assert why_text(Explanation("a", "new")) == "+ a: new\n  Nothing is known of it yet."


def test_a_long_diff_is_cut() -> None:
    long = Explanation("a", "will run", diffs=(("a.py", "\n".join(["+x"] * 1000)),))
    assert "    ... 600 more lines" in why_text(long).splitlines()


@given(names)
def test_escaped_markdown_is_the_text_itself_to_a_reader(name: str) -> None:
    assert html.unescape(escape(name)) == visible(name)
    assert not re.search(r"[\\`*\[\]<>#|~@$\"]", re.sub(r"&#\d+;", "", escape(name)))


def test_names_with_underscores_stay_legible_in_the_source() -> None:
    assert escape("train_forest: split.py line 9") == "train_forest: split.py line 9"
    assert escape("_x_") == "&#95;x&#95;"


@given(names)
def test_a_label_of_mermaid_has_only_letters_and_entities(name: str) -> None:
    shown = entities(name)
    assert all(each.isalnum() or each in "_ .,()/+-#;" or not each.isascii() for each in shown)
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), shown) == visible(name)


@given(pictures())
def test_a_table_of_markdown_has_a_row_a_step_and_five_cells(picture: Picture) -> None:
    lines = markdown(picture).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == (len(picture.nodes) + 2 if picture.nodes else 0)
    assert all(row.count("|") == 6 for row in rows)
    assert sum(line.startswith("```") for line in lines) in (0, 2)


def test_a_summary_has_the_graph_the_reasons_and_the_time_saved() -> None:
    nodes = (
        NodeView("prep", "reused", why="from run 12", seconds=8.1),
        NodeView(
            "train", "failed", "line 31", "ValueError: NaN", "drop them", seconds=2.0, parents=("prep",)
        ),
    )
    edges = (EdgeView("prep", "train", "there", (("clean", "17 KB"),)),)
    text = markdown(Picture("demo", nodes, edges, run="14", outcome="Failed"))
    assert text.startswith("### demo, run 14\n\nFailed: 1 failed, 1 reused (8.1 s saved)\n\n```mermaid\n")
    assert '  n0["<b>prep</b><br/>reused"]:::done\n' in text
    assert '  n0 -->|"clean"| n1\n' in text
    assert "| x | **train** | failed · line 31 | ValueError: NaN | 2.0 s |\n" in text
    assert "> **train** failed · line 31: ValueError: NaN\n>\n> drop them\n" in text
    assert text.endswith("Saved by reuse: 8.1 s.\n")


def test_a_large_pipeline_has_no_graph_in_its_summary_and_a_bounded_table() -> None:
    text = markdown(many(2000))
    assert "mermaid" not in text
    assert "and 1500 more steps" in text
    assert len(text) < 100_000


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_is_a_label_in_dot(name: str) -> None:
    picture = Picture(name, (NodeView(name, "done", why=name), NodeView("b", "new", parents=(name,))),
                      (EdgeView(name, "b", "stopped", ((name, name),)),))  # fmt: skip
    source = digraph(picture).source
    assert re.sub(r'"(?:[^"\\]|\\.)*"', "", source).count("<") == 0, "no label is read as HTML"
    assert "n0 -> n1" in source


@given(pictures())
def test_dot_has_every_node_and_edge(picture: Picture) -> None:
    source = digraph(picture).source
    assert len(re.findall(r"^\tn\d+ \[", source, re.MULTILINE)) == len(picture.nodes)
    assert len(re.findall(r"^\t[nd]\d+ -> n\d+", source, re.MULTILINE)) == len(picture.edges)
    assert mermaid(picture).startswith("```mermaid\nflowchart LR")
