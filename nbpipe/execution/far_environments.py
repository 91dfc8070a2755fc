"""What is installed on compute targets that see none of our files: asked once, kept, looked at again by each run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerYet
from pathlib import Path
from typing import Any

from nbpipe.compute.base import Backend
from nbpipe.core.compute import ComputeTarget
from nbpipe.core.environment import Declared
from nbpipe.core.fingerprint import digest_of
from nbpipe.core.record import dataclass
from nbpipe.environments import probe_script
from nbpipe.environments.interpreter import Interpreter, read_answer, steering
from nbpipe.errors import EnvironmentProbeError, NbpipeError
from nbpipe.execution.bridge import asked
from nbpipe.execution.far_environment import KEPT, FarEnvironment
from nbpipe.execution.kept_here import KeptHere
from nbpipe.store.layout import StateFolder

REMEMBERED = 10.0
"""Seconds after which a target that did not answer is asked again, in the background."""


async def look(
    backend: Backend, python: str, variables: Mapping[str, str], declared: Declared | None = None
) -> FarEnvironment:
    """Ask a target what it has and what an interpreter of it holds, or what it would make of what is declared.

    Args:
        backend: of the target.
        python: a path or a command there; empty for the target's own.
        variables: what a step sets, as far as it steers where modules are looked for.
        declared: what its environment is to hold.

    Raises:
        NbpipeError: the target does not answer, or has no such interpreter or packages.
    """
    capacity = await backend.probe()
    if declared is not None:
        lock = await backend.resolve(python, declared.packages, declared.python)
        made = Interpreter(lock.python, lock.python, lock.version, {}, lock.versions, [], [], lock.python)
        return FarEnvironment(made, capacity, lock)
    printed = await backend.run_script(python, Path(probe_script.__file__), variables)
    return FarEnvironment(read_answer(python or "python3", printed), capacity)


@dataclass(frozen=True)
class _Question:
    """What a target is asked."""

    key: str
    target: ComputeTarget
    python: str
    variables: Mapping[str, str]
    declared: Declared | None


class FarEnvironments:
    """The environments of a workspace's targets, for its plans.

    Nothing is connected to while what was seen before is kept. A target that does not answer is told in its own
    words, at once for some seconds, and asked again behind the plans' backs.

    Args:
        state: where they are kept.
        open: gives the backend of a target.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        state: StateFolder,
        open: Callable[[ComputeTarget], Backend],  # noqa: A002 - what it does
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = KeptHere(state, KEPT)
        self._open = open
        self._clock = clock
        self._turn = threading.Lock()
        self._asked: dict[str, Future[FarEnvironment]] = {}
        self._seen: dict[str, FarEnvironment] = {}  # for a workspace that cannot be written
        self._failed: dict[str, tuple[float, NbpipeError]] = {}

    def of(
        self, target: ComputeTarget, python: str, variables: Mapping[str, str], *, wait: float | None,
        declared: Declared | None = None,
    ) -> FarEnvironment:  # fmt: skip
        """What is installed for an interpreter of a target, or what it makes of what is declared.

        What is declared is resolved once: it stays what it was until it is declared otherwise, or renewed.

        Args:
            target: one that sees none of our files.
            python: a path or a command there; empty for the target's own.
            variables: what the step sets.
            wait: seconds to wait at most for a target that was not asked before; None for as long as it takes,
                also where it did not answer a moment ago.
            declared: what the step's environment is to hold.

        Raises:
            NbpipeError: it does not answer, has no such interpreter or packages, or has not answered yet.
        """
        if declared is not None and declared.conda:
            raise _no_conda(target, declared)
        key = environment_key(target, python, variables, declared)
        seen = FarEnvironment.from_json(self._kept.recall(key) or {}) or self._seen.get(key)
        if seen is not None:
            return seen
        question = _Question(key, target, python, variables, declared)
        answer, failed = self._question(question, anew=wait is None)
        if failed is not None and wait is not None:
            raise failed
        try:
            return answer.result(wait)
        except NoAnswerYet:
            late = EnvironmentProbeError(
                f"{target.name} has not answered yet."
                if declared is None
                else f"{target.name} is still finding out what the environment is made of."
            )
            with self._turn:
                if not answer.done():
                    self._failed.setdefault(key, (self._clock(), late))
            raise late from None

    def _question(
        self, question: _Question, *, anew: bool
    ) -> tuple[Future[FarEnvironment], NbpipeError | None]:
        """The newest answer, asked for now where none is open and none was given a moment ago; the last failure."""
        key = question.key
        with self._turn:
            since, failed = self._failed.get(key, (0.0, None))
            answer = self._asked.get(key)
            fresh = failed is None or anew or self._clock() - since > REMEMBERED
            # What was answered well is kept: where it is not any more, somebody wants it anew.
            if answer is not None and not (answer.done() and fresh):
                return answer, failed
            answer = self._asked[key] = self._ask(question)
        answer.add_done_callback(lambda done: self._settle(key, question.target, done))
        return answer, failed

    def _ask(self, question: _Question) -> Future[FarEnvironment]:
        target = question.target

        async def ask() -> FarEnvironment:
            backend = self._open(target)
            try:
                found = await look(backend, question.python, steered(question.variables), question.declared)
            finally:
                await backend.aclose()
            self._kept.remember(question.key, {**found.to_json(), "target": target.name})
            return found

        return asked(ask, f"nbpipe-look-{target.name}")

    def _settle(self, key: str, target: ComputeTarget, answer: Future[FarEnvironment]) -> None:
        """Note what was answered, or why nothing was."""
        error = answer.exception()
        with self._turn:
            self._failed.pop(key, None)
            if error is None:
                if self._kept.recall(key) is None:
                    self._seen[key] = answer.result()
                return
            why = str(error) or type(error).__name__
            told = error if isinstance(error, NbpipeError) else EnvironmentProbeError(f"{target.name}: {why}")
            self._failed[key] = self._clock(), told


def steered(variables: Mapping[str, str]) -> dict[str, str]:
    """Of the variables that a step sets those that say where modules are looked for."""
    return {name: value for name, value in variables.items() if steering({name: value}) != steering({})}


def environment_key(
    target: ComputeTarget, python: str, variables: Mapping[str, str], declared: Declared | None = None
) -> str:
    """Under which a target's environment is kept: another host under the same name is another."""
    told: list[Any] = [target.name, target.type, dict(target.settings), python, steered(variables)]
    if declared is not None:
        told.append([sorted(declared.packages), declared.python])
    return digest_of(told)


def differences(planned: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What of an environment is not as it was planned with: ``numpy 1.26 -> 2.0``.

    Example:
        >>> differences({"python": "3.11", "numpy": "1.26"}, {"python": "3.11", "numpy": "2.0"})
        ['numpy 1.26 -> 2.0']
    """
    names = [name for name in {**planned, **now} if planned.get(name) != now.get(name)]
    return [f"{name} {planned.get(name, 'none')} -> {now.get(name, 'none')}" for name in names]


def _no_conda(target: ComputeTarget, declared: Declared) -> EnvironmentProbeError:
    return EnvironmentProbeError(
        f"{target.name} makes environments of pip packages; these are conda's: {', '.join(declared.conda)}. Declare"
        " them as pip packages, or name an interpreter there that has them.",
        remedy="environment.python.interpreter_path = '/opt/conda/bin/python'\n"
        "environment.python.user_managed_dependencies = True",
    )
