"""The state of a run: a machine without input or output; events in, instructions out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import field
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
    StepMoved,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
    StopRequested,
)
from nbpipe.core.record import dataclass


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
        logged: what its script logged since it last began from nothing, oldest first.
    """

    status: Status = Status.WAITING
    attempts: int = 0
    events: list[StepEvent] = field(default_factory=list)
    logged: list[StepLogged] = field(default_factory=list)

    def take(self, event: StepEvent) -> None:
        """Add to its story."""
        self.events.append(event)
        if isinstance(event, StepLogged):
            self.logged.append(event)
        elif isinstance(event, StepStarted) or (isinstance(event, StepMoved) and event.anew):
            self.logged.clear()

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
        self.parents = {node: tuple(dict.fromkeys(names)) for node, names in parents.items()}
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
        self._unsettled = len(self.steps)
        self._failure = ""
        self._given_up: set[str] = set()
        self._stopping: dict[str, str] = {}

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
            self.stop_requested = self.stop_requested or (None if event.node else event)
        elif isinstance(event, StepEvent):
            self._apply_to_step(event)

    def _apply_to_step(self, event: StepEvent) -> None:
        step = self.steps.get(event.node)
        if step is None:
            raise IllegalEvent(f"{event.kind} came to {event.node}, which is no step of this run")
        if not isinstance(event, StepLogged | StepMoved | StepNoted):
            table = _NEXT[type(event)]
            if step.status not in table:
                raise IllegalEvent(f"{event.kind} came to {event.node}, which is {step.status}")
            step.status = table[step.status]
        if isinstance(event, StepStarted):
            step.attempts = event.attempt
        if isinstance(event, StepFailed):
            if event.will_retry:
                step.status = Status.WAITING
            else:
                self._failure = self._failure or f"{event.node} failed"
        if isinstance(event, StepCancelled) and event.timed_out:
            self._failure = self._failure or f"{event.node} took too long"
        if type(event) in _NEXT:
            self._unsettled -= step.status.settled
        step.take(event)

    def may_retry(self, node: str, attempt: int) -> bool:
        """True when another attempt may follow attempt number ``attempt`` of a step."""
        return not self._no_more(node) and 0 < attempt <= self.retries.get(node, 0)

    def _no_more(self, node: str) -> str:
        """Why no further attempt at a step is made, or empty."""
        return self._stopping.get(node, "") or self.halted_by

    def is_open(self, node: str) -> bool:
        """True while a step has not started and still may."""
        return self.steps[node].status in (Status.WAITING, Status.QUEUED)

    def handle(self, event: Event) -> list[Instruction]:
        """Take an event into the state and say what to do next, in order.

        Each instruction can be carried out at once or later, in any order: none is given twice, and none is
        made impossible by another.
        """
        self.apply(event)
        if isinstance(event, StopRequested):
            return self._stop(event)
        if not isinstance(event, StepEvent) or type(event) not in _NEXT:
            return []
        status = self.steps[event.node].status
        if status is Status.WAITING:  # an attempt failed and may be made again
            why_not = self._no_more(event.node)
            return self._give_up([event.node], why_not) if why_not else [Resolve(event.node)]
        if status is Status.RUNNING and self.stop_requested:
            return self._kill([event.node], self.stop_requested.by)
        if not status.settled:
            return []
        todo = self._after_good(event.node) if status.good else self._after_bad(event.node, status)
        return todo + ([] if self._unsettled else [Close(self.outcome)])

    def _after_good(self, node: str) -> list[Instruction]:
        if self.halted_by:
            return []
        return [Resolve(child) for child in self._children[node] if self._is_ready(child)]

    def _is_ready(self, node: str) -> bool:
        good = all(self.steps[parent].status.good for parent in self.parents[node])
        return good and self.steps[node].status is Status.WAITING and node not in self._given_up

    def _after_bad(self, node: str, status: Status) -> list[Instruction]:
        """Block all below at once, however deep, so that carrying it out calls nobody back."""
        below = self._below(node)
        self._given_up.update(below)
        todo: list[Instruction] = [Block(other, f"{node} ({status})") for other in below]
        if self._failure and not self.continue_on_step_failure:
            todo += self._give_up(self.steps, self._failure)
        return todo

    @property
    def halted_by(self) -> str:
        """Why no further step is started: a stop, or a failed step; empty while the run goes on."""
        if self.stop_requested:
            return self.stop_requested.by
        return "" if self.continue_on_step_failure else self._failure

    def _stop(self, event: StopRequested) -> list[Instruction]:
        nodes = [event.node] if event.node else list(self.steps)
        nodes = [node for node in nodes if node in self.steps]
        return [*self._kill(nodes, event.by), *self._give_up(nodes, event.by)]

    def _kill(self, nodes: Iterable[str], by: str) -> list[Instruction]:
        """Kill those of the nodes that run and are not being killed yet."""
        running = [node for node in nodes if self.steps[node].status is Status.RUNNING]
        found = [node for node in running if node not in self._stopping]
        self._stopping.update(dict.fromkeys(found, by))
        return [Kill(node, by) for node in found]

    def _give_up(self, nodes: Iterable[str], by: str) -> list[Instruction]:
        """Cancel those of the nodes that have not started and are not given up yet."""
        found = [node for node in nodes if self.is_open(node) and node not in self._given_up]
        self._given_up.update(found)
        return [Cancel(node, by) for node in found]

    def _below(self, node: str) -> list[str]:
        """Ids of all nodes that wait for a node and are not given up yet, the nearest first."""
        found: dict[str, None] = {}
        todo = deque([node])
        while todo:
            for child in self._children[todo.popleft()]:
                if child not in found and child not in self._given_up:
                    found[child] = None
                    todo.append(child)
        return list(found)

    @property
    def outcome(self) -> str:
        """Status of the run in Azure ML v1's words: Running, Finished, Failed or Canceled."""
        if self.finished:
            return self.finished.status
        if self._unsettled:
            return "Running"
        if all(step.status.good for step in self.steps.values()):
            return "Finished"
        return "Failed" if self._failure else "Canceled"
