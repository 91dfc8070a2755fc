"""The plan: REUSE, RUN, MAYBE, BLOCKED as defined, and what it says the run does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.fingerprint import Fingerprint, digest_of
from nbpipe.core.graph import Graph
from nbpipe.core.plan import Decision, Flags, Ingredients, Plan, decide, make_plan, plan_to_json
from nbpipe.core.result import Attempt, StepResult
from nbpipe.errors import UnknownName
from tests.core.test_validation import graph_of


@dataclass(frozen=True)
class Step:
    """A step of a small world: what it reads, waits for, and how its code and its own data are now.

    Codes 1 and 2 make equal bytes, so an edit may be cut off early.
    """

    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    code: int = 0
    raw: int | None = None
    allow_reuse: bool = True
    broken: bool = False
    missing: bool = False

    def made(self, inputs: dict[str, str]) -> str:
        return digest_of([min(self.code, 1), self.raw, inputs])

    def fingerprint(self, identity: str) -> Fingerprint:
        """With an identity, so that no two steps answer for each other."""
        parts = {
            "version": {"version": identity},
            "code": {"a.py": str(self.code)},
            "inputs": {} if self.raw is None else {"raw": str(self.raw)},
        }
        evidence = {"inputs": {name: {"name": name, "from": name} for name in self.reads}}
        return Fingerprint(parts, evidence, frozenset(self.reads))


World = dict[str, Step]


@dataclass
class Recalled:
    """What earlier runs left, kept in memory."""

    results: dict[str, StepResult] = field(default_factory=dict)
    lost: dict[str, tuple[str, str]] = field(default_factory=dict)
    history: dict[str, list[Attempt]] = field(default_factory=dict)
    made_with: dict[str, Fingerprint] = field(default_factory=dict)

    def result(self, key: str) -> StepResult | None:
        return self.results.get(key)

    def lost_output(self, key: str) -> tuple[str, str] | None:
        return self.lost.get(key)

    def attempts(self, step: str) -> Sequence[Attempt]:
        return self.history.get(step, [])

    def refresh(self) -> None:
        """Nothing is remembered of what was asked before."""

    def alike(self, fingerprint: Fingerprint) -> Sequence[StepResult]:
        return [result for result in self.results.values() if result.likeness == fingerprint.likeness]

    def read(self, digest: str) -> str | None:
        return None

    def lose(self, key: str) -> None:
        self.lost[key] = ("out", self.results.pop(key).run)


def graph_for(world: World) -> Graph:
    order = frozenset((name, parent) for name, step in world.items() for parent in step.after)
    graph = graph_of({name: [*step.reads, *step.after] for name, step in world.items()}, ordered=order)
    for name, step in world.items():
        if not step.allow_reuse:
            graph._nodes[name] = replace(graph.get_node(name), allow_reuse=False)
    return graph


def plan_of(world: World, memory: Recalled, forced: frozenset[str] = frozenset()) -> Plan:
    known = {
        name: Ingredients(step.fingerprint(name), "no file raw.csv" if step.missing else "")
        for name, step in world.items()
    }
    flags = {name: Flags(name in forced, step.allow_reuse) for name, step in world.items()}
    return make_plan(graph_for(world), known, memory, flags)


def execute(
    world: World, memory: Recalled, run: str, forced: frozenset[str] = frozenset()
) -> tuple[dict[str, str], dict[str, Decision]]:
    """Run a world as the runner does: decide on each step once all it waits for is good."""
    did: dict[str, str] = {}
    decided: dict[str, Decision] = {}
    made: dict[str, str] = {}
    for node in graph_for(world).topological():
        name, step = node.node_id, world[node.node_id]
        if step.missing or any(did[parent] not in ("run", "reuse") for parent in node.parents()):
            did[name] = "blocked"
            continue
        inputs = {parent: made[parent] for parent in step.reads}
        fingerprint = step.fingerprint(name).with_inputs(inputs)
        decision = decided[name] = decide(
            fingerprint, name, "p", memory, Flags(name in forced, step.allow_reuse)
        )
        if decision.result:
            did[name], made[name] = "reuse", decision.result.outputs["out"]
            continue
        did[name] = "failed" if step.broken else "run"
        attempts = memory.history.setdefault(name, [])
        status = "failed" if step.broken else "finished"
        attempts.append(Attempt(fingerprint.key, run, "p", status, float(len(attempts)), fingerprint, 2.0))
        if not step.broken:
            made[name] = step.made(inputs)
            memory.lost.pop(fingerprint.key, None)
            memory.made_with[fingerprint.key] = fingerprint
            memory.results[fingerprint.key] = StepResult(
                fingerprint.key, run, name, name, "p", {"out": made[name]}, "", 0.0, 2.0,
                likeness=fingerprint.likeness, inputs=fingerprint.part("inputs"),
            )  # fmt: skip
    return did, decided


def expected(world: World, memory: Recalled, forced: frozenset[str]) -> dict[str, str]:
    """The definition, word by word: for each step, every stored result is tried against every part known."""
    actions: dict[str, str] = {}
    made: dict[str, str] = {}
    for node in graph_for(world).topological():
        name, step = node.node_id, world[node.node_id]
        open_inputs = [parent for parent in step.reads if actions[parent] != "reuse"]
        stored = [
            (result, memory.made_with[key]) for key, result in memory.results.items() if result.node == name
        ]
        known = {parent: made[parent] for parent in step.reads if parent in made}
        known |= {} if step.raw is None else {"raw": str(step.raw)}

        def fits(inputs: dict[str, str], step: Step = step, known: dict[str, str] = known) -> bool:
            names = {*step.reads, *known}
            return inputs.keys() == names and all(inputs[each] == digest for each, digest in known.items())

        fitting = [
            result
            for result, made_with in stored
            if made_with.part("code")["a.py"] == str(step.code) and fits({**made_with.part("inputs")})
        ]
        if step.missing or any(actions[parent] == "blocked" for parent in node.parents()):
            actions[name] = "blocked"
        elif name in forced or not step.allow_reuse or not fitting:
            actions[name] = "run"
        elif open_inputs:
            actions[name] = "maybe"
        else:
            actions[name], made[name] = "reuse", fitting[-1].outputs["out"]
    return actions


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = "abcdef"[: draw(st.integers(1, 6))]
    world: World = {}
    for place, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:place]), unique=True, max_size=3) if place else st.just([])
        reads = tuple(draw(earlier))
        after = tuple(each for each in draw(earlier) if each not in reads)
        world[name] = Step(reads, after, raw=draw(st.none() | st.integers(0, 1)))
    return world


def edited(draw: st.DataObject, world: World) -> World:
    """The world with a few things changed: code, data, reuse, a defect, a file that is gone, an input."""
    changed = dict(world)
    for name in draw.draw(st.lists(st.sampled_from(sorted(world)), max_size=3)):
        step = changed[name]
        changes = [
            {"code": draw.draw(st.integers(0, 2))}, {"broken": not step.broken}, {"allow_reuse": not step.allow_reuse},
            {"missing": not step.missing}, {"raw": draw.draw(st.none() | st.integers(0, 1))}, {"reads": step.reads[1:]},
        ]  # fmt: skip
        changed[name] = replace(step, **draw.draw(st.sampled_from(changes)))
    return changed


@given(worlds(), st.data())
def test_the_plan_is_as_defined_and_the_run_does_what_it_says(world: World, draw: st.DataObject) -> None:
    memory = Recalled()
    for number in range(draw.draw(st.integers(0, 4))):
        execute(world, memory, str(number))
        world = edited(draw, world)
    for key in draw.draw(
        st.lists(st.sampled_from(sorted(memory.results)), unique=True) if memory.results else st.just([])
    ):
        memory.lose(key)
    for name in draw.draw(st.sets(st.sampled_from(sorted(world)))):
        memory.history.pop(name, None)  # of which no word of the plan depends
    forced = frozenset(draw.draw(st.sets(st.sampled_from(sorted(world)), max_size=1)))
    plan = plan_of(world, memory, forced)

    assert {step.node_id: step.action for step in plan} == expected(world, memory, forced)
    assert all(step.reasons for step in plan if step.action != "reuse")
    assert all(not step.reasons for step in plan if step.action == "reuse")
    assert json.loads(json.dumps(plan_to_json(plan)))

    did, decided = execute(world, memory, "now", forced)
    may = {
        "reuse": {"reuse", "blocked"},
        "run": {"run", "failed", "blocked"},
        "maybe": {"reuse", "run", "failed", "blocked"},
        "blocked": {"blocked"},
    }
    for step in plan:
        assert did[step.node_id] in may[step.action]
        above = {did[each] for each in plan.graph.ancestors([step.node_id])}
        stopped = world[step.node_id].missing or bool({"failed", "blocked"} & above)
        assert (did[step.node_id] == "blocked") == stopped
        decision = decided.get(step.node_id)
        if decision and not step.fingerprint.unknown:
            assert decision.reasons == tuple(replace(reason, root="") for reason in step.reasons)


class Again:
    """Plans one world after another as a notebook's edits follow each other: what is the same keeps its object."""

    def __init__(self, memory: Recalled) -> None:
        self.memory = memory
        self.plan: Plan | None = None
        self._graph = Graph()
        self._known: dict[str, tuple[Step, Ingredients]] = {}

    def after(self, world: World, asked: frozenset[str] | None = None) -> Plan:
        """The plan of a world; what is asked about is, if nothing is given, what is another and what that needs."""
        graph = graph_for(world)
        for name, node in graph.node_dict.items():
            before = self._graph.node_dict.get(name)
            graph._nodes[name] = before if before == node else node
            if name not in self._known or self._known[name][0] != world[name]:
                problem = "no file raw.csv" if world[name].missing else ""
                self._known[name] = world[name], Ingredients(world[name].fingerprint(name), problem)
        changed = {
            name
            for name, node in graph.node_dict.items()
            if self._graph.node_dict.get(name) is not node
            or self.plan is None
            or self.plan.made_of[name][0] is not self._known[name][1]
        }
        asked = changed | graph.ancestors(changed) if asked is None else asked
        flags = {name: Flags(allow_reuse=step.allow_reuse) for name, step in world.items()}
        known = {name: self._known[name][1] for name in world}
        self._graph = graph
        self.plan = make_plan(graph, known, self.memory, flags, since=self.plan, asked=asked)
        return self.plan


def with_steps_more_or_less(draw: st.DataObject, world: World) -> World:
    """The world with a step taken out, and one put in that reads some of the others."""
    gone = draw.draw(st.none() | st.sampled_from(sorted(world)))
    left = {
        name: replace(
            step,
            reads=tuple(each for each in step.reads if each != gone),
            after=tuple(each for each in step.after if each != gone),
        )
        for name, step in world.items()
        if name != gone
    }
    if not left or draw.draw(st.booleans()):
        reads = draw.draw(st.lists(st.sampled_from(sorted(left)), unique=True, max_size=2)) if left else []
        name = draw.draw(st.sampled_from([name for name in "abcdefghijkl" if name not in left]))
        left[name] = Step(tuple(reads))
    return left


@given(worlds(), st.data())
def test_after_any_edits_what_they_reach_planned_anew_is_the_plan_made_from_scratch(
    world: World, draw: st.DataObject
) -> None:
    memory = Recalled()
    for number in range(draw.draw(st.integers(0, 3))):
        execute(world, memory, str(number))
        world = edited(draw, world)
    again = Again(memory)
    for _ in range(draw.draw(st.integers(1, 5))):
        asked = draw.draw(st.none() | st.frozensets(st.sampled_from(sorted(world))))
        assert again.after(world, asked).steps == plan_of(world, memory).steps
        world = edited(draw, world) if draw.draw(st.booleans()) else with_steps_more_or_less(draw, world)
    assert again.after(world).steps == plan_of(world, memory).steps


def test_what_no_edit_reaches_is_asked_nothing_and_keeps_its_plan() -> None:
    world = CHAIN | {"beside": Step(raw=1), "below": Step(("beside",))}
    again = Again(after_a_run(world))
    assert again.after(world).whole
    before = {step.node_id: step for step in again.after(world)}
    for name in ("beside", "below"):
        again.memory.lose(before[name].fingerprint.key)  # nobody is to see that
    plan = again.after(world | {"split": replace(world["split"], code=1)})
    assert not plan.whole
    assert [step.node_id for step in plan if step is not before[step.node_id]] == ["split", "train"]
    assert plan["below"].action == "reuse"


def test_a_whole_plan_keeps_the_plans_of_steps_that_are_as_they_were() -> None:
    memory = after_a_run()
    known = {name: Ingredients(step.fingerprint(name)) for name, step in CHAIN.items()}
    first = make_plan(graph_for(CHAIN), known, memory)
    second = make_plan(graph_for(CHAIN), known, memory, since=first)
    assert second.whole
    assert all(one is other for one, other in zip(first, second, strict=True))
    memory.lose(first["split"].fingerprint.key)
    third = make_plan(graph_for(CHAIN), known, memory, since=second)
    assert [step.node_id for step in third if step is not first[step.node_id]] == ["split", "train"]
    assert third.steps == make_plan(graph_for(CHAIN), known, memory).steps


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0.0, -0.0)])
def test_a_value_that_python_calls_equal_is_planned_anew(old: object, new: object) -> None:
    first, second = (
        make_plan(
            graph_of({"a": []}), {"a": Ingredients(Fingerprint({"parameters": {"lr": value}}))}, Recalled()
        )
        for value in (old, new)
    )
    known = {"a": Ingredients(second["a"].fingerprint)}
    again = make_plan(graph_of({"a": []}), known, Recalled(), since=first)
    assert again["a"].fingerprint.key == second["a"].fingerprint.key != first["a"].fingerprint.key


def test_a_step_that_no_longer_waits_for_a_blocked_one_is_planned_anew() -> None:
    waits = graph_of({"a": [], "b": ["a"]}, ordered=frozenset({("b", "a")}))
    known = {"a": Ingredients(Fingerprint({}), "no file raw.csv"), "b": Ingredients(Fingerprint({}))}
    blocked = make_plan(waits, known, Recalled())
    assert blocked["b"].action == "blocked"
    alone = make_plan(graph_of({"a": [], "b": []}), known, Recalled(), since=blocked, asked=())
    assert alone["b"].action == "run"


def test_a_problem_that_comes_or_goes_is_seen_though_all_else_is_the_same() -> None:
    graph, fingerprint = graph_of({"a": []}), Fingerprint({})
    plan = make_plan(graph, {"a": Ingredients(fingerprint)}, Recalled())
    for problem, action in (("no file raw.csv", "blocked"), ("no file b.csv", "blocked"), ("", "run")):
        known = {"a": Ingredients(fingerprint, problem)}
        plan = make_plan(graph, known, Recalled(), since=plan, asked=())
        assert (plan["a"].action, plan["a"].why if problem else "") == (action, problem)


def test_a_step_that_was_forced_is_decided_again() -> None:
    memory = after_a_run()
    known = {name: Ingredients(step.fingerprint(name)) for name, step in CHAIN.items()}
    graph = graph_for(CHAIN)
    forced = make_plan(graph, known, memory, {"split": Flags(forced=True)})
    plan = make_plan(graph, known, memory, since=forced, asked=())
    assert {step.action for step in plan} == {"reuse"}


CHAIN = {
    "prep": Step(raw=0),
    "split": Step(("prep",)),
    "train": Step(("split",)),
    "report": Step(after=("train",)),
}


def after_a_run(world: World = CHAIN) -> Recalled:
    memory = Recalled()
    execute(world, memory, "1")
    return memory


def statuses(plan: Plan) -> dict[str, str]:
    return {step.name: step.status for step in plan}


def test_all_is_new_at_first_and_reused_afterwards() -> None:
    assert set(statuses(plan_of(CHAIN, Recalled())).values()) == {"new"}
    plan = plan_of(CHAIN, after_a_run())
    assert set(statuses(plan).values()) == {"will reuse"}
    assert (plan.count("reuse"), plan.count("run", "maybe"), plan.saved) == (4, 0, 8.0)


def test_an_edit_reruns_its_step_and_may_rerun_its_descendants() -> None:
    plan = plan_of(CHAIN | {"split": replace(CHAIN["split"], code=1)}, after_a_run())
    assert statuses(plan) == {
        "prep": "will reuse",
        "split": "will run",
        "train": "maybe",
        "report": "will reuse",
    }
    assert (plan["split"].why, plan["train"].why) == (
        "a.py changed", "reused if out comes out equal ← a.py",
    )  # fmt: skip
    assert plan["train"].result is not None
    assert plan.saved == 4.0


def test_an_edit_that_makes_equal_bytes_is_cut_off_early() -> None:
    world = CHAIN | {"split": replace(CHAIN["split"], code=1)}
    memory = after_a_run(world)
    did, _ = execute(CHAIN | {"split": replace(CHAIN["split"], code=2)}, memory, "2")
    assert did == {"prep": "reuse", "split": "run", "train": "reuse", "report": "reuse"}


def test_an_edit_on_both_sides_of_a_step_names_both() -> None:
    world = CHAIN | {"prep": replace(CHAIN["prep"], raw=1), "train": replace(CHAIN["train"], code=1)}
    plan = plan_of(world, after_a_run())
    assert statuses(plan) == {
        "prep": "will run",
        "split": "maybe",
        "train": "will run",
        "report": "will reuse",
    }
    assert [str(reason) for reason in plan["train"].reasons] == [
        "a.py changed", "out may change ← raw: content",
    ]  # fmt: skip
    assert plan["train"].why == "a.py changed +1"


def test_a_result_whose_known_inputs_were_others_makes_no_step_maybe() -> None:
    """What is to come may come out equal; what is here already does not."""
    world = {"first": Step(), "second": Step(reads=("first",), raw=0)}
    memory = after_a_run(world)
    edited = {"first": Step(code=1), "second": Step(reads=("first",), raw=1)}
    assert statuses(plan_of(edited, memory)) == {"first": "will run", "second": "will run"}
    back = edited | {"second": world["second"]}
    assert statuses(plan_of(back, memory)) == {"first": "will run", "second": "maybe"}


def test_an_order_alone_makes_nothing_run() -> None:
    world = {"first": Step(), "second": Step(after=("first",))}
    plan = plan_of(world | {"first": Step(code=1)}, after_a_run(world))
    assert statuses(plan) == {"first": "will run", "second": "will reuse"}


def test_a_root_cause_goes_through_every_step_between() -> None:
    plan = plan_of(CHAIN, after_a_run(), frozenset({"prep"}))
    assert plan["prep"].why == "forced"
    assert [plan[name].reasons[0].root for name in ("split", "train")] == ["prep forced"] * 2


def test_what_cannot_exist_blocks_all_below() -> None:
    plan = plan_of(CHAIN | {"split": replace(CHAIN["split"], missing=True)}, after_a_run())
    assert statuses(plan) == {
        "prep": "will reuse",
        "split": "blocked",
        "train": "blocked",
        "report": "blocked",
    }
    assert [plan[name].why for name in ("split", "train", "report")] == [
        "no file raw.csv", "waits for split (blocked) ← no file raw.csv", "waits for train (blocked) ← no file raw.csv",
    ]  # fmt: skip


def test_a_failed_step_runs_again_and_says_where_it_failed() -> None:
    world = CHAIN | {"train": replace(CHAIN["train"], broken=True)}
    plan = plan_of(CHAIN, after_a_run(world))
    assert (plan["train"].status, plan["train"].why) == ("will run", "failed in run 1")
    assert plan["report"].status == "new"


def test_an_edit_after_a_failure_is_compared_with_the_last_good_run() -> None:
    memory = after_a_run()
    broken = CHAIN | {"prep": replace(CHAIN["prep"], code=1, broken=True)}
    execute(broken, memory, "2")
    step = plan_of(CHAIN | {"prep": replace(CHAIN["prep"], code=2)}, memory)["prep"]
    assert (step.why, step.compared.run) == ("a.py changed", "1")


def test_a_result_that_is_gone_is_a_reason() -> None:
    memory = after_a_run()
    memory.lose(memory.attempts("prep")[0].key)
    assert plan_of(CHAIN, memory)["prep"].why == "{out} of run 1 is gone"
    memory.lost.clear()
    assert plan_of(CHAIN, memory)["prep"].why == "its result of run 1 is gone"


def test_reuse_that_is_off_is_a_reason_whatever_is_known() -> None:
    world = {name: replace(step, allow_reuse=False) for name, step in CHAIN.items()}
    plan = plan_of(world, after_a_run(world))
    assert {step.why for step in plan} == {"reuse is switched off (--no-reuse)"}
    assert [reason.kind for step in plan for reason in step.reasons] == ["reuse_off"] * 4


def test_the_declaration_says_whether_reuse_is_off() -> None:
    world = {"prep": Step(allow_reuse=False)}
    known = {"prep": Ingredients(world["prep"].fingerprint("prep"))}
    assert make_plan(graph_for(world), known, after_a_run(world))["prep"].reasons[0].kind == "reuse_off"


def test_an_input_taken_away_is_a_reason() -> None:
    world = {"a": Step(), "b": Step(), "c": Step(("a", "b"))}
    plan = plan_of(world | {"c": Step(("a",))}, after_a_run(world))
    assert plan["c"].why == "b is no longer an input"


def test_an_input_put_in_is_no_match_even_before_it_is_made() -> None:
    world = {"a": Step(), "b": Step(("a",)), "c": Step(("a",))}
    changed = world | {"a": Step(code=1), "c": Step(("a", "b"))}
    step = plan_of(changed, after_a_run(world))["c"]
    assert (step.action, step.why) == ("run", "b is a new input +2")


def test_an_estimate_is_what_it_took_last_time() -> None:
    memory = after_a_run()
    plan = plan_of(CHAIN | {"prep": replace(CHAIN["prep"], code=1)}, memory)
    assert [step.estimate for step in plan] == [2.0] * 4
    assert plan_of(CHAIN, Recalled())["prep"].estimate is None


def test_a_step_of_the_plan_is_found_by_id_then_by_name() -> None:
    plan = plan_of(CHAIN, Recalled())
    twice = replace(plan, steps=(replace(plan["prep"], node_id="x", name="train"), *plan.steps))
    assert twice["train"].node_id == "train"
    assert twice["x"].name == "train"
    with pytest.raises(UnknownName, match=r"No step nope in this plan"):
        plan["nope"]


def test_a_plan_as_json_tells_what_will_happen_and_why() -> None:
    told = plan_to_json(plan_of(CHAIN | {"train": replace(CHAIN["train"], code=1)}, after_a_run()))
    assert [(each["step"], each["action"], each["status"], each["why"], each["reused_run"]) for each in told] == [
        ("prep", "reuse", "will reuse", "", "1"), ("split", "reuse", "will reuse", "", "1"),
        ("train", "run", "will run", "a.py changed", None), ("report", "reuse", "will reuse", "", "1"),
    ]  # fmt: skip
    assert all(len(each["key"]) == 64 for each in told)


def test_equal_steps_answer_for_each_other_whatever_their_names() -> None:
    memory = after_a_run({"prep": Step()})
    renamed = make_plan(
        graph_of({"cleaning": []}), {"cleaning": Ingredients(Step().fingerprint("prep"))}, memory
    )
    assert renamed["cleaning"].action == "reuse"
