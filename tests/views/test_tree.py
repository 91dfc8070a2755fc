"""Laws of the text tree and of the compact table."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from rich.cells import cell_len

from nbpipe.views.compact import compact_html, compact_text
from nbpipe.views.picture import DataView, NodeView, ParameterView, Picture
from nbpipe.views.present import picture_of
from nbpipe.views.text import escaped
from nbpipe.views.tree import lines_of, tree
from tests.views.pictures import NEVER, many, penguins, pictures, plan_of

STEPS = (
    NodeView("prep", "reused", why="from run 12", seconds=8.1),
    NodeView("split", "done", why="ran: split.py line 9 changed", parents=("prep",)),
    NodeView("forest", "running", why="train changed", parents=("split",)),
    NodeView("figures", "maybe", why="reused if forest comes out equal", parents=("forest",)),
    NodeView("svm", "failed", "line 31", "ValueError: NaN", "drop them:\n  --drop", parents=("split",)),
    NodeView("compare", "blocked", why="waits for svm (failed)", parents=("forest", "svm")),
)


def test_a_branch_is_indented_and_a_join_stands_below_where_its_ways_part() -> None:
    picture = Picture(
        "demo", STEPS, data=(DataView("d", "a.csv"),), parameters=(ParameterView("lr", "0.1", ("svm",)),)
    )
    assert tree(picture).splitlines() == [
        "demo: 1 failed, 1 running, 1 blocked, 1 may run, 1 ran, 1 reused (8.1 s saved)",
        "= prep        reused            from run 12 · 8.1 s",
        "v split       done              ran: split.py line 9 changed",
        "├─ * forest   running           train changed",
        "│  ? figures  maybe             reused if forest comes out equal",
        "├─ x svm      failed · line 31  ValueError: NaN",
        "│    drop them:",
        "│      --drop",
        "└─ - compare  blocked           waits for svm (failed)  (after forest, svm)",
        "reads a.csv",
        "with lr = 0.1",
    ]


def test_a_plan_is_told_with_its_reasons_and_how_to_force() -> None:
    told = tree(picture_of(plan_of(penguins(), {"notify": ("run", [NEVER])}))).splitlines()
    assert told[1].split() == ["=", "prep", "will", "reuse", "same", "as", "run", "12", "·", "2.0", "s"]
    assert told[-3].split()[:3] == ["+", "notify", "new"]
    assert tree(picture_of(plan_of(penguins(), {}))).splitlines()[-1].endswith("--force prep")


@given(pictures())
def test_every_step_stands_once_after_all_it_waits_for(picture: Picture) -> None:
    order = [line.node.node_id for line in lines_of(picture)]
    assert sorted(order) == sorted(node.node_id for node in picture.nodes)
    for place, each in enumerate(order):
        node = next(node for node in picture.nodes if node.node_id == each)
        assert set(node.parents) <= set(order[:place])


@given(pictures())
def test_nothing_in_the_text_steers_a_terminal(picture: Picture) -> None:
    for text in (tree(picture), compact_text(picture)):
        assert all(each.isprintable() or each in "\n\u200c\u200d" for each in text)


@given(pictures())
def test_a_width_is_kept(picture: Picture) -> None:
    calm = tuple(replace(node, advice="") for node in picture.nodes if node.status != "failed")
    picture = replace(picture, nodes=calm)
    for text in (tree(picture, width=40), compact_text(picture, width=40)):
        assert all(cell_len(line) <= 40 for line in text.splitlines())


def test_a_failure_and_its_remedy_are_never_cut() -> None:
    remedy = "The file lies beside the notebook; pass it:  --data {data/penguins.csv}"
    why = "no file data/penguins.csv, nor anything else of that name in the step's folder."
    picture = Picture("demo", (NodeView("a", "failed", why=why, advice=remedy),), outcome="Failed")
    for text in (tree(picture, width=40), compact_text(picture, width=40)):
        assert why in text
        assert f"  {remedy}" in text.splitlines()
    page = compact_html(picture)
    assert escaped(why) in page
    assert escaped(remedy) in page


def test_a_chain_of_two_thousand_is_not_indented() -> None:
    nodes = tuple(NodeView(f"s{n}", "new", parents=(f"s{n - 1}",) if n else ()) for n in range(2000))
    assert all(line.startswith("+ s") for line in tree(Picture("demo", nodes)).splitlines()[1:])


def test_a_bounded_tree_says_what_it_leaves_out() -> None:
    lines = tree(many(2000), most=5).splitlines()
    assert len(lines) == 7
    assert lines[-1].startswith("... and 1995 more: ")


def test_a_compact_view_shows_what_asks_for_attention_and_says_what_it_leaves_out() -> None:
    nodes = tuple(NodeView(f"s{n}", "failed" if n == 1500 else "done") for n in range(2000))
    text = compact_text(Picture("demo", nodes, outcome="Failed")).splitlines()
    assert len(text) == 14
    assert text[0] == "demo: Failed: 1 failed, 1999 ran"
    assert any(line.startswith("x s1500") for line in text)
    assert text[-1] == "and 1988 more: 1988 ran"
    page = compact_html(Picture("demo", nodes, outcome="Failed"))
    assert page.count("<tr ") == 12
    assert "and 1988 more" in page
    assert len(page) < 10_000
