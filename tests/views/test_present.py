"""Pictures made of real plans, and of runs told by their events."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from nbpipe.core.events import (
    StepBlocked,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepMoved,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
)
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.plan import Plan, plan_to_json
from nbpipe.core.reason import Reason
from nbpipe.core.result import Attempt
from nbpipe.errors import StoreError
from nbpipe.views.picture import EdgeView, NodeView, Picture
from nbpipe.views.present import data_note, picture_of
from tests.views.pictures import KEY, NEVER, ToldRun, node, penguins, plan_of, result

EDITED = Reason("code", "forest.py", text="forest.py line 12 changed")


def by_id(picture: Picture) -> dict[str, NodeView]:
    return {each.node_id: each for each in picture.nodes}


def edge(picture: Picture, source: str, dest: str) -> EdgeView:
    return next(each for each in picture.edges if (each.source, each.dest) == (source, dest))


def test_a_plan_shows_what_will_be_and_why() -> None:
    plan = plan_of(
        penguins(), {"forest": ("run", [EDITED]), "compare": ("maybe", [Reason("upstream", text="if")])}
    )
    picture = picture_of(plan)
    nodes = by_id(picture)
    assert (nodes["prep"].status, nodes["prep"].why) == ("will reuse", "same as run 12")
    assert (nodes["forest"].status, nodes["forest"].why) == ("will run", "forest.py line 12 changed")
    assert nodes["compare"].status == "maybe"
    assert nodes["logistic"].target == "gpu-box"
    assert nodes["prep"].seconds == 2.0
    assert nodes["forest"].estimate == 5.0
    assert picture.summary == "1 will run, 1 may run, 4 reused (8.0 s saved)"


def test_edges_tell_where_data_are_and_name_them_once() -> None:
    picture = picture_of(
        plan_of(penguins(), {"forest": ("run", [EDITED]), "logistic": ("blocked", [EDITED])})
    )
    assert edge(picture, "prep", "split").state == "there"
    assert edge(picture, "forest", "compare").state == "pending"
    assert edge(picture, "logistic", "compare").state == "stopped"
    assert edge(picture, "compare", "notify").state == "order"
    assert edge(picture, "split", "forest").labels == (("train", ""),)
    assert edge(picture, picture.data[0].node_id, "prep").labels == ()
    assert [(each.name, each.value, each.takers) for each in picture.parameters] == [
        ("lr", "0.1", ("forest", "logistic"))
    ]


def test_several_outputs_from_one_step_to_another_are_one_edge() -> None:
    graph = Graph("demo")
    graph.add_node(node("a", makes=["x", "y"]))
    graph.add_node(node("b", [("a", "x"), ("a", "y"), ("a", "x")], run_after=("a",)))
    (only,) = picture_of(plan_of(graph, {})).edges
    assert only == EdgeView("a", "b", "there", (("x", ""), ("y", "")))


def test_what_is_known_of_data_stands_beside_its_name() -> None:
    plan = plan_of(penguins(), {})
    known = Fingerprint({}, {"inputs": {"in0": {"name": "penguins.csv", "rows": 344, "bytes": 17021}}})
    picture = picture_of(Plan(plan.graph, (replace(plan.steps[0], fingerprint=known), *plan.steps[1:])))
    assert picture.data[0].note == "344 rows · 17 KB"
    assert data_note({}) == ""


def test_a_step_that_failed_last_keeps_that_in_its_plan() -> None:
    plan = plan_of(penguins(), {"prep": ("run", [EDITED])})
    attempt = Attempt(KEY, "11", "penguins", "failed", 0.0, Fingerprint({}))
    picture = picture_of(Plan(plan.graph, (replace(plan.steps[0], compared=attempt), *plan.steps[1:])))
    assert by_id(picture)["prep"].before == "failed"


def test_an_accepted_result_is_said_to_be_one() -> None:
    plan = plan_of(penguins(), {})
    step = replace(plan.steps[0], result=result("prep", accepted_from="9"))
    picture = picture_of(Plan(plan.graph, (step, *plan.steps[1:])))
    assert picture.nodes[0].why == "accepted from run 9"


STARTED = StepStarted(5.0, "split", 1, KEY, "f", [EDITED.to_json()], estimate=12.0)
STORY = [
    StepReused(1.0, "prep", KEY, "12", 0.0, {"clean": "d"}, 8.1, note="only comments changed"),
    STARTED,
    StepFinished(6.0, "split", 1, {}, 1.4, 1.0, 0),
    StepStarted(7.0, "forest", 1, KEY, "f", [EDITED.to_json()], estimate=12.0),
    StepStarted(7.0, "logistic", 1, KEY, "f", [NEVER.to_json()]),
    StepFailed(9.0, "logistic", 1, "exit", "ValueError: NaN", code=1, line=31, remedy="drop them", wall=2.3),
    StepBlocked(9.0, "compare", "logistic (failed)"),
]


def test_a_run_shows_what_is_and_its_waiting_steps_what_will_be() -> None:
    graph = penguins()
    planned = plan_to_json(plan_of(graph, {"notify": ("run", [NEVER])}))
    picture = picture_of(ToldRun(graph, STORY, plan_json=planned))
    nodes = by_id(picture)
    assert {each.node_id: each.words for each in picture.nodes} == {
        "prep": "reused", "split": "done", "forest": "running", "logistic": "failed · line 31",
        "compare": "blocked", "notify": "new",
    }  # fmt: skip
    assert nodes["prep"].why == "from run 12 (only comments changed)"
    assert nodes["split"].why == "ran: forest.py line 12 changed"
    assert (nodes["forest"].started, nodes["forest"].estimate) == (7.0, 12.0)
    assert (nodes["logistic"].why, nodes["logistic"].advice) == ("ValueError: NaN", "drop them")
    assert nodes["compare"].why == "waits for logistic (failed)"
    assert picture.outcome == "Running"
    assert picture.summary == "4 of 6 settled, 1 failed"
    assert edge(picture, "logistic", "compare").state == "stopped"
    assert edge(picture, "split", "forest").state == "there"


def test_what_was_noted_of_a_finished_step_is_told() -> None:
    graph = Graph("demo")
    graph.add_node(node("a"))
    started = StepStarted(0.0, "a", 1, KEY, "f", [EDITED.to_json()])
    noted = StepNoted(1.0, "a", "a is not deterministic (x.bin): its descendants always rerun")
    picture = picture_of(ToldRun(graph, [started, noted, StepFinished(1.0, "a", 1, {}, 1.4, 1.0, 0)]))
    told = "is not deterministic (x.bin): its descendants always rerun"
    assert picture.nodes[0].why == f"ran: forest.py line 12 changed; {told}"


def test_an_accepted_result_of_a_run_is_said_to_be_one_once() -> None:
    graph = Graph("demo")
    graph.add_node(node("a"))
    reused = StepReused(1.0, "a", KEY, "12", 0.0, {}, 8.1, accepted=True, note="accepted")
    assert picture_of(ToldRun(graph, [reused])).nodes[0].why == "accepted from run 12"


def test_a_step_that_waits_or_tries_again_is_queued() -> None:
    graph = Graph("demo")
    graph.add_node(node("a"))
    waiting = picture_of(ToldRun(graph, [StepQueued(0.0, "a", "a slot")])).nodes[0]
    assert (waiting.status, waiting.why) == ("queued", "waits for a slot")
    story = [
        StepStarted(0.0, "a", 1, KEY, "f", []),
        StepFailed(1.0, "a", 1, "exit", "a: lost", will_retry=True, line=3),
    ]
    again = picture_of(ToldRun(graph, story)).nodes[0]
    assert (again.words, again.why) == ("queued", "failed, tries again: lost")


@pytest.mark.parametrize(
    ("moved", "status", "why"),
    [
        (StepMoved(2.0, "a", "queued", why="Resources"), "queued", "waits: Resources"),
        (
            StepMoved(2.0, "a", "sending", "gpu-box", done=12_000_000, total=40_000_000, rate=9e6),
            "queued",
            "sending 12 of 40 MB, 3.1 s left",
        ),
        (StepMoved(2.0, "a", "running", "n2"), "running", "first run"),
        (StepMoved(2.0, "a", "away", "n2"), "running", "connection lost; it goes on there"),
        (StepMoved(2.0, "a", "fetching", "n2", done=1000, total=3000), "running", "fetching 1.0 of 3.0 KB"),
    ],
)
def test_a_step_on_another_machine_says_where_it_stands(moved: StepMoved, status: str, why: str) -> None:
    graph = Graph("demo")
    graph.add_node(replace(node("a"), target="hpc"))
    begun = StepStarted(0.0, "a", 1, KEY, "f", [NEVER.to_json()])
    shown = picture_of(ToldRun(graph, [begun, moved])).nodes[0]
    assert (shown.status, shown.why) == (status, why)
    assert (shown.started is None) == (status == "queued")


def test_a_node_names_its_target_and_the_machine_there_and_counts_from_the_start_there() -> None:
    graph = Graph("demo")
    graph.add_node(replace(node("a"), target="hpc"))
    story = [
        StepStarted(0.0, "a", 1, KEY, "f", [NEVER.to_json()]),
        StepMoved(1.0, "a", "queued", why="Resources"),
        StepMoved(5.0, "a", "running", "n2"),
        StepMoved(6.0, "a", "fetching", "n2"),
    ]
    shown = picture_of(ToldRun(graph, story)).nodes[0]
    assert (shown.target, shown.started, shown.detail) == ("hpc · n2", 5.0, "")
    ended = picture_of(ToldRun(graph, [*story, StepFinished(9.0, "a", 1, {}, 1.0, 1.0, 0)])).nodes[0]
    assert (ended.target, ended.status, ended.why) == ("hpc · n2", "done", "first run")


def test_a_step_without_a_reason_or_line_is_shown_without() -> None:
    graph = Graph("demo")
    graph.add_node(node("a"))
    first = [StepStarted(0.0, "a", 1, KEY, "f", [NEVER.to_json()])]
    assert (
        picture_of(ToldRun(graph, [*first, StepFinished(1.0, "a", 1, {}, 1.0, 1.0, 0)])).nodes[0].why
        == "first run"
    )
    ended = picture_of(ToldRun(graph, [*first, StepFailed(1.0, "a", 1, "exit", "code 3", code=3)])).nodes[0]
    assert ended.words == "failed · exit 3"
    stopped = picture_of(ToldRun(graph, [*first, StepCancelled(1.0, "a", "you", 4.0)])).nodes[0]
    assert (stopped.status, stopped.why, stopped.seconds) == ("cancelled", "stopped by you", 4.0)


def test_a_run_whose_runner_is_gone_has_no_step_that_runs_or_waits() -> None:
    picture = picture_of(ToldRun(penguins(), STORY, interrupted=True))
    nodes = by_id(picture)
    assert (nodes["forest"].status, nodes["forest"].why) == ("failed", "the run was interrupted")
    assert nodes["notify"].status == "cancelled"
    assert nodes["split"].status == "done"
    assert picture.outcome == "Failed"


class Gone:
    @property
    def size(self) -> int:
        raise StoreError("gone")


def test_sizes_of_outputs_stand_at_their_edges_unless_they_are_gone_or_not_wanted() -> None:
    steps = [
        SimpleNamespace(node_id="prep", get_outputs=lambda: {"clean": SimpleNamespace(size=17_021)}),
        SimpleNamespace(node_id="split", get_outputs=lambda: {"train": Gone()}),
    ]
    run = ToldRun(penguins(), STORY, steps=steps)
    assert edge(picture_of(run), "prep", "split").labels == (("clean", "17 KB"),)
    assert edge(picture_of(run), "split", "forest").labels == (("train", ""),)
    assert edge(picture_of(run, sizes=False), "prep", "split").labels == (("clean", ""),)


def test_a_picture_is_its_own_picture() -> None:
    picture = Picture("demo")
    assert picture_of(picture) is picture
