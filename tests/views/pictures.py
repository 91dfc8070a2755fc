"""Graphs, plans, runs and pictures for the tests of views, made of core's real parts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from nbpipe.core.events import Event, RunStarted
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.node import FolderSource, InputPort, Node, OutputPort, Piece
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.core.reason import Reason
from nbpipe.core.result import StepResult
from nbpipe.core.run_state import RunState
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture
from nbpipe.views.status import LOOKS
from nbpipe.views.text import visible

KEY = "9c02e1" + "0" * 58

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\x00b\x1b[31mc\x07",
    "evil\u202egnp.exe\u202c",
    "\u2066hidden\u2069\ufeff",
    "new\nline\ttab\r",
    "]]><!--&amp;--> ${x} {{y}}",
    "```\n# heading | cell `code` *b* _i_ [l](http://x) @you #12 ~~s~~",
    "\ud800 lone",
    "W" * 300,
    "日本語の名前" * 20,
    "Ǆ‱﷽" * 30,
    "<b>",
    "a:b:c",
    "\\n\\",
    "-- --",
    "",
)
"""Names that a user may give, or an attacker."""

names = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
lines = names.map(visible)


def node(node_id: str, reads: Sequence[tuple[str, str]] = (), makes: Sequence[str] = (), **more: Any) -> Node:
    """A node that reads ``(source id, output port)`` pairs and makes some outputs."""
    inputs = tuple(
        InputPort(node_id, f"in{number}", "mount", source, port)
        for number, (source, port) in enumerate(reads)
    )
    outputs = tuple(OutputPort(node_id, each) for each in makes)
    return Node(node_id, node_id, f"{node_id}.py", FolderSource("."), inputs=inputs, outputs=outputs, **more)


def penguins() -> Graph:
    """Data, a chain, a branch, a join, an order-only edge, a parameter that two steps share."""
    graph = Graph("penguins")
    raw = graph.add_data_source("penguins.csv", ["data/penguins.csv"], is_file=True)
    lr = ((Piece("text", "--lr"),), (Piece("parameter", "lr"),))
    graph.add_node(node("prep", [(raw.node_id, "")], ["clean"]))
    graph.add_node(node("split", [("prep", "clean")], ["train", "test"]))
    graph.add_node(node("forest", [("split", "train")], ["forest_model"], arguments=lr))
    graph.add_node(node("logistic", [("split", "train")], ["logistic_model"], arguments=lr, target="gpu-box"))
    joined = [("forest", "forest_model"), ("logistic", "logistic_model"), ("split", "test")]
    graph.add_node(node("compare", joined, ["report"]))
    graph.add_node(node("notify", run_after=("compare",)))
    graph.parameters = {"lr": 0.1}
    return graph


def result(step: str, run: str = "12", seconds: float = 2.0, **more: Any) -> StepResult:
    return StepResult(KEY, run, step, step, "penguins", {}, "", 1000.0, seconds, **more)


def plan_of(graph: Graph, actions: Mapping[str, Any]) -> Plan:
    """A plan with an action for each node: ``reuse``, or ``(action, reasons)``."""
    known = Fingerprint({"parameters": {"lr": 0.1}})
    steps = []
    for each in graph.topological():
        action = actions.get(each.node_id, "reuse")
        if action == "reuse":
            steps.append(StepPlan(each.node_id, each.name, "reuse", (), known, result(each.name)))
        else:
            word, reasons = action
            steps.append(StepPlan(each.node_id, each.name, word, tuple(reasons), known, estimate=5.0))
    return Plan(graph, tuple(steps))


NEVER = Reason("never_run", text="never run")


@dataclass
class ToldRun:
    """A run that is only its graph and its events: all that a picture asks of one."""

    graph: Graph
    told: Sequence[Event]
    id: str = "14"
    interrupted: bool = False
    plan_json: Sequence[Mapping[str, Any]] = ()
    steps: list[Any] = field(default_factory=list)

    @property
    def state(self) -> RunState:
        nodes = self.graph.topological()
        started = RunStarted(
            0.0, self.id, self.graph.name, "demo", {n.node_id: n.name for n in nodes},
            {n.node_id: n.parents() for n in nodes},
        )  # fmt: skip
        state = RunState.from_started(started)
        for event in self.told:
            state.apply(event)
        return state

    @property
    def status(self) -> str:
        return "Failed" if self.interrupted else self.state.outcome

    def get_steps(self) -> list[Any]:
        return self.steps


def many(count: int, *, seed: int = 1, words: Iterable[str] = LOOKS) -> Picture:
    """A picture of so many steps, each with up to two parents among the dozen before it."""
    chance = random.Random(seed)
    known = list(words)
    nodes, edges = [], []
    for number in range(count):
        parents = sorted({chance.randrange(max(0, number - 12), number) for _ in range(2)}) if number else []
        ids = tuple(f"step_{parent:04}" for parent in parents)
        nodes.append(NodeView(f"step_{number:04}", chance.choice(known), why="never run", parents=ids))
        edges += [EdgeView(each, f"step_{number:04}", "pending", (("data", ""),)) for each in ids]
    return Picture("big", tuple(nodes), tuple(edges))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Any picture: nasty names, every status, edges from earlier to later nodes."""
    ids = draw(st.lists(names, unique=True, max_size=8))
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    data = (DataView("\x00data", draw(lines), draw(lines)),)
    for place, each in enumerate(ids):
        parents = (
            tuple(draw(st.lists(st.sampled_from(ids[:place]), unique=True, max_size=3))) if place else ()
        )
        state = draw(st.sampled_from(["there", "pending", "stopped", "order"]))
        edges += [EdgeView(parent, each, state, ((draw(lines), draw(lines)),)) for parent in parents]
        if draw(st.booleans()):
            edges.append(EdgeView("\x00data", each, "there"))
        nodes.append(
            NodeView(
                each, draw(st.sampled_from([*LOOKS, "unheard of"])), detail=draw(lines), why=draw(lines),
                advice=draw(names), key=draw(st.sampled_from(["", KEY])), target=draw(lines), parents=parents,
                seconds=draw(st.none() | st.floats(0, 1e7)), estimate=draw(st.none() | st.floats(0, 1e7)),
                before=draw(st.sampled_from(["", "done", "failed"])),
            )
        )  # fmt: skip
    takers = tuple(ids[:2])
    parameters = (ParameterView(draw(lines), draw(lines), takers),) if takers else ()
    return Picture(
        draw(lines), tuple(nodes), tuple(edges), data, parameters, draw(st.sampled_from(["", "14"]))
    )
