"""The plan: for every step, before anything runs, whether it will be reused or run, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from nbpipe.core.display import Displayed
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph, InputPort, Node
from nbpipe.core.reason import Reason, compare, nearest
from nbpipe.core.record import dataclass
from nbpipe.core.result import Attempt, Memory, StepResult
from nbpipe.errors import UnknownName

Action = Literal["reuse", "run", "maybe", "blocked"]


@dataclass(frozen=True)
class Flags:
    """What a user or a declaration says about the reuse of one step."""

    forced: bool = False
    allow_reuse: bool = True


@dataclass(frozen=True)
class Decision:
    """What ``decide`` says: reuse with the result to take, or run with the reasons.

    Attributes:
        result: what is reused; None when the step runs.
        reasons: why it runs; none for a reused step.
        compared: the earlier attempt that the reasons speak of, or None.
    """

    result: StepResult | None
    reasons: tuple[Reason, ...] = ()
    compared: Attempt | None = None

    @property
    def action(self) -> Action:
        """``reuse`` or ``run``."""
        return "reuse" if self.result else "run"


def decide(after: Fingerprint, step: str, pipeline: str, memory: Memory, flags: Flags) -> Decision:
    """The only judge of reuse, and the only source of "why".

    Args:
        after: the step's fingerprint, every input known.
        step, pipeline: names, to find what it is compared with.
        memory: results and attempts of earlier runs.
        flags: forced, or reuse switched off.

    Returns:
        A decision with a result (reuse) or with at least one reason (run).
    """
    if flags.forced:
        return Decision(None, (Reason("forced", text="forced"),))
    if not flags.allow_reuse:
        return Decision(None, (Reason("reuse_off", text="reuse is switched off (--no-reuse)"),))
    key = after.key
    result = memory.result(key)
    if result is not None:
        return Decision(result)
    lost = memory.lost_output(key)
    if lost is not None:
        port, run = lost
        return Decision(
            None, (Reason("output_missing", port, run, None, f"{{{port}}} of run {run} is gone"),)
        )
    return _why_it_runs(after, key, pipeline, memory, memory.attempts(step))


def _why_it_runs(
    after: Fingerprint, key: str, pipeline: str, memory: Memory, attempts: Sequence[Attempt]
) -> Decision:
    same = [attempt for attempt in attempts if attempt.key == key and attempt.status != "finished"]
    if same:
        last = same[-1]
        text = f"{last.status} in run {last.run}"
        return Decision(None, (Reason("failed", last.run, last.status, None, text),), last)
    before = nearest(attempts, after, pipeline)
    reasons = compare(before.fingerprint if before else None, after, memory.read)
    if not reasons and before:
        gone = f"its result of run {before.run} is gone"
        reasons = [Reason("output_missing", "", before.run, None, gone)]
    return Decision(None, tuple(reasons), before)


@dataclass(frozen=True)
class Ingredients:
    """What is known of a step now, before any step upstream has run.

    Attributes:
        fingerprint: all parts; inputs made by other steps are ``unknown``.
        problem: why its inputs cannot exist, or empty.
    """

    fingerprint: Fingerprint
    problem: str = ""


@dataclass(frozen=True)
class StepPlan:
    """What will happen to one step.

    Attributes:
        node_id, name: the step.
        action: ``reuse``, ``run``, ``maybe`` or ``blocked``.
        reasons: why; for ``maybe``, which step upstream decides it; for ``blocked``, what is in the way.
        fingerprint: what it is decided on; None where it cannot be made.
        result: what is (or, for ``maybe``, may be) reused.
        compared: the earlier attempt that the reasons speak of.
        estimate: seconds it took last time, or None.
    """

    node_id: str
    name: str
    action: Action
    reasons: tuple[Reason, ...] = ()
    fingerprint: Fingerprint | None = None
    result: StepResult | None = None
    compared: Attempt | None = None
    estimate: float | None = None

    @property
    def status(self) -> str:
        """The word a view shows: ``will reuse``, ``will run``, ``new``, ``maybe`` or ``blocked``."""
        if self.action == "run":
            return "new" if self.reasons and self.reasons[0].kind == "never_run" else "will run"
        return "will reuse" if self.action == "reuse" else self.action

    @property
    def why(self) -> str:
        """The first reason in one line, with how many more there are."""
        if not self.reasons:
            return ""
        more = len(self.reasons) - 1
        return f"{self.reasons[0]} +{more}" if more else str(self.reasons[0])


@dataclass(frozen=True)
class Plan(Displayed):
    """What will happen to every step of a graph, in an order in which it can.

    Attributes:
        graph: the steps.
        steps: what will happen to each.
        made_of: node id -> what was known of it, and what was said about its reuse.
        whole: False where of some steps nothing was looked at but what an earlier plan knew of them.

    Example:
        ``pipeline.plan()["train"].action`` is ``"reuse"``, ``"run"``, ``"maybe"`` or ``"blocked"``.
    """

    graph: Graph
    steps: tuple[StepPlan, ...] = field(default=())
    made_of: Mapping[str, tuple[Ingredients, Flags]] = field(default_factory=dict, repr=False, compare=False)
    whole: bool = field(default=True, compare=False)

    def __getitem__(self, name: str) -> StepPlan:
        found = [step for step in self.steps if name in (step.node_id, step.name)]
        if found:
            return next((step for step in found if step.node_id == name), found[0])
        known = ", ".join(step.node_id for step in self.steps)
        raise UnknownName(f"No step {name} in this plan.", remedy=f"Steps: {known or 'none'}")

    def __iter__(self) -> Iterator[StepPlan]:
        return iter(self.steps)

    def count(self, *actions: Action) -> int:
        """How many steps have one of these actions."""
        return sum(step.action in actions for step in self.steps)

    @property
    def saved(self) -> float:
        """Seconds of earlier work that reuse saves."""
        return sum(step.result.seconds for step in self.steps if step.action == "reuse" and step.result)


def make_plan(
    graph: Graph,
    now: Mapping[str, Ingredients],
    before: Memory,
    flags: Mapping[str, Flags] | None = None,
    *,
    since: Plan | None = None,
    asked: Collection[str] | None = None,
) -> Plan:
    """Plan every step of a graph that has no circle.

    Args:
        graph: the steps.
        now: node id -> what is known of it.
        before: earlier results and attempts.
        flags: node id -> forced or not reusable; default: the node's ``allow_reuse``.
        since: an earlier plan of the pipeline; a step whose plan is what it was keeps that object.
        asked: ids of the nodes for which ``before`` is asked whatever happens; default: all. Any other keeps its plan
            of ``since`` if it is the same node, the same is known of it, and all upstream keep theirs: exactly what
            would be planned anew as long as ``before`` says what it said then.

    Returns:
        REUSE where a stored result answers; RUN with reasons; MAYBE exactly when an upstream step may run
        and a stored result matches every part known already; BLOCKED where an input cannot exist.
    """
    made: dict[str, StepPlan] = {}
    made_of: dict[str, tuple[Ingredients, Flags]] = {}
    earlier = _Earlier(since, graph.name)
    before.refresh()
    for node in graph.topological():
        node_id = node.node_id
        flag = (flags or {}).get(node_id) or Flags(allow_reuse=node.allow_reuse)
        made_of[node_id] = known = earlier.known(node_id, now[node_id], flag)
        if asked is not None and node_id not in asked and earlier.holds(node, known, made):
            made[node_id] = earlier.steps[node_id]
        else:
            made[node_id] = earlier.same(_plan_step(graph, node, now[node_id], made, before, flag))
    return Plan(graph, tuple(made.values()), made_of, asked is None or made.keys() <= set(asked))


class _Earlier:
    """An earlier plan, if it is one of the same pipeline."""

    def __init__(self, plan: Plan | None, pipeline: str) -> None:
        self._plan = plan if plan is not None and plan.graph.name == pipeline else Plan(Graph(pipeline))
        self.steps = {step.node_id: step for step in self._plan.steps}
        self._nodes = self._plan.graph.node_dict

    def known(self, node_id: str, now: Ingredients, flags: Flags) -> tuple[Ingredients, Flags]:
        """What is known of a step, as the object that it was where nothing of it is new."""
        was = self._plan.made_of.get(node_id)
        same = was and was[0].fingerprint is now.fingerprint and was[0].problem == now.problem
        return was if was and same and was[1] == flags else (now, flags)

    def holds(self, node: Node, known: tuple[Ingredients, Flags], made: Mapping[str, StepPlan]) -> bool:
        """Whether a step's plan holds still, so far as its node, what is known of it and its parents go."""
        return (
            self._nodes.get(node.node_id) is node
            and self._plan.made_of.get(node.node_id) is known
            and all(made.get(parent) is self.steps.get(parent) for parent in node.parents())
        )

    def same(self, step: StepPlan) -> StepPlan:
        """A step's plan, as the object that it was where it is what it was.

        Fingerprints have to be the same object: to ``==``, 1 and True are equal.
        """
        was = self.steps.get(step.node_id)
        return was if was is not None and was.fingerprint is step.fingerprint and was == step else step


def _plan_step(
    graph: Graph, node: Node, known: Ingredients, made: Mapping[str, StepPlan], before: Memory, flags: Flags
) -> StepPlan:
    blocked = [parent for parent in node.parents() if parent in made and made[parent].action == "blocked"]
    if known.problem:
        reason = Reason("inputs", text=known.problem)
        return StepPlan(node.node_id, node.name, "blocked", (reason,), known.fingerprint)
    if blocked:
        first = made[blocked[0]]
        reason = Reason(
            "upstream", blocked[0], text=f"waits for {first.name} (blocked)", root=root_cause(first)
        )
        return StepPlan(node.node_id, node.name, "blocked", (reason,), known.fingerprint)
    fingerprint = _with_upstream(node, known.fingerprint, made)
    settled = not fingerprint.unknown or flags.forced or not flags.allow_reuse
    if not settled:
        return _plan_open_step(graph, node, fingerprint, made, before)
    decision = decide(fingerprint, node.name, graph.name, before, flags)
    estimate = decision.result.seconds if decision.result else last_seconds(before.attempts(node.name))
    reasons = with_roots(decision.reasons, made)
    result, compared = decision.result, decision.compared
    return StepPlan(
        node.node_id, node.name, decision.action, reasons, fingerprint, result, compared, estimate
    )


def _plan_open_step(
    graph: Graph, node: Node, fingerprint: Fingerprint, made: Mapping[str, StepPlan], before: Memory
) -> StepPlan:
    """A step some of whose inputs may still change: MAYBE or RUN."""
    attempts = before.attempts(node.name)
    estimate = last_seconds(attempts)
    upstream = [_upstream_reason(port, made) for port in node.inputs if port.name in fingerprint.unknown]
    possible = _possible_result(fingerprint, before)
    if possible:
        names = sorted({reason.name for reason in upstream})
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        text = f"reused if {listed} {'comes' if len(names) == 1 else 'come'} out equal"
        reason = Reason("upstream", upstream[0].name, text=text, root=upstream[0].root)
        return StepPlan(node.node_id, node.name, "maybe", (reason,), fingerprint, possible, None, estimate)
    compared = nearest(attempts, fingerprint, graph.name)
    own = compare(compared.fingerprint if compared else None, fingerprint, before.read)
    reasons = tuple(own) if own and own[0].kind == "never_run" else (*own, *upstream)
    return StepPlan(node.node_id, node.name, "run", reasons, fingerprint, None, compared, estimate)


def last_seconds(attempts: Sequence[Attempt]) -> float | None:
    """Seconds that the newest finished attempt took, or None."""
    return next((each.seconds for each in reversed(attempts) if each.status == "finished"), None)


def _with_upstream(node: Node, fingerprint: Fingerprint, made: Mapping[str, StepPlan]) -> Fingerprint:
    """The fingerprint with the inputs whose producers are reused, since their content is known."""
    found = {}
    for port in node.inputs:
        producer = made.get(port.source_id)
        if port.name in fingerprint.unknown and producer and producer.action == "reuse" and producer.result:
            digest = producer.result.outputs.get(port.source_port)
            if digest is not None:
                found[port.name] = digest
    return fingerprint.with_inputs(found) if found else fingerprint


def _upstream_reason(port: InputPort, made: Mapping[str, StepPlan]) -> Reason:
    producer = made[port.source_id]
    verb = "may change" if producer.action == "maybe" else "is made again"
    return Reason("upstream", port.source_port, text=f"{port.source_port} {verb}", root=root_cause(producer))


def root_cause(producer: StepPlan) -> str:
    """The first cause upstream, as it stands behind an arrow: ``split.py line 9``."""
    return cause_behind(producer.name, producer.reasons)


def cause_behind(step: str, reasons: Sequence[Reason]) -> str:
    """The first cause in a step's reasons, as one of its descendants tells it; empty where there is none."""
    if not reasons:
        return ""
    reason = reasons[0]
    if reason.root:
        return reason.root
    if reason.kind in ("never_run", "forced", "failed", "reuse_off", "output_missing"):
        return f"{step} {reason.text}"
    return reason.short()


def with_roots(reasons: Sequence[Reason], made: Mapping[str, StepPlan]) -> tuple[Reason, ...]:
    """Reasons with the cause upstream put behind those that speak of another step's output."""
    return tuple(
        reason.because(root_cause(made[reason.name]))
        if reason.kind == "upstream" and reason.name in made
        else reason
        for reason in reasons
    )


def _possible_result(fingerprint: Fingerprint, before: Memory) -> StepResult | None:
    """The newest stored result that matches every part known already, whatever the step was called then."""
    found = before.alike(fingerprint)
    return next((result for result in found if fingerprint.may_become(result.likeness, result.inputs)), None)


def plan_to_json(plan: Plan) -> list[dict[str, Any]]:
    """One JSON object a step: node, action, status, why, reasons, key."""
    return [
        {
            "node": step.node_id,
            "step": step.name,
            "action": step.action,
            "status": step.status,
            "why": step.why,
            "reasons": [reason.to_json() for reason in step.reasons],
            "key": step.fingerprint.key if step.fingerprint and not step.fingerprint.unknown else None,
            "reused_run": step.result.run if step.result and step.action == "reuse" else None,
            "estimate": step.estimate,
        }
        for step in plan
    ]
