"""The backends of one run, each opened when a step first needs it; whether machines are as a run was planned with."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from nbpipe.compute.base import Backend, Phase, Tell
from nbpipe.compute.local import LocalBackend
from nbpipe.core.compute import LOCAL
from nbpipe.core.node import Node
from nbpipe.errors import EnvironmentProbeError, NbpipeError
from nbpipe.execution.far_environment import KEPT, FarEnvironment
from nbpipe.execution.far_environments import (
    differences,
    environment_key,
    look,
    steered,
)
from nbpipe.execution.frozen import FrozenRun, FrozenStep
from nbpipe.execution.given import Given
from nbpipe.execution.kept_here import KeptHere
from nbpipe.execution.targets import open_backend
from nbpipe.store.layout import StateFolder


class Backends:
    """Gives each step the backend of its target.

    Args:
        state: where what is seen of a machine is kept, for later plans.
        frozen: the run, with its targets as they were at submit.
        given: the submitter's environment, and what was given of targets in memory.
    """

    def __init__(self, state: StateFolder, frozen: FrozenRun, given: Given) -> None:
        self._frozen = frozen
        self._given = given
        self._environments = KeptHere(state, KEPT)
        self._open: dict[str, Backend] = {LOCAL: LocalBackend()}
        self._looks: dict[str, asyncio.Task[FarEnvironment]] = {}

    def of(self, target: str) -> Backend:
        """The backend of a target.

        Raises:
            NbpipeError: it cannot be opened.
        """
        if target not in self._open:
            frozen = self._frozen.targets.get(target)
            if frozen is None:
                raise NbpipeError(f"Run {self._frozen.run} knows no compute target {target}.")
            secrets = self._given.secrets.get(target, {})
            self._open[target] = open_backend(frozen.named(target), secrets, self._given.variables)
        return self._open[target]

    async def make_ready(self, node: Node, step: FrozenStep, tell: Tell) -> str:
        """See that a target is as a step was planned with, and make it the environment that the step declares.

        Args:
            node: the step.
            step: as it was frozen.
            tell: hears that the machine is connected to, and that an environment is made.

        Returns:
            The step's interpreter there.

        Raises:
            NbpipeError: something that counts has changed, the machine does not answer, or the environment cannot
                be made.
        """
        if step.lock is not None:
            return await self.of(node.target).make_environment(step.lock, tell)
        await self._check_environment(node, step, tell)
        return step.python

    async def _check_environment(self, node: Node, step: FrozenStep, tell: Tell) -> None:
        """See that an interpreter on another machine is as it was planned with; looked at once a run."""
        if step.counted is None or self.of(node.target).shares_files:
            return
        environment = await self._look(node, tell)
        planned = step.fingerprint.part("environment")
        now = step.counted.of(environment.interpreter)
        changed = differences({name: text for name, text in planned.items() if name != "definition"}, now)
        if changed:
            raise EnvironmentProbeError(
                f"The environment on {node.target} changed since the plan: {', '.join(changed)}.",
                remedy="Run again: the plan then knows it.",
            )

    async def _look(self, node: Node, tell: Tell) -> FarEnvironment:
        target = self._frozen.targets[node.target].named(node.target)
        python = node.environment.python or str(target.settings.get("python") or "")
        key = environment_key(target, python, node.environment.variables)
        if key not in self._looks:
            asking = look(self.of(node.target), python, steered(node.environment.variables))
            self._looks[key] = asyncio.create_task(asking)
        if not self._looks[key].done():
            tell(Phase("connecting", target.name))
        try:
            environment = await asyncio.shield(self._looks[key])
        except NbpipeError:
            self._looks.pop(key, None)  # a further attempt asks again
            raise
        self._environments.remember(key, {**environment.to_json(), "target": target.name})
        return environment

    async def aclose(self) -> None:
        """Let go of every target."""
        for task in self._looks.values():
            task.cancel()
        for backend in self._open.values():
            with suppress(NbpipeError, OSError):  # one that is gone keeps no other from being closed
                await backend.aclose()
