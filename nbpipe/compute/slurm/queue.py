"""What SLURM's own programs are asked: sbatch, squeue, scancel, sinfo."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nbpipe.errors import NbpipeError

_SOON, _LATER = 0.3, 5.0  # seconds between two looks at the queue: at first, and when a job waits for long
_AT_ONCE = 8  # programs of SLURM that are called side by side
_PATIENCE = 60.0  # seconds a program of SLURM may take: a busy controller is slow

_OPEN = {
    "PENDING",
    "CONFIGURING",
    "RUNNING",
    "COMPLETING",
    "SUSPENDED",
    "REQUEUED",
    "RESIZING",
    "SIGNALING",
    "STAGE_OUT",
}


@dataclass(frozen=True)
class QueuedJob:
    """What the queue says of a job.

    Attributes:
        id: its number.
        state: SLURM's word, ``PENDING``.
        reason: why it waits or ended, in SLURM's words, ``Resources``; empty for none.
        nodes: machines it has.
    """

    id: str
    state: str
    reason: str
    nodes: str

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in _OPEN


class SlurmQueue:
    """The queue of one cluster.

    Args:
        target: name of the compute target, for messages.
        environ: environment in which the programs are called; it tells them which cluster (SLURM_CONF).
    """

    def __init__(self, target: str, environ: Mapping[str, str]) -> None:
        self._target = target
        self._environ = dict(environ)
        self._watched: dict[str, QueuedJob | None] = {}
        self._watching: asyncio.Task[None] | None = None
        self._pause = _SOON
        self._threads = ThreadPoolExecutor(_AT_ONCE, "slurm")

    async def submit(self, name: str, words: list[str], script: str, env: Mapping[str, str]) -> str:
        """Queue a batch script in an environment; the job's number.

        Raises:
            NbpipeError: sbatch refuses it, with what it says.
        """
        told = await self._call(
            "sbatch", "--parsable", f"--job-name={name}", "--export=ALL", *words, stdin=script, env=env
        )
        self._pause = _SOON
        return told.strip().partition(";")[0]

    async def find(self, name: str) -> tuple[str, Path] | None:
        """The number of a job of ours by its name, and the folder it works in, as long as SLURM knows it."""
        told = await self._call(
            "squeue", "--noheader", "--me", "--states=all", f"--name={name}", "--format=%i|%Z"
        )
        number, _, folder = told.strip().partition("\n")[0].partition("|")
        return (number, Path(folder)) if number else None

    async def ask(self, number: str) -> QueuedJob | None:
        """What the queue says of a job now; None when it is not there any more.

        Raises:
            NbpipeError: SLURM does not answer.
        """
        return (await self._states([number])).get(number)

    async def look(self, number: str) -> QueuedJob | None:
        """What was seen of a job when the queue was last looked at; None when it is not there any more."""
        if number not in self._watched:
            self._watched[number] = QueuedJob(number, "PENDING", "", "")
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return self._watched[number]

    def leave(self, number: str) -> None:
        """Watch a job no longer."""
        self._watched.pop(number, None)

    async def signal(self, number: str, name: str) -> None:
        """Send a signal to the keeper of a job; no error when it has just ended."""
        with suppress(NbpipeError):
            await self._call("scancel", "--batch", f"--signal={name}", number)

    async def cancel(self, number: str) -> None:
        """Take a job out of the queue, or end it."""
        with suppress(NbpipeError):
            await self._call("scancel", number)
        self._pause = _SOON

    async def largest(self, partition: str) -> tuple[int, int, int]:
        """Cores, bytes of memory and GPUs of the largest machines of a partition, or of all.

        Raises:
            NbpipeError: there is no such partition, or SLURM does not answer.
        """
        told = await self._call("sinfo", "--noheader", "--exact", "--format=%R|%c|%m|%G")
        rows = [line.split("|") for line in told.splitlines() if line.count("|") == 3]
        wanted = [row for row in rows if not partition or row[0] == partition]
        if not wanted:
            there = ", ".join(dict.fromkeys(row[0] for row in rows)) or "none"
            raise NbpipeError(
                f"{self._target}: the cluster has no partition {partition}.", remedy=f"Partitions: {there}"
            )
        cpus = max(_number(row[1]) for row in wanted)
        memory = max(_number(row[2]) for row in wanted) * 2**20
        return cpus, memory, max(_gpus(row[3]) for row in wanted)

    async def cluster(self) -> str:
        """The cluster's name, or empty."""
        told = await self._call("scontrol", "show", "config")
        named = (line for line in told.splitlines() if line.startswith("ClusterName"))
        return next(named, "").partition("=")[2].strip()

    async def aclose(self) -> None:
        """Stop looking."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        """Ask for all watched jobs at once, again and again, while there are any."""
        while self._watched:
            numbers = list(self._watched)
            with suppress(NbpipeError):  # a controller that is away for a while loses no job
                found = await self._states(numbers)
                changed = {number: found.get(number) for number in numbers if number in self._watched}
                same = changed == {number: self._watched[number] for number in changed}
                self._pause = min(self._pause * 1.5, _LATER) if same else _SOON
                self._watched.update(changed)
            await asyncio.sleep(self._pause)

    async def _states(self, numbers: list[str]) -> dict[str, QueuedJob]:
        # A number that the controller has forgotten is an error where it is asked for alone; all of ours are few.
        told = await self._call("squeue", "--noheader", "--me", "--states=all", "--format=%i|%T|%r|%N")
        rows = (line.split("|", 3) for line in told.splitlines() if line.count("|") >= 3)
        return {
            number: QueuedJob(number, state, "" if reason == "None" else reason, nodes)
            for number, state, reason, nodes in rows
            if number in numbers
        }

    async def _call(
        self, program: str, *words: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> str:
        """What a program of SLURM prints.

        Raises:
            NbpipeError: it is not here, does not answer, or fails.
        """
        steering = {name: value for name, value in self._environ.items() if name.startswith("SLURM_CONF")}
        given = self._environ if env is None else {**env, **steering}
        call = partial(_ran, [program, *words], stdin.encode(), given)
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except OSError as error:
            raise NbpipeError(
                f"{self._target}: there is no {program} on this machine.",
                remedy="Work on a machine from which the cluster takes jobs (a login node).",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise NbpipeError(f"{self._target}: {program} gave no answer in {_PATIENCE:.0f} s.") from error
        if done.returncode:
            raise NbpipeError(
                f"{self._target}: {_complaint(program, done.stderr)}",
                remedy=f"See the cluster:  sinfo; {program} --help",
            )
        return done.stdout.decode(errors="replace")


def _ran(words: list[str], said: bytes, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """A program at its end; asyncio's own way may wait for ever when it is cancelled while it starts one."""
    return subprocess.run(words, input=said, capture_output=True, timeout=_PATIENCE, env=env, check=False)


def _complaint(program: str, said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    own = [line.removeprefix(f"{program}: ").removeprefix("error: ") for line in lines]
    return own[-1] if own else f"{program} failed and did not say why."


def _number(text: str) -> int:
    digits = text.rstrip("+")
    return int(digits) if digits.isdigit() else 0


def _gpus(text: str) -> int:
    """GPUs of a list of generic resources: ``gpu:a100:4(S:0-1)`` has 4."""
    found = [part.partition("(")[0].rpartition(":")[2] for part in text.split(",") if part.startswith("gpu")]
    return sum(_number(count) or 1 for count in found)
