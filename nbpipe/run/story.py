"""The story of a run: what its folder tells of it, while it is live in another process and ever after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from nbpipe.core.events import Event, StepReused
from nbpipe.core.graph import Graph
from nbpipe.core.run_state import IllegalEvent, RunState
from nbpipe.execution.frozen import FrozenRun
from nbpipe.execution.journal import Journal
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.requests import Request, leave_request
from nbpipe.execution.run_folder import RunFolder
from nbpipe.runtime.metrics import latest
from nbpipe.store.files import read_bytes, read_json
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore

STARTING = 10.0
"""Seconds within which a runner that was just started takes its lock."""


class RunStory:
    """What a run's folder tells, and how its runner is asked for something.

    Args:
        folder: the run's folder.
        objects, memory: the workspace's store.
        frozen: what was frozen at submit, where it is at hand; default: read when asked for.
    """

    def __init__(
        self, folder: RunFolder, objects: ObjectStore, memory: StoredMemory, frozen: FrozenRun | None = None
    ) -> None:
        self.folder = folder
        self.id = folder.run_id
        self._objects = objects
        self._memory = memory
        self._journal = Journal(folder.events)
        if frozen is not None:
            self.frozen = frozen

    @cached_property
    def frozen(self) -> FrozenRun:
        """What was frozen at submit."""
        return FrozenRun.from_json(read_json(self.folder.graph))

    @property
    def graph(self) -> Graph:
        """The graph that runs, with the values of its parameters."""
        return self.frozen.graph

    @property
    def number(self) -> str:
        """The run's id."""
        return self.id

    @property
    def experiment_name(self) -> str:
        """Name that groups runs."""
        return self.frozen.experiment

    @property
    def pipeline_name(self) -> str:
        """Name of the pipeline."""
        return self.frozen.graph.name

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags given at submit, and those that scripts set by ``run.parent.tag()``."""
        return {**self.frozen.options.tags, **latest(self._logged(), "tag", "parent")}

    def _logged(self) -> list[dict[str, Any]]:
        """What scripts logged in this run, in order, each step's or the whole run's."""
        logged = (event for step in self.state.steps.values() for event in step.logged)
        return [dict(event.record) for event in sorted(logged, key=lambda event: event.time)]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameter values of this run."""
        return self.frozen.graph.parameters

    @property
    def plan_json(self) -> list[dict[str, Any]]:
        """The plan at submit, one JSON object a step."""
        return self.frozen.plan

    @property
    def state(self) -> RunState:
        """The run as its events tell now."""
        known = self._journal.state()
        if known is None:
            order = [node.node_id for node in self.graph.topological()]
            known = RunState({node: self.graph.get_node(node).parents() for node in order})
            for event in self._journal.events:  # the line that began it is damaged
                with suppress(IllegalEvent, KeyError):
                    known.apply(event)
        return known

    @property
    def live(self) -> bool:
        """True while a runner works on it."""
        return Lock(self.folder.lock).held()

    @property
    def interrupted(self) -> bool:
        """True when its runner is gone and it never ended."""
        if self.state.finished is not None or self.live:
            return False
        # The runner writes its last event before it lets go of the lock, so one more look settles it. A run that
        # was submitted a moment ago has no runner yet.
        state = self.state
        late = time.time() - self.frozen.submitted > STARTING
        begun = state.started is not None or late or bool(self.runner_error())
        return begun and state.finished is None

    def runner_error(self) -> str:
        """The error that a runner which broke wrote, in one line, or empty."""
        try:
            lines = read_bytes(self.folder.runner_log).decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        # What is set in belongs to the line above: an error's remedy, or the frames of a traceback.
        return next((line for line in reversed(lines) if line.strip() and not line[0].isspace()), "")

    @property
    def status(self) -> str:
        """NotStarted, Running, Finished, Failed or Canceled (Azure ML v1's words)."""
        state = self.state
        if state.finished is not None:
            return state.finished.status
        if self.interrupted:
            return "Failed"
        return "Running" if state.started else "NotStarted"

    def get_status(self) -> str:
        """The same as ``status``."""
        return self.status

    @property
    def started(self) -> float | None:
        """When the runner began, seconds since the epoch."""
        return self.state.started.time if self.state.started else None

    @property
    def finished(self) -> float | None:
        """When it ended, seconds since the epoch."""
        return self.state.finished.time if self.state.finished else None

    @property
    def saved(self) -> float:
        """Seconds of earlier work that reuse saved."""
        stories = (step.events for step in self.state.steps.values())
        return sum(event.seconds for story in stories for event in story if isinstance(event, StepReused))

    def events(self, offset: int = 0) -> tuple[list[Event], int]:
        """Events from number ``offset`` on, and the number to ask from next time."""
        self._journal.read()
        return self._journal.events[offset:], len(self._journal.events)

    def stop(self, node_id: str = "", by: str = "you") -> None:
        """Ask the runner to stop a node, or the whole run; it ends the processes within seconds."""
        leave_request(self.folder.requests, Request("stop", node_id, by))

    def force_node(self, node_id: str) -> None:
        """Ask the runner to run a node that has not been decided yet, whatever is stored."""
        leave_request(self.folder.requests, Request("force", node_id))

    def objects(self) -> ObjectStore:
        """The workspace's objects, for reading outputs."""
        return self._objects

    def memory(self) -> StoredMemory:
        """What earlier runs left."""
        return self._memory

    def position(self, node_id: str) -> int:
        """Number of a node in the graph, which its folder is called by."""
        return list(self.graph.node_dict).index(node_id)
