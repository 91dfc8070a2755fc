"""Whether the plan or a run speaks for a step: every case of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.plan import Action, Plan, StepPlan
from nbpipe.core.reason import Reason
from nbpipe.live.composition import Begun, Composed, RunSeen, compose, of_run, planned_views
from nbpipe.views.picture import NodeView
from tests.views.pictures import node, result

EDITED = Reason("code", "split.py", text="split.py line 9 changed")
UPSTREAM = Reason("upstream", "x", text="x is made again")


def chain() -> Graph:
    """Prep -> split -> train."""
    graph = Graph("chain")
    graph.add_node(node("prep", [], ["clean"]))
    graph.add_node(node("split", [("prep", "clean")], ["parts"]))
    graph.add_node(node("train", [("split", "parts")], ["model"]))
    return graph


def made_with(step: str, version: int = 1, known: str = "data") -> Fingerprint:
    """What a step is: its code, and its input's content where that is known."""
    inputs = {} if step == "prep" else {"in0": known}
    return Fingerprint({"code": {f"{step}.py": f"v{version}"}, "inputs": inputs})


def unknown(step: str, version: int = 1) -> Fingerprint:
    return Fingerprint({"code": {f"{step}.py": f"v{version}"}}, unknown=frozenset({"in0"}))


def planned(**steps: tuple[Action, Fingerprint, tuple[Reason, ...]]) -> Plan:
    graph = chain()
    found = [
        StepPlan(each, each, action, reasons, now, result(each) if action == "reuse" else None)
        for each, (action, now, reasons) in steps.items()
    ]
    return Plan(graph, tuple(found))


def as_run(**versions: int) -> Plan:
    """The plan after a good run: everything would be reused, but for steps whose version is another."""
    steps: dict[str, Any] = {}
    stale = False
    for step in ("prep", "split", "train"):
        version = versions.get(step, 1)
        if version != 1:
            steps[step] = ("run", unknown(step, version) if stale else made_with(step, version), (EDITED,))
        elif stale:
            steps[step] = ("run", unknown(step), (UPSTREAM,))
        else:
            steps[step] = ("reuse", made_with(step), ())
        stale = stale or version != 1
    return planned(**steps)


def seen(statuses: Mapping[str, str], *, live: bool = False) -> RunSeen:
    """A run whose steps stand like this; what has begun was begun with version 1."""
    prints = {each: made_with(each) for each in statuses}
    begun = {
        each: Begun(
            prints[each].key, each, outputs={"x": f"{each}-made"} if word in ("done", "reused") else {}
        )
        for each, word in statuses.items()
        if word in ("done", "reused", "failed", "running")
    }
    views = {each: NodeView(each, word) for each, word in statuses.items()}
    likeness = {each: made.likeness for each, made in prints.items()}
    return RunSeen("14", "Running" if live else "Finished", live, views, begun, likeness, prints.get)


def told(plan: Plan, run: RunSeen | None) -> list[tuple[str, str, str]]:
    made = compose(plan, run, planned_views(plan))
    return [(each.node_id, each.status, each.before) for each in made.nodes]


DONE = {"prep": "reused", "split": "done", "train": "done"}


def test_without_a_run_everything_is_plan() -> None:
    plan = as_run()
    made = compose(plan, None, planned_views(plan))
    assert [each.status for each in made.nodes] == ["will reuse"] * 3
    assert made.standing.planned == {"prep", "split", "train"}
    assert made.picture(plan.graph, {}).run == ""


def test_a_run_that_ended_shows_its_results_until_something_changes() -> None:
    run = seen(DONE)
    plan = as_run()
    made = compose(plan, run, planned_views(plan))
    assert [each.status for each in made.nodes] == ["reused", "done", "done"]
    assert made.standing.planned == frozenset()
    assert made.picture(plan.graph, {}).run == "14"


def test_an_edit_shows_the_plan_of_the_step_and_its_descendants_with_how_they_ended() -> None:
    run = seen(DONE)
    assert told(as_run(split=2), run) == [
        ("prep", "reused", ""),
        ("split", "will run", "done"),
        ("train", "will run", "done"),
    ]
    plan = as_run(split=2)
    assert compose(plan, run, planned_views(plan)).picture(plan.graph, {}).run == ""


def test_an_edit_taken_back_shows_the_results_again() -> None:
    assert told(as_run(), seen(DONE)) == [
        ("prep", "reused", ""),
        ("split", "done", ""),
        ("train", "done", ""),
    ]


def test_a_live_run_is_shown_for_what_it_has_not_settled_whatever_was_edited() -> None:
    run = seen({"prep": "done", "split": "running", "train": "new"}, live=True)
    assert told(as_run(split=2, train=3), run) == [
        ("prep", "done", ""),
        ("split", "running", ""),
        ("train", "new", ""),
    ]


def test_what_a_live_run_has_settled_and_was_edited_since_shows_its_plan() -> None:
    run = seen({"prep": "done", "split": "done", "train": "running"}, live=True)
    assert told(as_run(split=2), run)[1] == ("split", "will run", "done")


def test_a_plan_made_before_a_step_settled_does_not_contradict_it() -> None:
    """While a run goes on nobody plans: the plan still says what it said at submit."""
    plan = planned(
        prep=("run", made_with("prep"), (Reason("never_run", text="never run"),)),
        split=("run", unknown("split"), (UPSTREAM,)),
        train=("run", unknown("train"), (UPSTREAM,)),
    )
    run = seen({"prep": "done", "split": "done", "train": "running"}, live=True)
    assert [word for _, word, _ in told(plan, run)] == ["done", "done", "running"]


def test_a_failed_step_stays_failed_until_it_is_edited() -> None:
    run = seen({"prep": "done", "split": "failed", "train": "blocked"})
    again = (Reason("failed", "14", "failed", text="failed in run 14"),)
    plan = planned(
        prep=("reuse", made_with("prep"), ()),
        split=("run", made_with("split"), again),
        train=("run", unknown("train"), (UPSTREAM,)),
    )
    assert [word for _, word, _ in told(plan, run)] == ["done", "failed", "blocked"]
    assert told(as_run(split=2), run) == [
        ("prep", "done", ""),
        ("split", "will run", "failed"),
        ("train", "will run", ""),
    ]


def test_a_step_that_was_never_begun_shows_its_plan_once_it_is_edited() -> None:
    run = seen({"prep": "done", "split": "cancelled", "train": "cancelled"})
    plan = as_run(split=1)
    stopped = planned(
        prep=("reuse", made_with("prep"), ()),
        split=("run", made_with("split"), (Reason("never_run", text="never run"),)),
        train=("run", unknown("train"), (UPSTREAM,)),
    )
    assert [word for _, word, _ in told(stopped, run)] == ["done", "cancelled", "cancelled"]
    assert told(as_run(train=2), run)[2][1] == "will run"
    assert told(plan, run)[0][1] == "done"


def test_data_that_changed_shows_the_plan() -> None:
    other = replace(made_with("split"), parts={"code": {"split.py": "v1"}, "inputs": {"in0": "other"}})
    plan = planned(
        prep=("reuse", made_with("prep"), ()),
        split=("run", other, (Reason("inputs", "in0", text="clean changed"),)),
        train=("run", unknown("train"), (UPSTREAM,)),
    )
    assert [word for _, word, _ in told(plan, seen(DONE))] == ["reused", "will run", "will run"]


@pytest.mark.parametrize("kind", ["output_missing"])
def test_a_result_that_is_gone_shows_the_plan(kind: Any) -> None:
    gone = (Reason(kind, "parts", text="{parts} of run 14 is gone"),)
    plan = planned(
        prep=("reuse", made_with("prep"), ()),
        split=("run", made_with("split"), gone),
        train=("run", unknown("train"), (UPSTREAM,)),
    )
    assert told(plan, seen(DONE))[1] == ("split", "will run", "done")


def test_steps_that_a_run_does_not_have_show_their_plan() -> None:
    run = seen({"prep": "done"})
    assert [word for _, word, _ in told(as_run(), run)] == ["done", "will reuse", "will reuse"]


def test_outputs_that_are_there_are_those_of_what_is_shown() -> None:
    plan = as_run(train=2)
    made = compose(plan, seen(DONE), planned_views(plan))
    assert made.outputs == {("prep", "x"): "prep-made", ("split", "x"): "split-made"}


def test_a_run_alone_is_shown_as_it_is() -> None:
    run = seen(DONE)
    made: Composed = of_run(chain(), run)
    assert [each.status for each in made.nodes] == ["reused", "done", "done"]
    assert made.picture(chain(), {}).outcome == "Finished"


def test_a_run_of_another_notebook_whose_pipeline_has_the_same_name_is_none_of_ours() -> None:
    run = seen({"prep": "running", "split": "new", "train": "new"}, live=True)
    theirs = replace(run, sources=dict.fromkeys(run.views, "elsewhere/steps/prep.py"))
    plan = as_run()
    made = compose(plan, theirs, planned_views(plan))
    assert [each.status for each in made.nodes] == ["will reuse"] * 3
    assert (made.run, made.standing.live, made.picture(plan.graph, {}).run) == (None, False, "")


def test_a_run_from_the_same_scripts_is_ours_wherever_it_was_started() -> None:
    run = seen({"prep": "running", "split": "new", "train": "new"}, live=True)
    ours = replace(run, sources={each: f"./{each}.py" for each in run.views})
    assert [word for _, word, _ in told(as_run(), ours)] == ["running", "new", "new"]
