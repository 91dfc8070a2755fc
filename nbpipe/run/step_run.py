"""One step of a run: how it stands, why, what it wrote and made."""

from __future__ import annotations

import codecs
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nbpipe.core.events import (
    StepCancelled,
    StepFailed,
    StepFinished,
    StepNoted,
    StepReused,
    StepStarted,
)
from nbpipe.core.explanation import Explanation, explain
from nbpipe.core.reason import Reason
from nbpipe.core.run_state import Status, StepState
from nbpipe.errors import ActivityFailedException, UnknownName
from nbpipe.execution.logs import StepLog
from nbpipe.execution.process_environment import step_run_id
from nbpipe.run.story import RunStory
from nbpipe.runtime.metrics import fold, latest
from nbpipe.store.objects import ObjectStore

POLL = 0.03
"""Seconds between two looks at the events of a live run."""

V1_STATUS = {
    Status.WAITING: "NotStarted",
    Status.QUEUED: "Queued",
    Status.RUNNING: "Running",
    Status.DONE: "Finished",
    Status.REUSED: "Finished",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Canceled",
    Status.BLOCKED: "NotStarted",
}
"""Azure ML v1's word of a step's status."""


class StepOutput:
    """One output of a step.

    Attributes:
        name: port name.
        digest: digest of its content.
        path: the file or folder; read only.
    """

    def __init__(self, name: str, digest: str, objects: ObjectStore) -> None:
        self.name = name
        self.digest = digest
        self._objects = objects

    @property
    def path(self) -> Path:
        """Where it lies, brought here first where it is shared; ``StoreError`` where it is gone."""
        return self._objects.bring(self.digest)

    @property
    def size(self) -> int:
        """Bytes in all its files."""
        return self._objects.manifest(self.digest).total_size

    def __repr__(self) -> str:
        return f"StepOutput({self.name!r}, {self.digest[:6]})"


class StepRun:
    """One step of a run.

    Args:
        run: the run.
        node_id: the node.
    """

    def __init__(self, run: RunStory, node_id: str) -> None:
        self.run = run
        self.node_id = node_id
        self.name = run.graph.get_node(node_id).name
        self.id = step_run_id(run.id, node_id)

    @property
    def state(self) -> StepState:
        """The step as the run's events tell."""
        return self.run.state.steps[self.node_id]

    @property
    def status(self) -> str:
        """The word a view shows: waiting, queued, running, done, reused, failed, cancelled or blocked."""
        status = self.state.status
        if status in (Status.QUEUED, Status.RUNNING) and self.run.interrupted:
            return (Status.FAILED if status is Status.RUNNING else Status.WAITING).value
        return status.value

    def get_status(self) -> str:
        """Azure ML v1's word: NotStarted, Queued, Running, Finished, Failed or Canceled."""
        return V1_STATUS[Status(self.status)]

    def _last(self, kind: type[Any]) -> Any:
        return next((event for event in reversed(self.state.events) if isinstance(event, kind)), None)

    @property
    def reused(self) -> bool:
        """True when its result was taken from an earlier run."""
        return self.state.status is Status.REUSED

    @property
    def reused_run(self) -> str:
        """Id of the run whose result it is, or empty."""
        event = self._last(StepReused)
        return str(event.from_run) if event else ""

    @property
    def failure(self) -> StepFailed | None:
        """How it failed, or None."""
        event = self._last(StepFailed)
        return event if self.state.status is Status.FAILED else None

    @property
    def stopped_by(self) -> str:
        """Who or what stopped it ("you", "time-out after 10 s"), or empty."""
        event = self._last(StepCancelled)
        return str(event.by) if event and self.state.status is Status.CANCELLED else ""

    @property
    def fingerprint(self) -> str:
        """Key of its fingerprint; empty until it is decided."""
        event = self._last(StepStarted) or self._last(StepReused)
        return str(event.key) if event else ""

    @property
    def reasons(self) -> list[Reason]:
        """Why it ran; empty for a reused step."""
        event = self._last(StepStarted)
        return Reason.all_from_json(event.reasons) if event else []

    @property
    def wall(self) -> float | None:
        """Seconds it took; for a reused step those of the run it comes from; None while unknown."""
        reused = self._last(StepReused)
        if reused:
            return float(reused.seconds)
        ended = self.state.last
        return getattr(ended, "wall", None)

    @property
    def cpu(self) -> float | None:
        """Seconds of CPU it used, or None."""
        return getattr(self.state.last, "cpu", None)

    @property
    def peak_bytes(self) -> int | None:
        """Bytes of memory it had at most, or None."""
        return getattr(self.state.last, "peak_bytes", None)

    @property
    def properties(self) -> dict[str, str]:
        """Properties as in Azure ML v1; a reused step names its origin."""
        found = {name: str(value) for name, value in latest(self._logged(), "property").items()}
        reused = self._last(StepReused)
        if reused:
            found |= {
                "azureml.reusedrunid": step_run_id(reused.from_run, self.node_id),
                "azureml.reusednodeid": self.node_id,
                "azureml.reusedpipeline": reused.from_run,
            }
        return found

    @property
    def tags(self) -> dict[str, str]:
        """Tags that the script set."""
        return {name: str(value) for name, value in latest(self._logged(), "tag").items()}

    def _logged(self) -> list[dict[str, Any]]:
        return [dict(event.record) for event in self.state.logged]

    def get_outputs(self) -> dict[str, StepOutput]:
        """Outputs by port name; empty until it has ended well."""
        event = self._last(StepReused) or self._last(StepFinished)
        outputs = event.outputs if event and self.state.status.good else {}
        return {name: StepOutput(name, digest, self.run.objects()) for name, digest in outputs.items()}

    def get_output(self, name: str) -> StepOutput:
        """One output; ``UnknownName`` where the step has not made it."""
        outputs = self.get_outputs()
        if name not in outputs:
            known = ", ".join(outputs) or f"none yet ({self.status})"
            raise UnknownName(
                f"Step {self.name} of run {self.run.id} has no output {name}.", remedy=f"It has: {known}"
            )
        return outputs[name]

    @property
    def files(self) -> Path | None:
        """The folder of what it left in ``./outputs`` or uploaded, read only; None where that is nothing."""
        event = self.state.last
        digest = getattr(event, "kept", "")
        if isinstance(event, StepReused):
            stored = self.run.memory().result(event.key)
            digest = stored.kept if stored else ""
        return self.run.objects().bring(digest) if digest else None

    def get_metrics(self) -> dict[str, Any]:
        """What the script logged, name -> value; for a reused step what it logged when it ran."""
        event = self._last(StepReused)
        if event:
            stored = self.run.memory().result(event.key)
            return dict(stored.metrics) if stored else {}
        return fold(self._logged())

    @property
    def log(self) -> StepLog:
        """The log of its newest attempt."""
        number = max(self.state.attempts, 1)
        return StepLog(self.run.folder.attempt(self.run.position(self.node_id), self.node_id, number))

    def get_stdout_log(self) -> str:
        """All it wrote to its standard output so far."""
        return self.log.text("stdout")

    def get_stderr_log(self) -> str:
        """All it wrote to its standard error so far."""
        return self.log.text("stderr")

    def cancel(self) -> None:
        """Ask the runner to stop this step."""
        self.run.stop(self.node_id)

    def explain(self) -> Explanation:
        """Why it ran or was reused."""
        memory = self.run.memory()
        started, reused = self._last(StepStarted), self._last(StepReused)
        event = started or reused
        after = memory.fingerprint(event.fingerprint) if event else None
        before, compared_run = None, ""
        if started and started.compared:
            before, compared_run = memory.fingerprint(started.compared), started.compared_run
        elif reused:
            stored = memory.result(reused.key)
            before, compared_run = memory.fingerprint(stored.fingerprint) if stored else None, reused.from_run
        return explain(
            self.name, self.status, self.reasons, after, before, memory.read, compared_run=compared_run
        )

    def wait_for_completion(
        self, show_output: bool = True, timeout_seconds: float | None = None, raise_on_error: bool = True
    ) -> str:
        """Wait until the step has ended; its status in Azure ML v1's words.

        Raises:
            ActivityFailedException: it did not end well.
            TimeoutError: it did not end in time.
        """
        follow = Follower([self]) if show_output else None

        def over() -> bool:
            ended = self.state.status.settled or self.run.interrupted
            if follow:
                follow.tell()
            return ended

        wait_until(over, timeout_seconds, f"Step {self.name} of run {self.run.id} has not ended yet.")
        if raise_on_error and not self.state.status.good:
            raise self.error()
        return self.get_status()

    def error(self) -> ActivityFailedException:
        """The error that tells why it did not end well."""
        failure = self.failure
        if failure is None:
            return ActivityFailedException(f"{self.name} was {self.status} in run {self.run.id}.")
        # Advice names step and line itself; what nbpipe found on its own does not.
        named = failure.message.startswith(self.name)
        fact = failure.message if named else f"{self.name}: {failure.message}"
        return ActivityFailedException(fact, remedy=failure.remedy or None)

    def __repr__(self) -> str:
        return f"StepRun({self.name!r}, run {self.run.id}, {self.status})"


def wait_until(done: Callable[[], bool], timeout: float | None, otherwise: str) -> None:
    """Look every few milliseconds until something is done; ``TimeoutError`` with ``otherwise`` after ``timeout``."""
    end = None if timeout is None else time.monotonic() + timeout
    while not done():
        if end is not None and time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(POLL)


class Follower:
    """Prints what steps write and how they end, from where its last look ended.

    Args:
        steps: whom to follow.
    """

    def __init__(self, steps: Iterable[StepRun]) -> None:
        self._steps = list(steps)
        self._positions: dict[str, Any] = {}
        # A character may be split between two looks.
        self._decoders: dict[tuple[str, str], codecs.IncrementalDecoder] = defaultdict(
            lambda: codecs.getincrementaldecoder("utf-8")("replace")
        )
        self._told: set[str] = set()

    def tell(self) -> None:
        """Print what is new."""
        for step in self._steps:
            state = step.state
            if state.attempts:
                chunks, self._positions[step.node_id] = step.log.read(self._positions.get(step.node_id))
                for stream, data in chunks:
                    sys.stdout.write(self._decoders[step.node_id, stream].decode(data))
            if state.status.settled and step.node_id not in self._told:
                self._told.add(step.node_id)
                sys.stdout.write(f"{step.name}: {state.status.value}\n")
                notes = [event.text for event in state.events if isinstance(event, StepNoted)]
                sys.stdout.write("".join(f"{note}\n" for note in notes))
        sys.stdout.flush()
