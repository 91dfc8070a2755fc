"""A run in which every step is reused: its whole story is told at submit, and no runner is started."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

from nbpipe.core.events import Event, RunFinished, RunStarted, StepReused
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.plan import Plan
from nbpipe.core.reason import only_comments_changed
from nbpipe.core.result import StepResult
from nbpipe.execution.frozen import FrozenRun
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.run_folder import RunFolder
from nbpipe.store.files import write_bytes
from nbpipe.store.locks import Lock


def tell_reused_run(frozen: FrozenRun, plan: Plan, folder: RunFolder, memory: StoredMemory) -> bool:
    """Write the events of a run that reuses everything, as a runner would, in one piece.

    Args:
        frozen: the run.
        plan: made while nothing may be collected.
        folder: the run's folder.
        memory: where the fingerprints are kept.

    Returns:
        False where work is left, and a runner is needed: a step may run, or its reused output has a destination
        that it is copied to.
    """
    copied = any(port.destination for node in plan.graph.nodes for port in node.outputs)
    if copied or plan.count("reuse") < len(plan.steps):
        return False
    events: list[Event] = [run_started(frozen)]
    saved = 0.0
    for step in plan:
        if step.fingerprint is not None and step.result is not None:
            events.append(step_reused(frozen.run, step.node_id, step.fingerprint, step.result, memory))
            saved += step.result.seconds
    words = {step.node_id: "reused" for step in plan}
    events.append(RunFinished(time.time(), frozen.run, "Finished", words, saved))
    encode = json.JSONEncoder(separators=(",", ":")).encode
    lines = (encode(event.to_json()) for event in events)
    with Lock(folder.lock, frozen.run):
        write_bytes(folder.events, "".join(f"{line}\n" for line in lines).encode())
    return True


def run_started(frozen: FrozenRun) -> RunStarted:
    """The event with which this process begins a run."""
    order = frozen.graph.topological()
    names: Mapping[str, str] = {node.node_id: node.name for node in order}
    parents = {node.node_id: node.parents() for node in order}
    return RunStarted(
        time.time(), frozen.run, frozen.graph.name, frozen.experiment, names, parents, os.getpid(),
        dict(frozen.options.tags),
    )  # fmt: skip


def step_reused(
    run: str, node_id: str, fingerprint: Fingerprint, result: StepResult, memory: StoredMemory
) -> StepReused:
    """The event that a run takes a step's result from an earlier run, or a shared one; its fingerprint is kept."""
    if result.shared_from and not result.run:
        memory.adopt(result, run)
    accepted = bool(result.accepted_from)
    kept = memory.keep_fingerprint(fingerprint)
    before = memory.fingerprint(result.fingerprint) if kept != result.fingerprint else None
    commented = before is not None and only_comments_changed(before, fingerprint)
    return StepReused(
        time.time(), node_id, result.key, result.accepted_from or result.run, result.finished, result.outputs,
        result.seconds, kept, accepted, "accepted" if accepted else "only comments changed" if commented else "",
        "" if result.run else result.shared_from,
    )  # fmt: skip
