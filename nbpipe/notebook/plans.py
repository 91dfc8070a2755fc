"""The newest plan of each pipeline of a session, which the cell that declares a step and the views of it share."""

from __future__ import annotations

import threading
import time

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass

FRESH = 1.0
"""Seconds for which the plan that a cell made is that of now."""


@dataclass
class _Newest:
    """A pipeline's newest plan, until when it is that of now, and whether other files are known to have changed."""

    pipeline: Pipeline
    plan: Plan
    fresh_until: float = 0.0
    doubtful: bool = False


class Plans:
    """The newest plans; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._newest: dict[str, _Newest] = {}

    def after_edit(self, pipeline: Pipeline, step: str) -> Plan:
        """The plan for a cell that has just declared a step: looked at are this step, what it needs, and other edits.

        Where the pipeline was never planned whole, since no view shows it, only the step and what it needs is planned.
        """
        with self._lock:
            known = self._newest.get(pipeline.name)
            if known is None:
                found: Plan = pipeline.plan(steps=[step])
                return found
            plan: Plan = pipeline.plan(since=known.plan, edits_only=not known.doubtful)
            self._newest[pipeline.name] = _Newest(pipeline, plan, time.monotonic() + FRESH)
            return plan

    def offers(self, name: str) -> bool:
        """Whether ``now`` may give the plan of that pipeline that was just made for a cell."""
        with self._lock:
            known = self._newest.get(name)
            return known is not None and time.monotonic() < known.fresh_until

    def doubt(self) -> None:
        """A file that steps may share was written: the plans so far say nothing of now."""
        with self._lock:
            for each in self._newest.values():
                each.fresh_until, each.doubtful = 0.0, True

    def now(self, pipeline: Pipeline) -> Plan:
        """The plan of a pipeline as it is now; the one that was just made for a cell, to whoever asks first."""
        with self._lock:
            known = self._newest.get(pipeline.name)
            if known and known.pipeline is pipeline and self.offers(pipeline.name):
                known.fresh_until = 0.0
                return known.plan
            plan: Plan = pipeline.plan(since=known.plan if known else None)
            self._newest[pipeline.name] = _Newest(pipeline, plan)
            return plan
