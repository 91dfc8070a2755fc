"""What is installed on compute targets that see none of our files: asked once, kept, looked at again by each run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerYet
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbpipe.compute.base import Backend, Capacity
from nbpipe.core.compute import ComputeTarget
from nbpipe.core.fingerprint import digest_of
from nbpipe.core.record import dataclass
from nbpipe.core.shape import well_formed
from nbpipe.environments import probe_script
from nbpipe.environments.interpreter import Interpreter, parse_answer, read_answer, steering
from nbpipe.errors import EnvironmentProbeError, NbpipeError
from nbpipe.execution.bridge import asked
from nbpipe.execution.kept_here import KeptHere
from nbpipe.store.layout import StateFolder

KEPT = "environments"
"""Folder of ``registry/`` with what was seen."""

REMEMBERED = 10.0
"""Seconds after which a target that did not answer is asked again, in the background."""


@dataclass(frozen=True)
class FarEnvironment:
    """What was seen of one interpreter of a target.

    Attributes:
        interpreter: what is installed in it. Its folders are the target's, and nothing is looked for there.
        capacity: what the target has.
    """

    interpreter: Interpreter
    capacity: Capacity

    def to_json(self) -> dict[str, Any]:
        """A JSON object of it."""
        return {
            "format": probe_script.FORMAT,
            "python": self.interpreter.python,
            "interpreter": asdict(self.interpreter),
            "capacity": asdict(self.capacity),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> FarEnvironment | None:
        """What ``to_json`` wrote; None for another format."""
        try:
            if data["format"] != probe_script.FORMAT:
                return None
            capacity: Capacity = well_formed(Capacity(**data["capacity"]))
            return FarEnvironment(parse_answer(data["python"], data["interpreter"]), capacity)
        except (KeyError, TypeError, ValueError):
            return None


async def look(backend: Backend, python: str, variables: Mapping[str, str]) -> FarEnvironment:
    """Ask a target what it has and what an interpreter of it holds.

    Args:
        backend: of the target.
        python: a path or a command there; empty for the target's own.
        variables: what a step sets, as far as it steers where modules are looked for.

    Raises:
        NbpipeError: the target does not answer, or has no such interpreter.
    """
    capacity = await backend.probe()
    printed = await backend.run_script(python, Path(probe_script.__file__), variables)
    return FarEnvironment(read_answer(python or "python3", printed), capacity)


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
        self, target: ComputeTarget, python: str, variables: Mapping[str, str], *, wait: float | None
    ) -> FarEnvironment:
        """What is installed for an interpreter of a target.

        Args:
            target: one that sees none of our files.
            python: a path or a command there; empty for the target's own.
            variables: what the step sets.
            wait: seconds to wait at most for a target that was not asked before; None for as long as it takes,
                also where it did not answer a moment ago.

        Raises:
            NbpipeError: it does not answer, has no such interpreter, or has not answered yet.
        """
        key = environment_key(target, python, variables)
        seen = FarEnvironment.from_json(self._kept.recall(key) or {}) or self._seen.get(key)
        if seen is not None:
            return seen
        answer, failed = self._question(key, target, python, variables, anew=wait is None)
        if failed is not None and wait is not None:
            raise failed
        try:
            return answer.result(wait)
        except NoAnswerYet:
            late = EnvironmentProbeError(f"{target.name} has not answered yet.")
            with self._turn:
                if not answer.done():
                    self._failed.setdefault(key, (self._clock(), late))
            raise late from None

    def _question(
        self, key: str, target: ComputeTarget, python: str, variables: Mapping[str, str], *, anew: bool
    ) -> tuple[Future[FarEnvironment], NbpipeError | None]:
        """The newest question, asked now where none is open and none was answered a moment ago; the last failure."""
        with self._turn:
            since, failed = self._failed.get(key, (0.0, None))
            answer = self._asked.get(key)
            fresh = failed is None or anew or self._clock() - since > REMEMBERED
            refused = answer is not None and answer.done() and answer.exception() is not None
            if answer is not None and not (refused and fresh):
                return answer, failed
            answer = self._asked[key] = self._ask(key, target, python, variables)
        answer.add_done_callback(lambda done: self._settle(key, target, done))
        return answer, failed

    def _ask(
        self, key: str, target: ComputeTarget, python: str, variables: Mapping[str, str]
    ) -> Future[FarEnvironment]:
        async def question() -> FarEnvironment:
            backend = self._open(target)
            try:
                environment = await look(backend, python, steered(variables))
            finally:
                await backend.aclose()
            self._kept.remember(key, environment.to_json())
            return environment

        return asked(question, f"nbpipe-look-{target.name}")

    def _settle(self, key: str, target: ComputeTarget, answer: Future[FarEnvironment]) -> None:
        """Note what was answered, or why nothing was."""
        error = answer.exception()
        with self._turn:
            self._failed.pop(key, None)
            if error is None:
                self._seen[key] = answer.result()
                return
            why = str(error) or type(error).__name__
            told = error if isinstance(error, NbpipeError) else EnvironmentProbeError(f"{target.name}: {why}")
            self._failed[key] = self._clock(), told


def steered(variables: Mapping[str, str]) -> dict[str, str]:
    """Of the variables that a step sets those that say where modules are looked for."""
    return {name: value for name, value in variables.items() if steering({name: value}) != steering({})}


def environment_key(target: ComputeTarget, python: str, variables: Mapping[str, str]) -> str:
    """Under which a target's environment is kept: another host under the same name is another."""
    told = [target.name, target.type, dict(target.settings), python, steered(variables)]
    return digest_of(told)


def differences(planned: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What of an environment is not as it was planned with: ``numpy 1.26 -> 2.0``.

    Example:
        >>> differences({"python": "3.11", "numpy": "1.26"}, {"python": "3.11", "numpy": "2.0"})
        ['numpy 1.26 -> 2.0']
    """
    names = [name for name in {**planned, **now} if planned.get(name) != now.get(name)]
    return [f"{name} {planned.get(name, 'none')} -> {now.get(name, 'none')}" for name in names]
