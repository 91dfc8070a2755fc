"""Carries out a run: the thin asyncio shell around the state machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from nbpipe.core.events import (
    Event,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepQueued,
    StepReused,
    StepStarted,
    StopRequested,
)
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.plan import Decision, Flags, cause_behind, decide, last_seconds
from nbpipe.core.reason import Reason
from nbpipe.core.run_state import OUTCOMES, Block, Cancel, Close, Instruction, Kill, Resolve, RunState
from nbpipe.errors import NbpipeError
from nbpipe.execution.attempt import Attempt, Means
from nbpipe.execution.journal import Journal
from nbpipe.execution.requests import take_requests
from nbpipe.execution.run_folder import RunFolder
from nbpipe.execution.slots import Slots, hold_key
from nbpipe.execution.source_data import content_digest, find_data, shown_of
from nbpipe.execution.workplace import BoundInput
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder

REQUEST_POLL = 0.05
"""Seconds between two looks at what others ask for."""


class Executor:
    """Runs one frozen run to its end.

    Args:
        means: what attempts work with.
        folder: the run's folder.
        state_folder: the workspace's state.
        digests: digests of files.
        slots: what the runs of the workspace share.
    """

    def __init__(
        self, means: Means, folder: RunFolder, state_folder: StateFolder, digests: FileDigests, slots: Slots
    ) -> None:
        self.means = means
        self.frozen = means.frozen
        self.graph = means.frozen.graph
        self._folder = folder
        self._locks = state_folder.locks
        self._digests = digests
        self._slots = slots
        self._journal = Journal(folder.events)
        options = self.frozen.options
        order = self.graph.topological()
        self.state = RunState(
            {node.node_id: node.parents() for node in order},
            retries={node.node_id: node.environment.resources.retries for node in order},
            continue_on_step_failure=options.continue_on_step_failure,
        )
        self._positions = {node.node_id: number for number, node in enumerate(self.graph.nodes)}
        self._forced = set(options.force)
        self._outputs: dict[str, Mapping[str, str]] = {}
        self._attempts: dict[str, Attempt] = {}
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._stops: set[asyncio.Task[None]] = set()
        self._saved = 0.0
        self._over = asyncio.Event()

    async def run(self) -> str:
        """Run every step to its end; the run's status in Azure ML v1's words."""
        self._emit_started()
        watching = asyncio.create_task(self._watch_requests())
        self._carry_out(self.state.begin())
        try:
            await self._over.wait()
        finally:
            watching.cancel()
            for task in [*self._resolving.values(), *self._stops]:
                with suppress(asyncio.CancelledError):
                    await task
            await self.means.backend.aclose()
        return self.state.outcome

    def _emit_started(self) -> None:
        self.emit(RunStarted(
            time.time(), self.frozen.run, self.graph.name, self.frozen.experiment,
            {node: self.graph.get_node(node).name for node in self.state.parents},
            {node: list(parents) for node, parents in self.state.parents.items()},
            os.getpid(), dict(self.frozen.options.tags),
        ))  # fmt: skip

    def emit(self, event: Event) -> None:
        """Record an event and carry out what follows from it."""
        self._journal.append(event)
        if isinstance(event, StepReused | StepFinished):
            self._outputs[event.node] = event.outputs
        if isinstance(event, StepReused):
            self._saved += event.seconds
        self._carry_out(self.state.handle(event))

    def _carry_out(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Resolve(node):
                    self._resolving[node] = asyncio.create_task(self._resolve(node))
                case Kill(node, by):
                    self._stop_attempt(node, by)
                case Cancel(node, by) if self.state.is_open(node):
                    if task := self._resolving.get(node):
                        task.cancel()
                    self.emit(StepCancelled(time.time(), node, by))
                case Block(node, because) if self.state.is_open(node):
                    self.emit(StepBlocked(time.time(), node, because))
                case Close(status) if self.state.finished is None:
                    self._close(status)

    def _stop_attempt(self, node: str, by: str) -> None:
        if attempt := self._attempts.get(node):
            task = asyncio.create_task(attempt.stop(by))
            self._stops.add(task)
            task.add_done_callback(self._stops.discard)

    def _close(self, status: str) -> None:
        words = {node: OUTCOMES[step.status] for node, step in self.state.steps.items()}
        self.emit(RunFinished(time.time(), self.frozen.run, status, words, self._saved))
        self._over.set()

    async def _resolve(self, node_id: str) -> None:
        """Decide on a step and, if it is not reused, run it; whatever goes wrong is an event of the step."""
        try:
            fingerprint, inputs = await asyncio.to_thread(self._bind, node_id)
            if self._reuse(node_id, fingerprint):
                return
            tell = self._teller(node_id)
            async with hold_key(self._locks / f"key-{fingerprint.key}", self.frozen.run, tell) as waited:
                if waited and self._reuse(node_id, fingerprint):
                    return
                await self._run_step(node_id, fingerprint, inputs)
        except (NbpipeError, OSError) as error:
            self._record_trouble(node_id, error)

    def _bind(self, node_id: str) -> tuple[Fingerprint, dict[str, BoundInput]]:
        """The step's whole fingerprint, its source data hashed now, and what each input is bound to."""
        node = self.graph.get_node(node_id)
        bound: dict[str, BoundInput] = {}
        shown = {}
        for port in node.inputs:
            if port.source_port:
                bound[port.name] = BoundInput(self._outputs[port.source_id][port.source_port])
                continue
            source = self.graph.data_sources[port.source_id]
            found = find_data(source, self.means.root)
            before = found.figures()
            digest = content_digest(found, self._digests)
            bound[port.name] = BoundInput(digest, found, before)
            shown[port.name] = shown_of(source, found, digest)
        fingerprint = self.frozen.steps[node_id].fingerprint
        return fingerprint.with_inputs({name: each.digest for name, each in bound.items()}, shown), bound

    def _decide(self, node_id: str, fingerprint: Fingerprint) -> Decision:
        node = self.graph.get_node(node_id)
        flags = Flags(node_id in self._forced, node.allow_reuse)
        return decide(fingerprint, node.name, self.graph.name, self.means.memory, flags)

    def _reuse(self, node_id: str, fingerprint: Fingerprint) -> bool:
        """Take a stored result if one answers; True when the step is settled by it."""
        result = self._decide(node_id, fingerprint).result
        if result is None or not self.state.is_open(node_id):
            return not self.state.is_open(node_id)
        accepted = bool(result.accepted_from)
        self.emit(StepReused(
            time.time(), node_id, result.key, result.accepted_from or result.run, result.finished, result.outputs,
            result.seconds, self.means.memory.keep_fingerprint(fingerprint), accepted,
            "accepted" if accepted else "",
        ))  # fmt: skip
        return True

    async def _run_step(
        self, node_id: str, fingerprint: Fingerprint, inputs: Mapping[str, BoundInput]
    ) -> None:
        node = self.graph.get_node(node_id)
        async with self._slots.hold(node.environment.resources.gpus, self._teller(node_id)) as gpus:
            if not self.state.is_open(node_id):
                return
            number = self.state.steps[node_id].attempts + 1
            folder = self._folder.attempt(self._positions[node_id], node_id, number)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._attempts[node_id] = attempt = Attempt(
                self.means, node, folder, number=number, fingerprint=fingerprint, inputs=inputs, gpus=gpus,
                may_retry=self.state.may_retry(node_id, number), emit=self.emit,
            )  # fmt: skip
            self._emit_step_started(node_id, fingerprint, number)
            ended = await attempt.run()
            self._note(node_id, fingerprint, ended)
        for note in attempt.notes:
            self.emit(note)
        self.emit(ended)

    def _emit_step_started(self, node_id: str, fingerprint: Fingerprint, number: int) -> None:
        node = self.graph.get_node(node_id)
        decision = self._decide(node_id, fingerprint)
        compared = decision.compared
        keep = self.means.memory.keep_fingerprint
        self.emit(StepStarted(
            time.time(), node_id, number, fingerprint.key, keep(fingerprint),
            [reason.to_json() for reason in self._with_roots(decision)],
            keep(compared.fingerprint) if compared else "", compared.run if compared else "", node.target,
            last_seconds(self.means.memory.attempts(node.name)),
        ))  # fmt: skip

    def _with_roots(self, decision: Decision) -> list[Reason]:
        """Reasons, with what made the upstream step run put behind those that speak of its output."""
        return [
            reason.because(self._cause_in(reason.name)) if reason.kind == "upstream" else reason
            for reason in decision.reasons
        ]

    def _cause_in(self, node_id: str) -> str:
        """What made a step of this run run, or empty."""
        if node_id not in self.state.steps:
            return ""
        story = self.state.steps[node_id].events
        started = next((event for event in reversed(story) if isinstance(event, StepStarted)), None)
        reasons = [Reason.from_json(reason) for reason in started.reasons] if started else []
        return cause_behind(self.graph.get_node(node_id).name, reasons)

    def _note(self, node_id: str, fingerprint: Fingerprint, ended: Event) -> None:
        """Add the attempt to the step's history, which later plans compare with."""
        node = self.graph.get_node(node_id)
        status = {"step_finished": "finished", "step_failed": "failed", "step_cancelled": "cancelled"}[
            ended.kind
        ]
        self.means.results.note({
            "step": node.name, "node": node_id, "pipeline": self.graph.name, "key": fingerprint.key,
            "run": self.frozen.run, "status": status, "time": ended.time,
            "fingerprint": self.means.memory.keep_fingerprint(fingerprint), "seconds": getattr(ended, "wall", 0.0),
        })  # fmt: skip

    def _teller(self, node_id: str) -> Callable[[str], None]:
        def tell(what: str) -> None:
            if self.state.is_open(node_id):
                self.emit(StepQueued(time.time(), node_id, what))

        return tell

    def _record_trouble(self, node_id: str, error: Exception) -> None:
        """An error of nbpipe's own, a full disk or a missing input: the step failed, and says why."""
        step = self.state.steps[node_id]
        if step.status.settled:
            return
        fact = str(getattr(error, "fact", None) or error).splitlines()[0]
        remedy = getattr(error, "remedy", None) or ""
        self.emit(StepFailed(time.time(), node_id, step.attempts, "start", fact, remedy=remedy))

    async def _watch_requests(self) -> None:
        """Carry out what others ask for by files in ``requests/``."""
        while True:
            for request in take_requests(self._folder.requests):
                if request.node and request.node not in self.state.steps:
                    continue
                if request.verb == "force":
                    self._forced.add(request.node)
                else:
                    self.emit(StopRequested(time.time(), request.node, request.by))
            await asyncio.sleep(REQUEST_POLL)
