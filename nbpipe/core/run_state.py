"""The state of a run: a machine without input or output; events in, instructions out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nbpipe.core.events import (
    Event,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepLogged,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
    StopRequested,
)


class Status(StrEnum):
    """What a step is; the values are the words that views show (``waiting`` shows as its plan)."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REUSED = "reused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"

    @property
    def settled(self) -> bool:
        """True when nothing more can happen to the step in this run."""
        return self not in (Status.WAITING, Status.QUEUED, Status.RUNNING)

    @property
    def good(self) -> bool:
        """True when its outputs are there."""
        return self in (Status.DONE, Status.REUSED)


OUTCOMES = {
    Status.DONE: "run",
    Status.REUSED: "reused",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.BLOCKED: "blocked",
}
"""Word of a settled step in ``run_finished``."""


@dataclass(frozen=True)
class Resolve:
    """Instruction: decide whether the step is reused, and start it if not."""

    node: str


@dataclass(frozen=True)
class Kill:
    """Instruction: end the step's processes; ``by`` goes into its ``StepCancelled``."""

    node: str
    by: str


@dataclass(frozen=True)
class Cancel:
    """Instruction: record that a step that has not started will not."""

    node: str
    by: str


@dataclass(frozen=True)
class Block:
    """Instruction: record that a step cannot run, and because of what."""

    node: str
    because: str


@dataclass(frozen=True)
class Close:
    """Instruction: every step is settled; record the end of the run with this status."""

    status: str


Instruction = Resolve | Kill | Cancel | Block | Close

_NEXT: Mapping[type[StepEvent], Mapping[Status, Status]] = {
    StepQueued: {Status.WAITING: Status.QUEUED, Status.QUEUED: Status.QUEUED},
    StepReused: {Status.WAITING: Status.REUSED, Status.QUEUED: Status.REUSED},
    StepStarted: {Status.WAITING: Status.RUNNING, Status.QUEUED: Status.RUNNING},
    StepFinished: {Status.RUNNING: Status.DONE},
    StepFailed: dict.fromkeys((Status.WAITING, Status.QUEUED, Status.RUNNING), Status.FAILED),
    StepCancelled: dict.fromkeys((Status.WAITING, Status.QUEUED, Status.RUNNING), Status.CANCELLED),
    StepBlocked: {Status.WAITING: Status.BLOCKED, Status.QUEUED: Status.BLOCKED},
}
"""The one transition table; an event that it has not for a status is illegal."""


class IllegalEvent(ValueError):
    """An event that cannot happen to a step in the status it has."""


@dataclass
class StepState:
    """One step of a run, as its events tell.

    Attributes:
        status: where it stands.
        attempts: attempts begun.
        events: its story, oldest first.
    """

    status: Status = Status.WAITING
    attempts: int = 0
    events: list[StepEvent] = field(default_factory=list)

    @property
    def last(self) -> StepEvent | None:
        """The newest event that changed its status."""
        return next((event for event in reversed(self.events) if type(event) in _NEXT), None)


class RunState:
    """All steps of a run: a fold over its events, and what a runner must do next.

    Readers only call ``apply``; the runner calls ``handle`` and carries out what it returns.

    Args:
        parents: node id -> ids of the nodes it waits for, each node after its parents.
        retries: node id -> further attempts after a failure.
        continue_on_step_failure: start steps that do not depend on a failed one. When False (v1's default)
            steps that run already go on, since their results are of use, and no other is started.

    Example:
        >>> state = RunState({"a": [], "b": ["a"]})
        >>> state.begin()
        [Resolve(node='a')]
        >>> state.handle(StepReused(0.0, "a", "k", "1", 0.0, {}, 2.0))
        [Resolve(node='b')]
    """

    def __init__(
        self,
        parents: Mapping[str, Iterable[str]],
        *,
        retries: Mapping[str, int] | None = None,
        continue_on_step_failure: bool = False,
    ) -> None:
        self.parents = {node: tuple(names) for node, names in parents.items()}
        self.steps = {node: StepState() for node in self.parents}
        self.retries = dict(retries or {})
        self.continue_on_step_failure = continue_on_step_failure
        self.started: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.stop_requested: StopRequested | None = None
        self._children: dict[str, list[str]] = {node: [] for node in self.parents}
        for node, names in self.parents.items():
            for name in names:
                self._children[name].append(node)

    @staticmethod
    def from_started(event: RunStarted) -> RunState:
        """The state of a run that has just begun, for a reader of its events."""
        state = RunState(event.parents)
        state.started = event
        return state

    def begin(self) -> list[Instruction]:
        """What to do first: resolve every step that waits for nothing."""
        ready: list[Instruction] = [Resolve(node) for node, names in self.parents.items() if not names]
        return ready or [Close("Finished")]

    def apply(self, event: Event) -> None:
        """Take an event into the state.

        Raises:
            IllegalEvent: it cannot happen to the step now.
        """
        if isinstance(event, RunFinished):
            self.finished = event
        elif isinstance(event, RunStarted):
            self.started = event
        elif isinstance(event, StopRequested):
            self.stop_requested = event if not event.node else self.stop_requested
        elif isinstance(event, StepEvent):
            self._apply_to_step(event)

    def _apply_to_step(self, event: StepEvent) -> None:
        step = self.steps[event.node]
        if not isinstance(event, StepLogged | StepNoted):
            table = _NEXT[type(event)]
            if step.status not in table:
                raise IllegalEvent(f"{event.kind} came to {event.node}, which is {step.status}")
            step.status = table[step.status]
        if isinstance(event, StepStarted):
            step.attempts = event.attempt
        if isinstance(event, StepFailed) and event.will_retry:
            step.status = Status.WAITING
        step.events.append(event)

    def may_retry(self, node: str, attempt: int) -> bool:
        """True when another attempt may follow attempt number ``attempt`` of a step."""
        return not self.stop_requested and 0 < attempt <= self.retries.get(node, 0)

    def is_open(self, node: str) -> bool:
        """True while a step has not started and still may."""
        return self.steps[node].status in (Status.WAITING, Status.QUEUED)

    def handle(self, event: Event) -> list[Instruction]:
        """Take an event into the state and say what to do next, in order."""
        self.apply(event)
        if isinstance(event, StopRequested):
            return self._stop(event)
        if not isinstance(event, StepEvent) or isinstance(event, StepLogged | StepNoted):
            return []
        status = self.steps[event.node].status
        if status is Status.WAITING:
            return [Resolve(event.node)]
        if not status.settled:
            return []
        todo = self._after_good(event.node) if status.good else self._after_bad(event.node, status)
        return todo + self._close()

    def _after_good(self, node: str) -> list[Instruction]:
        if self.halted_by:
            return []
        ready = [child for child in self._children[node] if self._is_ready(child)]
        return [Resolve(child) for child in ready]

    def _is_ready(self, node: str) -> bool:
        good = all(self.steps[parent].status.good for parent in self.parents[node])
        return good and self.steps[node].status is Status.WAITING

    def _after_bad(self, node: str, status: Status) -> list[Instruction]:
        because = f"{node} ({status})"
        todo: list[Instruction] = [
            Block(child, because)
            for child in self._children[node]
            if self.steps[child].status is Status.WAITING and not self.stop_requested
        ]
        if status is Status.FAILED and not self.continue_on_step_failure:
            below = self._descendants(node)
            todo += self._cancel_waiting(f"{node} failed", lambda other: other not in below)
        return todo

    @property
    def halted_by(self) -> str:
        """Why no further step is started: a stop, or a failed step; empty while the run goes on."""
        if self.stop_requested:
            return self.stop_requested.by
        if self.continue_on_step_failure:
            return ""
        return next(
            (f"{node} failed" for node, step in self.steps.items() if step.status is Status.FAILED), ""
        )

    def _stop(self, event: StopRequested) -> list[Instruction]:
        if event.node:
            status = self.steps[event.node].status
            if status is Status.RUNNING:
                return [Kill(event.node, event.by)]
            return [] if status.settled else [Cancel(event.node, event.by)]
        running = [node for node, step in self.steps.items() if step.status is Status.RUNNING]
        todo: list[Instruction] = [Kill(node, event.by) for node in running]
        return todo + self._cancel_waiting(event.by, lambda node: True)

    def _cancel_waiting(self, by: str, wanted: Callable[[str], bool]) -> list[Instruction]:
        open_now = (Status.WAITING, Status.QUEUED)
        return [
            Cancel(node, by) for node, step in self.steps.items() if step.status in open_now and wanted(node)
        ]

    def _descendants(self, node: str) -> set[str]:
        found: set[str] = set()
        todo = [node]
        while todo:
            for child in self._children[todo.pop()]:
                if child not in found:
                    found.add(child)
                    todo.append(child)
        return found

    def _close(self) -> list[Instruction]:
        if not all(step.status.settled for step in self.steps.values()):
            return []
        return [Close(self.outcome)]

    @property
    def outcome(self) -> str:
        """Status of the run in Azure ML v1's words: Running, Finished, Failed or Canceled."""
        if self.finished:
            return self.finished.status
        statuses = [step.status for step in self.steps.values()]
        if not all(status.settled for status in statuses):
            return "Running"
        if all(status.good for status in statuses):
            return "Finished"
        if self.stop_requested and Status.FAILED not in statuses:
            return "Canceled"
        return "Failed"
