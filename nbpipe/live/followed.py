"""A run that is followed: its events are read as they come, and told as what a board shows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from nbpipe.core.events import Event, StepEvent, StepFinished, StepReused, StepStarted
from nbpipe.core.graph import Graph
from nbpipe.core.reason import Reason
from nbpipe.core.run_state import StepState
from nbpipe.errors import NbpipeError
from nbpipe.live.composition import Begun, RunSeen, source_place
from nbpipe.live.scene import Vitals
from nbpipe.live.vitals import Pulse
from nbpipe.run import PipelineRun
from nbpipe.views.forecast import time_left
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.present import lost_view, run_view
from nbpipe.views.protocol import RunCard
from nbpipe.views.text import visible

LOCK_LOOK = 1.0
"""Seconds between two looks whether the runner is still there."""
PULSE = 0.25
"""Seconds between two looks at the logs of running steps."""


class FollowedRun:
    """A run with a reader of its own; ``look`` is called by one thread, the rest by any.

    Args:
        run: the run.

    Raises:
        NbpipeError: its record cannot be read.
    """

    def __init__(self, run: PipelineRun) -> None:
        self.run = PipelineRun(run.folder, run.objects(), run.memory(), run.frozen)
        self.graph: Graph = self.run.graph
        self._planned = {str(each["node"]): each for each in self.run.plan_json}
        self._submitted = {node: step.fingerprint.likeness for node, step in self.run.frozen.steps.items()}
        self._order = [node.node_id for node in self.graph.topological()]
        self._sources = {node.node_id: source_place(node) for node in self.graph.nodes}
        self._views: dict[str, NodeView] = {}
        self._begun: dict[str, Begun] = {}
        self._metrics: dict[str, str] = {}
        self._pulses: dict[str, Pulse] = {}
        self._count = -1
        self._figures: object = None
        self._next_lock_look = self._next_pulse = 0.0
        self.over = False
        self.vitals: Mapping[str, Vitals] = {}
        self.seen = RunSeen(self.run.id, "NotStarted", True)
        self.look()

    def look(self, now: float | None = None) -> bool:
        """Read what is new.

        Args:
            now: seconds of a clock that never goes back; default: that of this moment.

        Returns:
            True where something is to be shown anew.
        """
        if self.over and not self.vitals:
            return False
        now = time.monotonic() if now is None else now
        changed = self._read_events()
        if not self.over and now >= self._next_lock_look:
            self._next_lock_look = now + LOCK_LOOK
            changed = self._look_whether_lost() or changed
        if now >= self._next_pulse and not (self.over and not self.vitals):
            self._next_pulse = now + PULSE
            changed = self._feel() or changed
        return changed

    def _read_events(self) -> bool:
        figures = _figures(self.run)
        if figures == self._figures and self._count >= 0:
            return False
        self._figures = figures
        state = self.run.state
        events, count = self.run.events(max(self._count, 0))
        if count == self._count:
            return False
        touched = state.steps if self._count < 0 else _touched(events)
        self._count = count
        self._views, self._begun = dict(self._views), dict(self._begun)
        for node in touched:
            if node in state.steps and node in self.graph.node_dict:
                self._take(node, state.steps[node])
        self.over = self.over or state.finished is not None
        self._tell(self.run.status if self.over else "Running" if state.started else "NotStarted")
        return True

    def _take(self, node: str, step: StepState) -> None:
        self._views[node] = run_view(node, step, self._planned.get(node, {}), self.graph)
        begun = _begun_of(step)
        if begun:
            self._begun[node] = begun
        if step.logged:
            self._metrics[node] = metric_text(step.logged[-1].record) or self._metrics.get(node, "")

    def _look_whether_lost(self) -> bool:
        if not self.run.interrupted:
            return False
        self.over = True
        self._views = {node: lost_view(view) for node, view in self._views.items()}
        self._tell("Failed")
        return True

    def _feel(self) -> bool:
        """Look at the logs of the steps that run."""
        found: dict[str, Vitals] = {}
        for node, view in self._views.items():
            if view.status == "running":
                with suppress(NbpipeError, OSError):
                    vitals = self._pulse(node).look()
                    found[node] = Vitals(vitals.progress, vitals.last_line, self._metrics.get(node, ""))
            elif node in self._metrics:
                found[node] = Vitals(metric=self._metrics[node])
        if found == self.vitals:
            return False
        self.vitals = found
        return True

    def _pulse(self, node: str) -> Pulse:
        pulse = self._pulses.get(node)
        if pulse is None or pulse.attempt != self.run.state.steps[node].attempts:
            pulse = self._pulses[node] = Pulse(self.run.step(node))
        return pulse

    def _tell(self, status: str) -> None:
        run = self.run
        self.seen = RunSeen(
            run.id, status, not self.over, self._views, self._begun, self._submitted, run.memory().fingerprint,
            run.started, run.finished, self._sources,
        )  # fmt: skip

    def card(self, now: float) -> RunCard:
        """The run as a view's head shows it.

        Args:
            now: seconds since the epoch.
        """
        seen = self.seen
        left = time_left(Picture("", self._in_order(seen)), now) if seen.live else None
        return RunCard(
            seen.id,
            seen.status,
            seen.live,
            seen.started,
            seen.finished,
            float(round(left)) if left is not None else None,
            sum(view.settled for view in seen.views.values()),
        )

    def _in_order(self, seen: RunSeen) -> tuple[NodeView, ...]:
        return tuple(seen.views[each] for each in self._order if each in seen.views)


def _figures(run: PipelineRun) -> object:
    try:
        found = run.folder.events.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _begun_of(step: StepState) -> Begun | None:
    begun = next((e for e in reversed(step.events) if isinstance(e, StepStarted | StepReused)), None)
    if begun is None:
        return None
    last = step.last
    ended = begun if isinstance(begun, StepReused) else last if isinstance(last, StepFinished) else None
    return Begun(
        begun.key,
        begun.fingerprint,
        tuple(Reason.all_from_json(begun.reasons)) if isinstance(begun, StepStarted) else (),
        dict(ended.outputs) if ended else {},
    )


def _touched(events: Iterable[Event]) -> set[str]:
    return {event.node for event in events if isinstance(event, StepEvent)}


def metric_text(record: Mapping[str, Any]) -> str:
    """A logged number in one line; empty for what is none.

    Example:
        >>> metric_text({"record": "metric", "name": "accuracy", "value": 0.94117, "run": "step"})
        'accuracy 0.9412'
    """
    value = record.get("value")
    if record.get("record") != "metric" or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return visible(f"{record.get('name')} {value:.4g}")
