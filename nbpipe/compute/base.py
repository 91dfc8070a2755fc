"""What a backend is: something that starts a process, hands on what it prints, and can end all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbpipe.compute.lock import Lock
from nbpipe.errors import NbpipeError

Stream = Literal["stdout", "stderr", "spool"]
Sink = Callable[[Stream, bytes], None]
"""Takes output as it comes, in the order of each stream; called from the event loop's thread. While it works,
nothing more is read, so a step that prints faster than its log can be written waits, and memory stays
bounded. What a step's runtime records (`spool`) comes this way from a machine whose files are not seen here,
and only from there."""

Moved = Callable[[int], None]
"""Hears how many more bytes went; less than nothing for those that have to go again."""

Offsets = Mapping[Stream, int]
"""Bytes of each stream that were taken already."""


@dataclass(frozen=True)
class Phase:
    """Where a job stands before and after it runs.

    Attributes:
        name: ``connecting``, ``queued``, ``sending``, ``preparing``, ``running``, ``away`` (the connection is
            lost and the job goes on) or ``fetching``.
        where: the machine, as the target calls it; empty while none is chosen.
        why: what is waited for, in the words of the target (``Resources``).
        done, total: bytes that came over and all that will, of ``sending`` and ``fetching``.
        anew: its machine was lost, and the job begins again from nothing: the `spool` of its sink, too.
    """

    name: Literal["connecting", "queued", "sending", "preparing", "running", "away", "fetching"]
    where: str = ""
    why: str = ""
    done: int = 0
    total: int = 0
    anew: bool = False


Tell = Callable[[Phase], None]
"""Hears of each phase as it begins, and of its progress a few times a second."""


def tell_nobody(_phase: Phase) -> None:
    """Take the place of a listener."""


@dataclass(frozen=True)
class Placed:
    """One file of a parcel.

    Attributes:
        digest: blake3 of its content, under which machines keep it.
        mode: permission bits.
        link: True for a link to what the machine keeps, which the job only reads; False for a copy of its own.
    """

    digest: str
    mode: int = 0o600
    link: bool = False


@dataclass(frozen=True)
class Depot:
    """A datastore that a target may reach by itself, so that what lies there need not pass the line to it.

    The target goes there with what its own environment and files have for it, never with ours. What it cannot
    have there, for whatever reason, is sent.

    Attributes:
        url: path or URL of a folder.
        options: with what its driver is opened; no secrets.
        program: digest of a program that carries files between such a folder and the machine it runs on, as
            `nbpipe/store/carrier.py` says, and where that lies on this machine.
        names: of some objects, those that lie there, each with its name. It may wait for the datastore, so it
            is called in a thread, and only where a target lacks some.
    """

    url: str
    options: Mapping[str, Any]
    program: tuple[str, Path]
    names: Callable[[Collection[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Offer:
    """Results that a target may put into a depot by itself.

    Attributes:
        depot: where to.
        objects: digest -> where the content lies on this machine; the target keeps it too.
        names: digest -> its name in the depot.
        witness: name of a file that lies in the depot for sure: a folder without it is another one.
    """

    depot: Depot
    objects: Mapping[str, Path]
    names: Mapping[str, str]
    witness: str


@dataclass(frozen=True)
class Put:
    """What became of an offer.

    Attributes:
        there: digests of what lies in the depot now, as the target says.
        said: why the rest does not, in sentences; each is said once.
    """

    there: Collection[str] = ()
    said: Collection[str] = ()


@dataclass(frozen=True)
class Parcel:
    """What a job's folder holds when it starts on a machine that sees none of our files.

    Attributes:
        files: relative POSIX path -> the file there.
        folders: relative paths of folders made empty; those of files need not be named.
        links: relative path -> target, for links that lie in the data themselves.
        objects: digest -> where the content lies on this machine, of everything in `files`.
        results: relative paths of what is brought back when the job has ended; what is not there is passed over.
        depots: where some of the objects can be had, too.
    """

    files: Mapping[str, Placed] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, Path] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    depots: tuple[Depot, ...] = ()


@dataclass(frozen=True)
class Job:
    """One process to start.

    Attributes:
        attempt_id: names this try, in messages and on the target; a job is started once for it, however often
            that is asked.
        python: the interpreter, a path or a name on the job's own PATH.
        script: path of the script, relative to `cwd` or absolute.
        argv: the script's arguments.
        cwd: the folder it starts in. It exists, or is made of the parcel.
        env: the whole environment; with a parcel, what is laid over that of the other machine.
        memory: bytes the process and all it starts may have resident, or None.
        gpus: GPUs it wants; a target with a queue of its own gives them out.
        nodes: machines it wants, for MPI.
        parcel: what its folder holds, for a target that does not share our files; None where `cwd` lies there
            as it is.
        place: stands for the job's folder on the other machine, wherever it occurs in `script`, `argv`, `cwd`
            and the values of `env`; empty without a parcel.
    """

    attempt_id: str
    python: str
    script: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)  # it may hold secrets
    memory: int | None = None
    gpus: int = 0
    nodes: int = 1
    parcel: Parcel | None = field(default=None, repr=False)
    place: str = ""


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
    """What a target has to give.

    Attributes:
        cpus: processor cores.
        memory: bytes.
        gpus: GPUs.
        disk: bytes free where jobs work, or None where that is not known.
        python: version of the target's own interpreter, ``3.11.7``.
        machine: how the target calls itself.
    """

    cpus: int
    memory: int
    gpus: int = 0
    disk: int | None = None
    python: str = ""
    machine: str = ""


@dataclass(frozen=True)
class Collected:
    """What came back of a job's folder.

    Attributes:
        written: relative paths of files that the job wrote and that are none of its results.
        changed: relative paths of linked files that the job changed, which it must not.
    """

    written: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


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

    async def collect(self, into: Path) -> Collected:
        """Bring what the job left at its parcel's `results` to the same places under a folder of this machine.

        To be called once it has ended. Without a parcel everything lies here already, and nothing is done.

        Raises:
            NbpipeError: it cannot be brought: no room here, or the machine is gone for good.
        """
        del into
        return Collected()

    async def forget(self, kept: Mapping[str, str]) -> None:
        """Let the target remove what it holds of the job.

        Args:
            kept: relative path -> digest of results that were published: the target keeps them as objects, so
                that a job that reads them there needs nothing sent.
        """
        del kept

    async def put(self, offer: Offer, moved: Moved) -> Put:
        """Let the target put results, which it keeps since `forget`, into a depot by itself, where it can.

        Args:
            offer: what, and where to.
            moved: hears of bytes.

        Raises:
            NbpipeError: the target does not answer.
        """
        del offer, moved
        return Put()


class Backend(ABC):
    """Starts processes on one target.

    A backend knows nothing of steps, runs or reuse. What it promises: after `Handle.wait` nothing that the
    job started is alive; output comes whole and in order, however often the line to the target breaks; a job
    is started once for each `attempt_id`.

    `nbpipe.compute.conformance` has the laws that every backend keeps, as tests that can be run for one's own.

    Attributes:
        shares_files: the target sees our files under our paths, so jobs come without a parcel.
        outlives: jobs go on when the process that holds the backend ends, and `attach` finds them; else they
            end with it, however that happens.
    """

    shares_files: bool = False
    outlives: bool = False

    @abstractmethod
    async def probe(self) -> Capacity:
        """Look whether the target answers, and what it has.

        Raises:
            NbpipeError: it does not answer; the message says which machine and what to do.
        """

    @abstractmethod
    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        """What a short script prints that an interpreter of the target runs outside any job.

        Args:
            python: a path or a command there; empty for the target's own.
            script: a file of this machine; it needs the standard library alone.
            env: the whole environment where files are shared, else what is laid over the one there.

        Raises:
            EnvironmentProbeError: there is no such interpreter, it does not answer in a minute, or it fails.
        """

    async def resolve(self, python: str, packages: Sequence[str], version: str = "") -> Lock:
        """What a virtual environment on the target would be made of now that holds some packages.

        Args:
            python: the interpreter there that it is made with, if it has the version; empty for the target's own.
            packages: requirements (``numpy>=2``).
            version: of Python, ``3.11``; empty for any.

        Raises:
            NbpipeError: there is no such interpreter or no such set of packages, or this kind of target makes none.
        """
        del python, packages, version
        raise _makes_none()

    async def make_environment(self, lock: Lock, tell: Tell = tell_nobody) -> str:
        """The interpreter of the virtual environment of a lock; made once on a target.

        Args:
            lock: as the target resolved it.
            tell: hears that it is made.

        Raises:
            NbpipeError: it cannot be made, or this kind of target makes none.
        """
        del lock, tell
        raise _makes_none()

    @abstractmethod
    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Send what the target has not, start a process, and hand its output to `sink` until it ends.

        Where the target knows the attempt already, nothing is started, and its output comes from the beginning.

        Raises:
            NbpipeError: it cannot be started: no such interpreter, no such folder, no room there, a NUL in an
                argument.
        """

    async def attach(
        self, job: Job, sink: Sink, tell: Tell = tell_nobody, offsets: Offsets | None = None
    ) -> Handle | None:
        """Take up a job that was started before, its output from these offsets on; None where none is known.

        Raises:
            NbpipeError: the target does not answer.
        """
        del job, sink, tell, offsets
        return None

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of the target. Jobs that do not outlive their holder are ended."""


def _makes_none() -> NbpipeError:
    return NbpipeError(
        "This compute target makes no environments.",
        remedy="Name an interpreter there that has the packages.",
    )
