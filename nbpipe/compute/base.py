"""What a backend is: something that starts a process, hands on what it prints, and can end all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Stream = Literal["stdout", "stderr"]
Sink = Callable[[Stream, bytes], None]
"""Takes output as it comes, in the order of each stream; called from the event loop's thread. While it works,
nothing more is read, so a step that prints faster than its log can be written waits, and memory stays
bounded."""


@dataclass(frozen=True)
class Job:
    """One process to start.

    Attributes:
        attempt_id: names this try in messages; no two tries that live at once share one.
        python: the interpreter, a path or a name on the job's own PATH.
        script: path of the script, relative to `cwd` or absolute.
        argv: the script's arguments.
        cwd: the folder it starts in; it exists.
        env: the whole environment, not additions to one.
        memory: bytes the process and all it starts may have resident, or None.
    """

    attempt_id: str
    python: str
    script: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)  # it may hold secrets
    memory: int | None = None


@dataclass(frozen=True)
class Exit:
    """How a process ended.

    Attributes:
        code: its exit code; None when a signal ended it, or when it was lost.
        signal: number of the signal that ended it, or None.
        wall: seconds from its start to its end.
        cpu: seconds of CPU, user and system, of it and all it started.
        peak_bytes: bytes resident at most: of its largest process or, where that was seen, of all together.
        lost: why nothing is known of its end, a sentence; empty when it is known.
        out_of_memory: it was ended because it went over `Job.memory`.
    """

    code: int | None
    signal: int | None
    wall: float
    cpu: float
    peak_bytes: int
    lost: str = ""
    out_of_memory: bool = False


@dataclass(frozen=True)
class Capacity:
    """What a target has to give: processor cores, and bytes of memory."""

    cpus: int
    memory: int


class Handle(ABC):
    """A process that was started."""

    @abstractmethod
    async def wait(self) -> Exit:
        """How the process ended, once it and everything it started are gone and its sink has had all they
        printed.

        May be awaited more than once. Cancelling it leaves the process alone.

        Raises:
            Exception: what the sink raised; the process was ended for it.
        """

    @abstractmethod
    async def cancel(self, grace: float) -> None:
        """End the process and everything it started: SIGTERM, `grace` seconds of patience, SIGKILL.

        Returns when it is gone. No error when it is gone already; of two calls, the one with less patience
        counts.
        """


class Backend(ABC):
    """Starts processes on one target.

    A backend knows nothing of steps, runs or reuse. What it promises: after `Handle.wait` nothing that the
    job started is alive; when the process that holds the backend ends, however that happens, so do its jobs.

    A backend for another machine is this class with three more duties, none of which changes the callers
    here: it brings the job's files in before the start (`Job.cwd` then names the folder where they lie here),
    it reads output by offset so that a broken line loses nothing, and it can find a process again by its
    `attempt_id` instead of ending it with its holder.
    """

    @abstractmethod
    async def probe(self) -> Capacity:
        """Look whether the target answers, and what it has.

        Raises:
            NbpipeError: it does not answer; the message says what to do.
        """

    @abstractmethod
    async def start(self, job: Job, sink: Sink) -> Handle:
        """Start a process and hand its output to `sink` until it ends.

        Raises:
            NbpipeError: it cannot be started: no such interpreter, no such folder, a NUL in an argument.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End what is left of this backend's processes, and whatever it holds."""
