"""Carries out a run: the thin asyncio shell around the state machine."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from nbpipe.core.events import (
    Event,
    RunFinished,
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
from nbpipe.execution.arrivals import Arrivals
from nbpipe.execution.attempt import Attempt, one_line
from nbpipe.execution.journal import Journal
from nbpipe.execution.means import Means
from nbpipe.execution.publisher import Publisher
from nbpipe.execution.requests import take_requests
from nbpipe.execution.reused_run import run_started, step_reused
from nbpipe.execution.run_folder import RunFolder
from nbpipe.execution.slots import AllSlots, hold_key
from nbpipe.execution.source_data import content_digest, find_data, shown_of, source_changed
from nbpipe.execution.workplace import BoundInput
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import own_folder, remove_tree
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock

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
        gate: keeps garbage from being collected; let go of before the run is told to have ended.
    """

    def __init__(
        self,
        means: Means,
        folder: RunFolder,
        state_folder: StateFolder,
        digests: FileDigests,
        slots: AllSlots,
        gate: Lock,
    ) -> None:
        self.means = means
        self.frozen = means.frozen
        self.graph = means.frozen.graph
        self._folder = folder
        self._locks = state_folder.locks
        self._digests = digests
        self._slots = slots
        self._gate = gate
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
        self._broken: BaseException | None = None
        self._over = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._arrivals = Arrivals(means, self.emit)
        self._publisher = Publisher(
            means.memory.sharing, means.depots, state_folder, means.results, self.emit
        )

    async def run(self) -> str:
        """Run every step to its end; the run's status in Azure ML v1's words.

        Raises:
            StoreError: events cannot be recorded any more; every process was ended.
        """
        self._emit_started()
        watching = self._begin(self._watch_requests())
        if self.means.memory.sharing_in_use:
            self._publisher.begin()
        self._carry_out(self.state.begin())
        try:
            await self._over.wait()
        finally:
            tasks = [watching, *self._resolving.values(), *self._stops]
            for task in tasks if self._broken else [watching]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.means.backends.aclose()
        if self._broken:
            raise self._broken
        return self.state.outcome

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task whose failure ends the run: it means that nothing can be recorded any more."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._look_at_end)
        return task

    def _look_at_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._broken = self._broken or error
            self._over.set()

    def _emit_started(self) -> None:
        self.emit(run_started(self.frozen))

    def emit(self, event: Event) -> None:
        """Record an event and carry out what follows from it."""
        self._journal.append(event)
        if isinstance(event, StepReused | StepFinished):
            self._outputs[event.node] = event.outputs
        if isinstance(event, StepReused):
            self._saved += event.seconds
        if isinstance(event, StopRequested) and not event.node:
            self._publisher.give_up()
        self._carry_out(self.state.handle(event))

    def _carry_out(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Resolve(node):
                    self._resolving[node] = self._begin(self._resolve(node))
                case Kill(node, by):
                    self._stop_attempt(node, by)
                case Cancel(node, by) if self.state.is_open(node):
                    if task := self._resolving.get(node):
                        task.cancel()
                    self.emit(StepCancelled(time.time(), node, by))
                case Block(node, because) if self.state.is_open(node):
                    self.emit(StepBlocked(time.time(), node, because))
                case Close(status) if self.state.finished is None:
                    self._closing = self._begin(self._close(status))

    def _stop_attempt(self, node: str, by: str) -> None:
        if attempt := self._attempts.get(node):
            task = self._begin(attempt.stop(by))
            self._stops.add(task)
            task.add_done_callback(self._stops.discard)

    async def _close(self, status: str) -> None:
        await self._publisher.finish()
        words = {node: OUTCOMES[step.status] for node, step in self.state.steps.items()}
        with suppress(OSError):  # before anybody hears that the run's folder is as it stays
            remove_tree(self._folder.runtime)
        self._gate.release()  # whoever hears of the end may collect: a target may be slow to let go of
        self.emit(RunFinished(time.time(), self.frozen.run, status, words, self._saved))
        self._over.set()

    async def _resolve(self, node_id: str) -> None:
        """Decide on a step and, if it is not reused, run it; whatever goes wrong is an event of the step."""
        try:
            if self._reads_sources(node_id):
                fingerprint, inputs = await asyncio.to_thread(self._bind, node_id)
            else:  # nothing has to be read for it, and a thread costs more
                fingerprint, inputs = self._bind(node_id)
            decide = partial(self._decide, node_id, fingerprint)
            decision = await self._arrivals.decide(node_id, decide)
            if await self._reuse(node_id, fingerprint, decision):
                return
            path = self._locks / f"key-{fingerprint.key}"
            async with hold_key(path, self.frozen.run, self._teller(node_id)) as waited:
                if waited or self.means.memory.result(fingerprint.key):  # another run may have made it by now
                    decision = await self._arrivals.decide(node_id, decide)
                if not await self._reuse(node_id, fingerprint, decision):
                    inputs = await self._arrivals.inputs(node_id, inputs)
                    await self._run_step(node_id, fingerprint, inputs, decision)
        except Exception as error:  # noqa: BLE001 - one step's trouble, even a bug of ours, ends no other step
            self._record_trouble(node_id, error)

    def _reads_sources(self, node_id: str) -> bool:
        return any(not port.source_port for port in self.graph.get_node(node_id).inputs)

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
            found = find_data(source, self.means.root, self.means.far_data)
            digest = content_digest(found, self._digests)
            look = partial(source_changed, source, self.means.root, digest, self._digests)
            bound[port.name] = BoundInput(digest, found, look)
            shown[port.name] = shown_of(source, found, digest)
        fingerprint = self.frozen.steps[node_id].fingerprint
        return fingerprint.with_inputs({name: each.digest for name, each in bound.items()}, shown), bound

    def _decide(self, node_id: str, fingerprint: Fingerprint) -> Decision:
        node = self.graph.get_node(node_id)
        flags = Flags(node_id in self._forced, node.allow_reuse)
        return decide(fingerprint, node.name, self.graph.name, self.means.memory, flags)

    async def _reuse(self, node_id: str, fingerprint: Fingerprint, decision: Decision) -> bool:
        """Take the stored result that a decision found; True when the step is settled, by it or meanwhile."""
        result = decision.result
        node = self.graph.get_node(node_id)
        if result is not None and any(port.destination for port in node.outputs):
            await asyncio.to_thread(self.means.put_copies, node, result.outputs)
        if not self.state.is_open(node_id):
            return True
        if result is None:
            return False
        self.emit(step_reused(self.frozen.run, node_id, fingerprint, result, self.means.memory))
        return True

    async def _run_step(
        self, node_id: str, fingerprint: Fingerprint, inputs: Mapping[str, BoundInput], decision: Decision
    ) -> None:
        node = self.graph.get_node(node_id)
        slots = self._slots.of(node.target)
        wanted = self._slots.gpus(node.target, node.environment.resources.gpus)
        async with slots.hold(wanted, self._teller(node_id)) as gpus:
            if not self.state.is_open(node_id):
                return
            number = self.state.steps[node_id].attempts + 1
            folder = self._folder.attempt(self._positions[node_id], node_id, number)
            own_folder(folder)
            self._attempts[node_id] = attempt = Attempt(
                self.means, node, folder, number=number, fingerprint=fingerprint, inputs=inputs, gpus=gpus,
                may_retry=self.state.may_retry(node_id, number), emit=self.emit, forced=node_id in self._forced,
            )  # fmt: skip
            self._emit_step_started(node_id, fingerprint, number, decision)
            ended = await attempt.run()
            self._note(node_id, fingerprint, ended)
        for note in attempt.notes:
            self.emit(note)
        if isinstance(ended, StepFinished) and self.means.memory.sharing_in_use:
            self._publisher.add(node_id, fingerprint.key, self.frozen.run, attempt.put)
        self.emit(ended)

    def _emit_step_started(
        self, node_id: str, fingerprint: Fingerprint, number: int, decision: Decision
    ) -> None:
        node = self.graph.get_node(node_id)
        keep = self.means.memory.keep_fingerprint
        digest = keep(fingerprint)
        first = self._started(node_id)
        if first is not None:  # a further attempt runs for the reasons of the first, not because that failed
            self.emit(
                replace(first, time=time.time(), attempt=number, key=fingerprint.key, fingerprint=digest)
            )
            return
        compared = decision.compared
        self.emit(StepStarted(
            time.time(), node_id, number, fingerprint.key, digest,
            [reason.to_json() for reason in self._with_roots(decision)],
            keep(compared.fingerprint) if compared else "", compared.run if compared else "", node.target,
            last_seconds(self.means.memory.attempts(node.name)),
        ))  # fmt: skip

    def _started(self, node_id: str) -> StepStarted | None:
        """The newest start of a step in this run, or None."""
        story = reversed(self.state.steps[node_id].events)
        return next((event for event in story if isinstance(event, StepStarted)), None)

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
        started = self._started(node_id)
        reasons = Reason.all_from_json(started.reasons) if started else []
        return cause_behind(self.graph.get_node(node_id).name, reasons)

    def _note(self, node_id: str, fingerprint: Fingerprint, ended: Event) -> None:
        """Add the attempt to the step's history, which later plans compare with."""
        node = self.graph.get_node(node_id)
        status = {"step_finished": "finished", "step_failed": "failed", "step_cancelled": "cancelled"}[
            ended.kind
        ]
        self.means.memory.note(
            node.name, node_id, self.graph.name, fingerprint, run=self.frozen.run, status=status, time=ended.time,
            seconds=getattr(ended, "wall", 0.0),
        )  # fmt: skip

    def _teller(self, node_id: str) -> Callable[[str], None]:
        def tell(what: str) -> None:
            if self.state.is_open(node_id):
                self.emit(StepQueued(time.time(), node_id, what))

        return tell

    def _record_trouble(self, node_id: str, error: Exception) -> None:
        """A missing input, a full disk or an error of nbpipe's own: the step failed, and says why."""
        if not isinstance(error, NbpipeError | OSError):
            traceback.print_exception(error)  # into the runner's log
        step = self.state.steps[node_id]
        if step.status.settled:
            return
        remedy = getattr(error, "details", "")
        self.emit(StepFailed(time.time(), node_id, step.attempts, "start", one_line(error), remedy=remedy))

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
