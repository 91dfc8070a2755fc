"""Accepting: the last result of a step taken as valid for what the step is now."""

from __future__ import annotations

import time
from dataclasses import replace

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.plan import StepPlan
from nbpipe.core.reason import nearest
from nbpipe.core.result import StepResult
from nbpipe.errors import UsageError
from nbpipe.execution.memory import StoredMemory
from nbpipe.store.results import Results


def accept_result(graph: Graph, step: StepPlan, memory: StoredMemory, results: Results) -> StepResult:
    """Record a valid result of a step under the key that it has now: that of the nearest earlier attempt.

    The nearest is what the reasons speak of. The last one may have been made of other data or values, where those
    were changed and changed back.

    Raises:
        UsageError: nothing to accept, or the key is not known yet.
    """
    if step.action == "reuse":
        raise UsageError(f"{step.name} will be reused already; there is nothing to accept.")
    if step.fingerprint is None or step.fingerprint.unknown:
        waiting = ", ".join(sorted(step.fingerprint.unknown)) if step.fingerprint else "its code"
        raise UsageError(
            f"{step.name} cannot be accepted yet: {waiting} is still to be made.",
            remedy="Accept or run the steps before it first.",
        )
    last = _nearest_result(step, step.fingerprint, graph.name, memory)
    if last is None:
        raise UsageError(f"{step.name} has no earlier result to accept.", remedy="%pipeline_run")
    ports = {port.name for port in graph.get_node(step.node_id).outputs}
    if ports != set(last.outputs):
        raise UsageError(
            f"{step.name} wrote {', '.join(last.outputs) or 'nothing'} in run {last.run}; that has changed."
        )
    accepted = replace(
        last,
        key=step.fingerprint.key,
        likeness=step.fingerprint.likeness,
        inputs=dict(step.fingerprint.part("inputs")),
        finished=time.time(),
        fingerprint=memory.keep_fingerprint(step.fingerprint),
        accepted_from=last.accepted_from or last.run,
    )
    if not results.publish(accepted.key, last.run, accepted.to_json()):
        raise UsageError(f"Run {last.run} has a result for {step.name} as it is now; its data are gone.")
    memory.note(
        step.name, step.node_id, graph.name, step.fingerprint, run=last.run, status="finished", time=accepted.finished,
        seconds=last.seconds,
    )  # fmt: skip
    return accepted


def _nearest_result(
    step: StepPlan, fingerprint: Fingerprint, pipeline: str, memory: StoredMemory
) -> StepResult | None:
    finished = [attempt for attempt in memory.attempts(step.name) if attempt.status == "finished"]
    found = nearest([each for each in finished if memory.result(each.key)], fingerprint, pipeline)
    return memory.result(found.key) if found else None
