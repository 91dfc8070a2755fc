"""Cause paths lead from where a change began to every step that it reaches."""

from __future__ import annotations

from nbpipe.core.graph import Graph
from nbpipe.core.reason import Reason
from nbpipe.live.causes import LONGEST, cause_paths
from nbpipe.views.picture import NodeView
from tests.views.pictures import node, penguins


def view(node_id: str, status: str = "will run") -> NodeView:
    return NodeView(node_id, status)


def test_a_path_begins_at_the_step_that_was_edited() -> None:
    reasons = {
        "split": (Reason("code", "split.py", text="split.py line 9 changed"),),
        "forest": (Reason("upstream", "train", text="train is made again"),),
        "compare": (Reason("upstream", "forest_model", text="forest_model is made again"),),
    }
    nodes = [view("prep", "will reuse"), *map(view, ("split", "forest", "compare"))]
    assert cause_paths(nodes, penguins(), reasons) == {
        "forest": ("split", "forest"),
        "compare": ("split", "forest", "compare"),
    }


def test_what_a_run_tells_by_the_step_is_found_too() -> None:
    reasons = {"split": (Reason("upstream", "prep", text="clean changed"),)}
    assert cause_paths([view("prep"), view("split")], penguins(), reasons) == {"split": ("prep", "split")}


def test_a_cause_of_its_own_is_no_path() -> None:
    own = (Reason("code", "split.py"), Reason("upstream", "clean"))
    assert cause_paths([view("prep"), view("split")], penguins(), {"split": own}) == {}


def test_what_is_blocked_leads_back_to_what_failed() -> None:
    nodes = [
        view("prep", "done"),
        view("split", "failed"),
        view("forest", "blocked"),
        view("compare", "blocked"),
    ]
    assert cause_paths(nodes, penguins(), {}) == {
        "forest": ("split", "forest"),
        "compare": ("split", "forest", "compare"),
    }


def test_of_a_long_path_the_root_and_the_nearest_are_told() -> None:
    graph = Graph("chain")
    for number in range(100):
        graph.add_node(node(f"s{number}", [(f"s{number - 1}", "x")] if number else [], ["x"]))
    reasons = {f"s{number}": (Reason("upstream", "x"),) for number in range(1, 100)}
    path = cause_paths([view(f"s{number}") for number in range(100)], graph, reasons)["s99"]
    assert len(path) == LONGEST
    assert (path[0], path[1], path[-1]) == ("s0", f"s{101 - LONGEST}", "s99")
