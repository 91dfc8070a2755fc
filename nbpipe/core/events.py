"""Events of a run: the closed set of facts that a runner records, one JSON line each, and everybody reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from nbpipe.core.record import dataclass
from nbpipe.core.shape import well_formed

EVENTS_FORMAT = 1
"""Version of the lines; the first event of a run carries it."""


@dataclass(frozen=True)
class Event:
    """A fact about a run.

    Attributes:
        time: seconds since the epoch.
    """

    kind: ClassVar[str] = ""
    time: float

    def to_json(self) -> dict[str, Any]:
        """A JSON object whose ``event`` is the kind."""
        return {"event": self.kind, **vars(self)}


@dataclass(frozen=True)
class StepEvent(Event):
    """A fact about one step of a run."""

    node: str


@dataclass(frozen=True)
class RunStarted(Event):
    """A runner has begun.

    Attributes:
        run: id of the run.
        pipeline, experiment: names.
        nodes: node id -> step name, in the order of the plan.
        parents: node id -> ids it waits for.
        pid: process of the runner.
        tags: given at submit.
    """

    run: str
    pipeline: str
    experiment: str
    nodes: Mapping[str, str]
    parents: Mapping[str, list[str]]
    pid: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    format: int = EVENTS_FORMAT


@dataclass(frozen=True)
class StepQueued(StepEvent):
    """A step is ready and waits for "a slot", "a GPU" or "run 12, which makes it"."""

    waits_for: str


@dataclass(frozen=True)
class StepReused(StepEvent):
    """A step's result is taken from an earlier run, or from a store that is shared (then ``from_run`` is empty)."""

    key: str
    from_run: str
    from_time: float
    outputs: Mapping[str, str]
    seconds: float
    fingerprint: str = ""
    accepted: bool = False
    note: str = ""
    shared_from: str = ""


@dataclass(frozen=True)
class StepStarted(StepEvent):
    """A step's process has been started.

    Attributes:
        attempt: 1 for the first.
        key, fingerprint: key, and digest of the stored fingerprint.
        reasons: why it runs, as JSON.
        compared, compared_run: digest and run of the fingerprint that the reasons speak of, or empty.
        target: compute target.
        estimate: seconds it took last time, or None.
    """

    attempt: int
    key: str
    fingerprint: str
    reasons: list[dict[str, Any]]
    compared: str = ""
    compared_run: str = ""
    target: str = "local"
    estimate: float | None = None


@dataclass(frozen=True)
class StepMoved(StepEvent):
    """Where a step stands on its way to another machine and back.

    Attributes:
        phase: ``connecting``, ``queued``, ``sending``, ``preparing``, ``running``, ``away`` (the connection is lost
            and the step goes on) or ``fetching``.
        where: the machine, or empty while none is chosen.
        why: what is waited for, in the words of the target (``Resources``).
        done, total: bytes that came over and all that will.
        rate: bytes a second, or 0 where that is not known.
        anew: its machine was lost, and it begins again from nothing; what it logged until then does not count.
    """

    phase: str
    where: str = ""
    why: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    anew: bool = False


@dataclass(frozen=True)
class StepNoted(StepEvent):
    """Something worth telling about a step while or after it runs ("is not deterministic", a warning)."""

    text: str


@dataclass(frozen=True)
class StepLogged(StepEvent):
    """The script logged a metric, a tag or a property."""

    record: Mapping[str, Any]


@dataclass(frozen=True)
class StepFinished(StepEvent):
    """A step ended well and its outputs are published."""

    attempt: int
    outputs: Mapping[str, str]
    wall: float
    cpu: float
    peak_bytes: int
    kept: str = ""


@dataclass(frozen=True)
class StepFailed(StepEvent):
    """An attempt failed.

    Attributes:
        cause: ``exit``, ``signal``, ``output``, ``input``, ``memory``, ``start`` or ``lost``.
        message: one line.
        code: exit code, or None.
        signal: number of the signal that ended it, or None.
        line: line of the script that raised, or None.
        remedy: advice, or empty.
        will_retry: True when another attempt follows.
        kept: digest of the tree of its ``./outputs`` folder, or empty.
    """

    attempt: int
    cause: str
    message: str
    code: int | None = None
    signal: int | None = None
    line: int | None = None
    remedy: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    peak_bytes: int = 0
    will_retry: bool = False
    kept: str = ""


@dataclass(frozen=True)
class StepCancelled(StepEvent):
    """A step was stopped, or not begun, for ``by``: "you", "time-out after 10 s", "train failed".

    One that took too long (``timed_out``) halts its run as a failed one does: nobody wished it to stop.
    """

    by: str
    wall: float = 0.0
    timed_out: bool = False
    kept: str = ""


@dataclass(frozen=True)
class StepBlocked(StepEvent):
    """A step cannot run since one upstream did not end well."""

    because: str


@dataclass(frozen=True)
class StopRequested(Event):
    """Somebody asked to stop a step, or the whole run when ``node`` is empty."""

    node: str = ""
    by: str = "you"


@dataclass(frozen=True)
class RunFinished(Event):
    """The run has ended; the last event of every run that was not interrupted.

    Attributes:
        run: id of the run.
        status: ``Finished``, ``Failed`` or ``Canceled`` (Azure ML v1's words).
        steps: node id -> ``run``, ``reused``, ``failed``, ``cancelled`` or ``blocked``.
        saved: seconds that reuse saved.
    """

    run: str
    status: str
    steps: Mapping[str, str]
    saved: float = 0.0


def _tag(kind: type[Event]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


_KINDS: dict[str, type[Event]] = {}
for _kind in (
    RunStarted, StepQueued, StepReused, StepStarted, StepMoved, StepNoted, StepLogged, StepFinished, StepFailed,
    StepCancelled, StepBlocked, StopRequested, RunFinished,
):  # fmt: skip
    _kind.kind = _tag(_kind)
    _KINDS[_kind.kind] = _kind


def event_from_json(data: Mapping[str, Any]) -> Event | None:
    """The event of a line; None for a kind that a newer nbpipe added.

    Raises:
        TypeError: a field is missing, or of another kind.

    Example:
        >>> event_from_json({"event": "step_blocked", "time": 0.0, "node": "b", "because": "a failed"})
        StepBlocked(time=0.0, node='b', because='a failed')
    """
    kind = _KINDS.get(str(data.get("event")))
    if kind is None:
        return None
    fields = kind.__dataclass_fields__
    event: Event = well_formed(kind(**{name: value for name, value in data.items() if name in fields}))
    return event
