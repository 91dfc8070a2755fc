"""Plan and run in one picture: which of the two speaks for each step. The rule stands here and nowhere else.

A run speaks for a step that it has not settled yet, as long as it is live. A step that it has settled shows what the
run made of it (solid) until something changes, for which the plan is asked: as soon as the step is not what the run
ran (its own ingredients, its data, or a step upstream of which that holds), it shows its plan (dotted), and keeps how
it ended as a mark. Steps that the run does not have show their plan; so do those of a run of another notebook, whose
pipeline has the same name and whose steps have other scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.node import CellSource, Node
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.core.reason import Reason
from nbpipe.core.record import dataclass
from nbpipe.live.head import Standing
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.present import Notes, make_picture, planned_view

_BEFORE = {"done": "done", "reused": "done", "failed": "failed", "cancelled": "cancelled"}


@dataclass(frozen=True)
class Begun:
    """What a run ran a step with, or reused it by.

    Attributes:
        key: of its fingerprint.
        fingerprint: digest of the fingerprint, or empty.
        reasons: why it ran.
        outputs: output port -> digest, once it ended well.
    """

    key: str
    fingerprint: str = ""
    reasons: tuple[Reason, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSeen:
    """A run as it was last seen.

    Attributes:
        id, status: its id, and Azure ML v1's word.
        live: True while a runner works on it.
        views: id of a step -> how it stands.
        begun: id of a step -> what it was run with; steps that were never begun are missing.
        submitted: id of a step -> likeness of its fingerprint at submit.
        recall: gives a stored fingerprint by its digest, or None.
        started, finished: seconds since the epoch, or None.
        sources: id of a step -> where its code comes from.
    """

    id: str
    status: str
    live: bool
    views: Mapping[str, NodeView] = field(default_factory=dict)
    begun: Mapping[str, Begun] = field(default_factory=dict)
    submitted: Mapping[str, str] = field(default_factory=dict)
    recall: Callable[[str], Fingerprint | None] = lambda _: None
    started: float | None = None
    finished: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Composed:
    """A picture of plan and run.

    Attributes:
        nodes: every step, as its plan or as the run tells it.
        standing: which of them are plan.
        reasons: id of a step -> the reasons behind what is shown.
        outputs: ``(step, output port)`` -> digest of what is there.
        run: the run that is one of this pipeline, or None.
    """

    nodes: tuple[NodeView, ...]
    standing: Standing
    reasons: Mapping[str, tuple[Reason, ...]]
    outputs: Mapping[tuple[str, str], str]
    run: RunSeen | None = None

    def picture(self, graph: Graph, notes: Notes) -> Picture:
        """The picture; it is the run's where the run speaks for every step, or goes on."""
        run = self.run
        if run and (run.live or not self.standing.planned):
            return make_picture(graph, self.nodes, notes, run=run.id, outcome=run.status)
        return make_picture(graph, self.nodes, notes)


def compose(plan: Plan, run: RunSeen | None, planned: Mapping[str, NodeView]) -> Composed:
    """Put a plan and a run together.

    Args:
        plan: what will happen to the pipeline as it is now; perhaps made before the run's last events.
        run: the newest run of the pipeline, or None.
        planned: id of a step -> its view in the plan.
    """
    if run and not is_of(plan.graph, run):
        run = None
    standing = _standing(plan, run) if run else set()
    nodes, reasons = [], {}
    outputs: dict[tuple[str, str], str] = {}
    for step in plan:
        told = run.views.get(step.node_id) if run else None
        if run and told and step.node_id in standing:
            begun = run.begun.get(step.node_id)
            nodes.append(told)
            reasons[step.node_id] = begun.reasons if begun else ()
            outputs |= {(step.node_id, port): each for port, each in (begun.outputs if begun else {}).items()}
        else:
            nodes.append(_with_mark(planned[step.node_id], told))
            reasons[step.node_id] = step.reasons
            if step.action == "reuse" and step.result:
                outputs |= {(step.node_id, port): each for port, each in step.result.outputs.items()}
    out = {step.node_id for step in plan} - standing
    return Composed(tuple(nodes), Standing(frozenset(out), bool(run and run.live)), reasons, outputs, run)


def of_run(graph: Graph, run: RunSeen) -> Composed:
    """A run alone."""
    nodes = tuple(run.views[node.node_id] for node in graph.topological() if node.node_id in run.views)
    outputs = {
        (step, port): each for step, begun in run.begun.items() for port, each in begun.outputs.items()
    }
    reasons = {step: begun.reasons for step, begun in run.begun.items()}
    return Composed(nodes, Standing((), run.live), reasons, outputs, run)


def planned_views(
    plan: Plan, before: Plan | None = None, known: Mapping[str, NodeView] | None = None
) -> dict[str, NodeView]:
    """Id of a step -> its view in the plan.

    Args:
        plan: what will happen.
        before: an earlier plan.
        known: its views; those of steps that have the same plan are kept.
    """
    kept = {} if before is None or known is None else _same_steps(plan, before)
    return {
        step.node_id: known[step.node_id]
        if known is not None and step.node_id in kept
        else planned_view(step, plan.graph)
        for step in plan
    }


def _same_steps(plan: Plan, before: Plan) -> set[str]:
    """Ids of the steps that have the same plan in both, and are the same nodes."""
    steps = {step.node_id: step for step in before}
    nodes, now = before.graph.node_dict, plan.graph.node_dict
    return {
        step.node_id
        for step in plan
        if steps.get(step.node_id) is step and nodes[step.node_id] is now[step.node_id]
    }


def _with_mark(planned: NodeView, told: NodeView | None) -> NodeView:
    """A planned step with how it ended in the run, where its plan compares it with nothing."""
    before = _BEFORE.get(told.status, "") if told else ""
    return replace(planned, before=before) if before and before != planned.before else planned


def is_of(graph: Graph, run: RunSeen) -> bool:
    """True where a run has a step of a pipeline: its name, and its code from the same place."""
    return any(node in run.views and _same_source(node, graph, run) for node in graph.node_dict)


def _same_source(node_id: str, graph: Graph, run: RunSeen) -> bool:
    return run.sources.get(node_id) in (None, source_place(graph.get_node(node_id)))


def source_place(node: Node) -> str:
    """Where a step's code comes from: its script's file, or the folder that is taken along."""
    source = node.source
    return source.script if isinstance(source, CellSource) else f"{source.folder}/{node.script}"


def _standing(plan: Plan, run: RunSeen) -> set[str]:
    """Ids of the steps for which the run speaks."""
    found: set[str] = set()
    for step in plan:
        told = run.views.get(step.node_id) if _same_source(step.node_id, plan.graph, run) else None
        if told and ((run.live and not told.settled) or _is_what_ran(step, plan.graph, run, found)):
            found.add(step.node_id)
    return found


def _is_what_ran(step: StepPlan, graph: Graph, run: RunSeen, standing: set[str]) -> bool:
    """True where a step is still what the run ran, or did not come to run.

    An input that the plan does not know yet is what it was if the run speaks for the step that makes it.
    """
    now = step.fingerprint
    gone = any(reason.kind == "output_missing" for reason in step.reasons)
    if now is None or gone or step.action == "blocked":
        return False
    node = graph.get_node(step.node_id)
    begun = run.begun.get(step.node_id)
    if begun is None:
        same = now.likeness == run.submitted.get(step.node_id)
        return same and all(parent in standing for parent in node.parents())
    if not now.unknown:
        return now.key == begun.key
    makers = {port.source_id for port in node.inputs if port.name in now.unknown}
    if not makers <= standing:
        return False
    ran = run.recall(begun.fingerprint) if begun.fingerprint else None
    return now.matches(ran) if ran else now.likeness == run.submitted.get(step.node_id)
