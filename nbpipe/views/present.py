"""Pictures of pipelines, plans and runs: what their objects know, put into the one model that views show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from nbpipe.core.compute import LOCAL
from nbpipe.core.events import (
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepMoved,
    StepNoted,
    StepReused,
    StepStarted,
)
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.core.run_state import RunState, Status, StepState
from nbpipe.errors import StoreError
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture, edge_state
from nbpipe.views.text import visible
from nbpipe.views.wording import size, why_of

Notes = Mapping[tuple[str, str], str]
"""``(id of node or data source, output port or empty)`` -> what is known: ``266 rows``, ``17 KB``."""

_LABELLED = 60
"""Above so many steps no view has room for notes on data, so none are looked up."""

BEFORE_IT_RUNS = ("connecting", "queued", "sending", "preparing")
"""Phases of a step on another machine in which it waits there, as a view shows it."""
_INTERRUPTED = "the run was interrupted"


class ShownRun(Protocol):
    """What a view asks of a run; ``nbpipe.run.PipelineRun`` has it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def graph(self) -> Graph:
        """What it runs."""

    @property
    def state(self) -> RunState:
        """Where its steps stand."""

    @property
    def status(self) -> str:
        """Azure ML v1's word."""

    @property
    def interrupted(self) -> bool:
        """True when its runner is gone before the end."""

    @property
    def plan_json(self) -> Sequence[Mapping[str, Any]]:
        """The plan at submit, one object a step."""

    def get_steps(self) -> Sequence[Any]:
        """Its steps, which know their outputs."""


def picture_of(shown: Pipeline | Plan | ShownRun | Picture, *, sizes: bool = True) -> Picture:
    """The picture of anything that can be shown; of a pipeline, that of its plan now.

    Args:
        shown: what to show.
        sizes: look up how large a run's outputs are; a view that shows no data saves itself the time.

    Raises:
        InvalidPipeline: a pipeline that cannot be planned.

    Example:
        >>> picture_of(Plan(Graph("demo"))).summary
        'No steps yet.'
    """
    if isinstance(shown, Picture):
        return shown
    if isinstance(shown, Pipeline):
        return _of_plan(shown.plan())
    return _of_plan(shown) if isinstance(shown, Plan) else _of_run(shown, sizes)


def _of_plan(plan: Plan) -> Picture:
    graph = plan.graph
    nodes = [planned_view(step, graph) for step in plan]
    notes: dict[tuple[str, str], str] = {}
    for step in plan:
        notes.update(notes_of_inputs(graph, step))
    return make_picture(graph, nodes, notes)


def planned_view(step: StepPlan, graph: Graph) -> NodeView:
    """A step as its plan is.

    Args:
        step: its plan.
        graph: the plan's graph.
    """
    node = graph.get_node(step.node_id)
    reused = step.result if step.action == "reuse" else None
    known = step.fingerprint is not None and not step.fingerprint.unknown
    why = f"same as run {reused.run}" if reused and not step.reasons else step.why
    if reused and reused.accepted_from:
        why = f"accepted from run {reused.accepted_from}"
    elif reused and step.reasons:
        why = f"same as run {reused.run} ({step.why})"
    before = step.compared.status.replace("finished", "done") if step.compared else ""
    return NodeView(
        step.node_id,
        step.status,
        why=visible(why),
        key=step.fingerprint.key if step.fingerprint and known and reused else "",
        target=_badge(node.target),
        seconds=reused.seconds if reused else None,
        estimate=None if reused else step.estimate,
        reused_at=reused.finished if reused else None,
        before="done" if step.action == "maybe" else before,
        parents=tuple(node.parents()),
    )


def notes_of_inputs(graph: Graph, step: StepPlan) -> Iterator[tuple[tuple[str, str], str]]:
    """What the fingerprint's evidence tells of each input that is known."""
    evidence = step.fingerprint.evidence.get("inputs", {}) if step.fingerprint else {}
    for port in graph.get_node(step.node_id).inputs:
        note = data_note(evidence.get(port.name, {}))
        if note and not _is_unknown(port.name, step.fingerprint):
            yield (port.source_id, port.source_port), note


def _is_unknown(name: str, fingerprint: Fingerprint | None) -> bool:
    return fingerprint is None or name in fingerprint.unknown


def data_note(known: Mapping[str, Any]) -> str:
    """What is known of some data, in words.

    Example:
        >>> data_note({"rows": 344, "bytes": 17021})
        '344 rows · 17 KB'
    """
    told = []
    if isinstance(known.get("rows"), int):
        told.append(f"{known['rows']} row{'' if known['rows'] == 1 else 's'}")
    if isinstance(known.get("bytes"), int):
        told.append(size(known["bytes"]))
    return " · ".join(told)


def _of_run(run: ShownRun, sizes: bool) -> Picture:
    graph, state, interrupted = run.graph, run.state, run.interrupted
    planned = {str(each["node"]): each for each in run.plan_json}
    nodes = [
        lost_view(view) if interrupted else view
        for node in graph.topological()
        if (step := state.steps.get(node.node_id)) is not None
        for view in [run_view(node.node_id, step, planned.get(node.node_id, {}), graph)]
    ]
    notes = _notes_of_outputs(run) if sizes and len(nodes) <= _LABELLED else {}
    return make_picture(graph, nodes, notes, run=run.id, outcome=run.status)


def run_view(node_id: str, step: StepState, planned: Mapping[str, Any], graph: Graph) -> NodeView:
    """A step as a run's events tell of it.

    Args:
        node_id: the step.
        step: where it stands.
        planned: its plan at submit, as JSON.
        graph: the run's graph.
    """
    node = graph.get_node(node_id)
    parents = tuple(node.parents())
    last = step.last
    if last is None:
        status, why = str(planned.get("status", "queued")), visible(planned.get("why", ""))
        estimate = planned.get("estimate") if status != "will reuse" else None
        target = _badge(node.target)
        return NodeView(node_id, status, why=why, target=target, estimate=estimate, parents=parents)
    begun = next((each for each in reversed(step.events) if isinstance(each, StepStarted | StepReused)), None)
    moved = _moved(step)
    runs = isinstance(last, StepStarted) and not (moved and moved.phase in BEFORE_IT_RUNS)
    waits = step.status is Status.WAITING or (isinstance(last, StepStarted) and not runs)
    return NodeView(
        node_id,
        "queued" if waits else str(step.status),
        detail=_detail(last, moved),
        why=visible("; ".join(filter(None, [_why(last, begun, moved), *_told_besides(step, node.name)]))),
        advice=last.remedy if isinstance(last, StepFailed) else "",
        key=begun.key if begun else "",
        target=_badge(node.target, _machine(step)),
        seconds=_seconds(last),
        estimate=last.estimate if isinstance(last, StepStarted) else planned.get("estimate"),
        started=_process_began(step, last) if runs else None,
        reused_at=last.from_time if isinstance(last, StepReused) else None,
        parents=parents,
    )


def _moved(step: StepState) -> StepMoved | None:
    """Where a step that has begun stands on its way to another machine, or None."""
    for event in reversed(step.events):
        if isinstance(event, StepMoved):
            return event
        if event is step.last:
            break
    return None


def _machine(step: StepState) -> str:
    """The machine that the step's newest attempt ran on, where its target told it."""
    story = reversed(step.events)
    return next((each.where for each in story if isinstance(each, StepMoved) and each.phase == "running"), "")


def _process_began(step: StepState, last: StepEvent) -> float:
    """When the process of a running step was started: on another machine later than its attempt."""
    after = [each for each in step.events if isinstance(each, StepMoved) and each.time >= last.time]
    return next((each.time for each in reversed(after) if each.phase == "running"), last.time)


def _seconds(last: StepEvent) -> float | None:
    if isinstance(last, StepReused):
        return last.seconds
    return last.wall if isinstance(last, StepFinished | StepFailed | StepCancelled) and last.wall else None


def _detail(last: StepEvent, moved: StepMoved | None) -> str:
    if isinstance(last, StepStarted) and moved and moved.phase == "away":
        return "away"
    if not isinstance(last, StepFailed) or last.will_retry:
        return ""
    if last.line is not None:
        return f"line {last.line}"
    return f"exit {last.code}" if last.code else ""


def _why(last: StepEvent, begun: StepEvent | None, moved: StepMoved | None) -> str:
    if isinstance(last, StepStarted) and moved and moved.phase != "running":
        return why_of(moved)
    if isinstance(last, StepFinished):
        why = why_of(begun) if begun else ""
        return f"ran: {why}" if why and why != "first run" else why
    if isinstance(last, StepFailed) and last.will_retry:
        return f"failed, tries again: {why_of(last)}"
    return why_of(last)


def _told_besides(step: StepState, name: str) -> Iterator[str]:
    """What was noted of a step that ended well ("is not deterministic"), without its name."""
    if isinstance(step.last, StepFinished):
        yield from (each.text.removeprefix(f"{name} ") for each in step.events if isinstance(each, StepNoted))


def lost_view(node: NodeView) -> NodeView:
    """A step of a run whose runner is gone: what ran is lost, what waited was never begun."""
    if node.settled:
        return node
    status = "failed" if node.started is not None else "cancelled"
    return NodeView(
        node.node_id,
        status,
        why=_INTERRUPTED,
        key=node.key,
        target=node.target,
        parents=node.parents,
    )


def _notes_of_outputs(run: ShownRun) -> Notes:
    """Sizes of the outputs that are there."""
    notes = {}
    for step in run.get_steps():
        for name, output in step.get_outputs().items():
            with suppress(StoreError):  # the output may have been cleaned up since
                notes[step.node_id, name] = size(output.size)
    return notes


def make_picture(
    graph: Graph, nodes: Sequence[NodeView], notes: Notes, *, run: str = "", outcome: str = ""
) -> Picture:
    """A picture of steps that are views already.

    Args:
        graph: whose they are.
        nodes: in an order in which each stands after all it waits for.
        notes: what is known of data.
        run, outcome: id and status of the run that is shown, if one is.
    """
    shown = {node.node_id for node in nodes}
    takers: dict[str, list[str]] = {}
    for node in graph.nodes:
        for name in sorted(node.parameters() if node.node_id in shown else ()):
            takers.setdefault(name, []).append(node.node_id)
    return Picture(
        visible(graph.name),
        tuple(nodes),
        tuple(_edges(graph, {node.node_id: node.status for node in nodes}, notes)),
        tuple(
            DataView(source.node_id, visible(source.name), notes.get((source.node_id, ""), ""))
            for source in graph.data_sources.values()
        ),
        tuple(
            ParameterView(visible(name), visible(value), tuple(takers[name]))
            for name, value in graph.parameters.items()
            if name in takers
        ),
        run,
        outcome,
    )


def _edges(graph: Graph, statuses: Mapping[str, str], notes: Notes) -> Iterator[EdgeView]:
    """One edge a pair: all data that goes from one to the other, or order only."""
    for node in graph.nodes:
        if node.node_id not in statuses:
            continue
        ports: dict[str, dict[str, None]] = {}
        for port in node.inputs:
            if port.source_id in graph.data_sources or port.source_id in statuses:
                ports.setdefault(port.source_id, {})[port.source_port] = None
        for parent in node.parents():
            if parent in statuses:
                ports.setdefault(parent, {})
        for source, names in ports.items():
            is_step = source in statuses
            state = edge_state(statuses[source], has_data=bool(names)) if is_step else "there"
            labels = tuple((visible(name), notes.get((source, name), "")) for name in names if is_step)
            yield EdgeView(source, node.node_id, state, labels)


def _badge(target: str, machine: str = "") -> str:
    """What stands on a node of its target, and of the machine where the target has several."""
    if target == LOCAL:
        return ""
    return visible(f"{target} · {machine}" if machine and machine != target else target)
