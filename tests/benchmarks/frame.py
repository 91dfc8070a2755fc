"""Measures programs side by side: in turn, their whole process trees, as ratios to the floor among them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nbpipe.runtime.tree import Prctl

PYTHON = sys.executable
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NBPIPE"))}
ROUNDS = 5
_FIGURES = b"\0figures"


class Sample(NamedTuple):
    """What one run of a contender took.

    Attributes:
        wall: seconds until it ended.
        cpu: seconds of CPU, user and system, of it and all that it started, even what outlived it.
        peak: bytes resident at most of the largest process among them.
    """

    wall: float
    cpu: float
    peak: float = 0


@dataclass(frozen=True)
class Contender:
    """One way to do a work.

    Attributes:
        name: who does it.
        run: does it once, and says what it took.
        prepare: sets the stage before each time; not measured.
    """

    name: str
    run: Callable[[], Sample]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Goal:
    """What a contender is to reach.

    Attributes:
        who: the contender.
        limit: the most that its figure may be.
        against: whose figure it is divided by, or taken from; empty for the figure itself.
        figure: a field of `Sample`.
        less: True for the difference instead of the ratio.
    """

    who: str
    limit: float
    against: str = ""
    figure: str = "wall"
    less: bool = False


@dataclass(frozen=True)
class Work:
    """Something that several contenders do.

    Attributes:
        name: what is done.
        contenders: who does it; the first is the bare floor.
        goals: what is to be reached.
    """

    name: str
    contenders: Sequence[Contender]
    goals: Sequence[Goal] = ()


@dataclass(frozen=True)
class Measured:
    """A work with what each contender took in each round.

    Example:
        >>> done = Measured(Work("pass", ()), {"bare": [Sample(1.0, 1.0)], "nbpipe": [Sample(1.5, 2.0)]})
        >>> done.ratio("nbpipe", "bare"), done.ratio("nbpipe", "bare", "cpu")
        (1.5, 2.0)
    """

    work: Work
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def figures(self, who: str, figure: str = "wall") -> list[float]:
        """One figure of a contender, round by round."""
        return [getattr(sample, figure) for sample in self.samples[who]]

    def median(self, who: str, figure: str = "wall") -> float:
        """The middle of a contender's figures."""
        return statistics.median(self.figures(who, figure))

    def ratio(self, who: str, against: str, figure: str = "wall") -> float:
        """How many times as much one takes as another: the median over rounds.

        Round by round, since a busy moment slows both of a round.
        """
        pairs = zip(self.figures(who, figure), self.figures(against, figure), strict=True)
        return statistics.median(one / max(other, 1e-9) for one, other in pairs)

    def reached(self, goal: Goal) -> float:
        """The figure that a goal speaks of."""
        if not goal.against:
            return self.median(goal.who, goal.figure)
        if goal.less:
            return self.median(goal.who, goal.figure) - self.median(goal.against, goal.figure)
        return self.ratio(goal.who, goal.against, goal.figure)


def measure(work: Work, rounds: int = ROUNDS) -> Measured:
    """Have every contender do the work in turn (A B A B ...), so that what slows the machine slows all."""
    measured = Measured(work, {contender.name: [] for contender in work.contenders})
    for _ in range(rounds):
        for contender in work.contenders:
            contender.prepare()
            measured.samples[contender.name].append(contender.run())
    return measured


def program(
    words: Sequence[str | os.PathLike[str]], folder: Path, output: str | os.PathLike[str] = os.devnull
) -> Callable[[], Sample]:
    """A program as a contender; when it is run and fails, `SystemExit` tells what it said.

    Args:
        words: its command line.
        folder: where it runs.
        output: file that its standard output goes to.
    """

    def run() -> Sample:
        reader, writer = os.pipe()
        child = os.fork()  # a child whose own children are this program's processes and no others
        if child == 0:
            with suppress(BaseException), os.fdopen(writer, "w") as pipe:
                json.dump(_run_and_adopt(words, folder, output), pipe)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            told = pipe.read()
        os.waitpid(child, 0)
        if not told.startswith("["):
            raise SystemExit(json.loads(told or '"The measuring process failed."'))
        return Sample(*json.loads(told))

    return run


def _run_and_adopt(
    words: Sequence[str | os.PathLike[str]], folder: Path, output: str | os.PathLike[str]
) -> Sample | str:
    """What a program took, or what it said when it failed.

    What outlives it is waited for, too: a runner goes on for some milliseconds after the command that
    followed it, and only the adopter of orphans gets its figures.
    """
    Prctl().adopt_orphans()
    with Path(output).open("wb") as out, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        usages = [usage]
        with suppress(ChildProcessError):
            while True:
                usages.append(os.wait4(-1, 0)[2])
        if status:
            errors.seek(0)
            return f"{words}: status {status}\n{errors.read().decode(errors='replace')}"
    cpu = sum(each.ru_utime + each.ru_stime for each in usages)
    return Sample(wall, cpu, max(each.ru_maxrss for each in usages) * 1024)


def told_by_itself(code: str, folder: Path) -> Callable[[], Sample]:
    """Python code as a contender that measures a part of itself, in a process of its own.

    Args:
        code: sets `wall`, `cpu` or `peak`, the fields of `Sample`.
        folder: where it runs.
    """
    end = f"\nprint({_FIGURES.decode()!r}, wall, cpu, peak)"

    def run() -> Sample:
        done = subprocess.run(
            [PYTHON, "-c", "wall = cpu = peak = 0\n" + code + end], cwd=folder, env=ENVIRONMENT,
            capture_output=True, check=False,
        )  # fmt: skip
        figures = done.stdout.rpartition(_FIGURES)[2].split()
        if done.returncode or len(figures) != len(Sample._fields):
            raise SystemExit(done.stderr.decode(errors="replace"))
        return Sample(*map(float, figures))

    return run
