"""The compute targets of a workspace: kept by name, opened as backends, looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbpipe.core.compute import LOCAL, ComputeTarget, TargetStatus
from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.errors import NbpipeError, UnknownName, UsageError
from nbpipe.execution.capacity import default_jobs
from nbpipe.execution.far_environment import KEPT as KEPT_ENVIRONMENTS
from nbpipe.execution.frozen import FrozenTarget
from nbpipe.execution.kept_here import KeptHere
from nbpipe.execution.process_environment import submitter_environment
from nbpipe.store.layout import StateFolder

if TYPE_CHECKING:
    from nbpipe.compute.base import Backend, Capacity
    from nbpipe.compute.registered import BackendKind

KEPT = "targets"
"""Folder of ``registry/`` with the targets."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class WorkspaceTargets:
    """The targets of one workspace; ``local`` is always there.

    Args:
        state: where they are kept.
        workspace: whose they are, for ``ComputeTarget.workspace``.
    """

    def __init__(self, state: StateFolder, workspace: Any) -> None:
        self._state = state
        self._kept = KeptHere(state, KEPT)
        self._workspace = workspace
        self._secrets: dict[str, dict[str, Any]] = {}

    def all(self) -> dict[str, ComputeTarget]:
        """Targets by name, ``local`` first."""
        kept = {name: self._target(name, told) for name, told in self._kept.all().items()}
        return {LOCAL: ComputeTarget(self._workspace, LOCAL, LOCAL), **kept}

    def _target(self, name: str, told: Mapping[str, Any]) -> ComputeTarget:
        settings, in_memory = told.get("settings"), told.get("in_memory")
        return ComputeTarget(
            self._workspace, name, str(told.get("type")), settings if isinstance(settings, dict) else {},
            tuple(map(str, in_memory)) if isinstance(in_memory, list) else (),
        )  # fmt: skip

    def find(self, name: str) -> ComputeTarget:
        """The target of that name; ``UnknownName`` names those there are."""
        known = self.all()
        if name not in known:
            raise UnknownName(f"No compute target {name}.", remedy=f"This workspace has: {', '.join(known)}")
        return known[name]

    def attach(
        self, name: str, type: str, settings: Mapping[str, Any], secrets: Mapping[str, Any]  # noqa: A002
    ) -> ComputeTarget:  # fmt: skip
        """Keep a target; see ``ComputeTarget.attach``.

        Args:
            name: how steps call it.
            type: its kind.
            settings: what is written down.
            secrets: further settings, which stay in this process and go to the runs that it starts.
        """
        if not _NAME.fullmatch(name) or name == LOCAL:
            why = "that is this machine" if name == LOCAL else "it is the name of no target"
            raise UsageError(
                f"A compute target cannot be called {name!r}: {why}.",
                remedy="A name has letters, digits, -, _ and ., and begins with a letter or digit.",
            )
        whole = _kind(type).check({**settings, **secrets})
        written = {word: value for word, value in whole.items() if word not in secrets}
        self._kept.keep(name, {"type": type, "settings": written, "in_memory": sorted(secrets)})
        self._secrets[name] = dict(secrets)
        return self.find(name)

    def delete(self, name: str) -> None:
        """Forget a target; see ``ComputeTarget.delete``."""
        if name == LOCAL:
            raise UsageError("local is this machine, and stays.")
        self.find(name)
        self._kept.forget(name)
        self._secrets.pop(name, None)

    def renew(self, name: str) -> None:
        """Forget what was seen of a target's environments: the next plan resolves anew what steps declare."""
        target, kept = self.find(name), KeptHere(self._state, KEPT_ENVIRONMENTS)
        for key, told in kept.all().items():
            if told.get("target") == target.name:
                kept.forget(key)

    def takes_nodes(self, type: str) -> bool:  # noqa: A002 - as the field
        """Whether a step can have several machines on targets of a type."""
        return type != LOCAL and _kind(type).takes_nodes

    def frozen(self, graph: Graph, capacity: Callable[[Node], Capacity | None]) -> dict[str, FrozenTarget]:
        """The targets that a graph's steps use, but ``local``, as a run keeps them.

        Args:
            graph: the steps.
            capacity: says what the target of a step has, where that was looked at.
        """
        known = self.all()
        used = {node.target: node for node in graph.nodes if node.target != LOCAL and node.target in known}
        return {name: _freeze(known[name], capacity(node)) for name, node in used.items()}

    def secrets_of(self, names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """What was given of some targets in memory alone, by name."""
        return {name: self._secrets[name] for name in names if self._secrets.get(name)}

    def open(self, target: ComputeTarget) -> Backend:
        """The backend of a target, which connects when it is first asked something."""
        return open_backend(target, self._secrets.get(target.name, {}), submitter_environment(os.environ))

    def status(self, name: str) -> TargetStatus:
        """Look at a target now; that it is not ready is told, not raised."""
        from nbpipe.execution.bridge import answer_of

        target = self.find(name)

        async def look() -> TargetStatus:
            backend = self.open(target)
            try:
                there = await backend.probe()
            finally:
                await backend.aclose()
            return TargetStatus(
                True, there.machine, there.python, there.cpus, there.gpus, there.memory, there.disk,
                slots_of(target),
            )  # fmt: skip

        try:
            return answer_of(look)
        except NbpipeError as error:
            return TargetStatus(False, slots=slots_of(target), problem=error.fact, remedy=error.details)


def open_backend(target: ComputeTarget, secrets: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
    """The backend of a target.

    Args:
        target: with its settings.
        secrets: settings that were given in memory.
        environ: the submitter's environment.

    Raises:
        NbpipeError: it cannot be opened, or what was given in memory is gone.
    """
    gone = [name for name in target.in_memory if name not in secrets]
    if gone:
        raise NbpipeError(
            f"{target.name} was attached with a {gone[0]} in memory, which is gone with the process that had it.",
            remedy="Attach it again, or give the paths of the files.",
        )
    return _kind(target.type).open(target.name, {**target.settings, **secrets}, environ)


def _freeze(target: ComputeTarget, seen: Capacity | None) -> FrozenTarget:
    gpus = None if gives_gpus(target) else seen.gpus if seen else 0
    return FrozenTarget(target.type, dict(target.settings), target.in_memory, gpus)


def slots_of(target: ComputeTarget) -> int:
    """Steps that run on a target at once."""
    slots = target.settings.get("slots")
    return slots if isinstance(slots, int) and slots > 0 else default_jobs()


def shares_files(target: ComputeTarget) -> bool:
    """Whether a target sees our files under our paths."""
    return target.type == LOCAL or _kind(target.type).shares_files


def gives_gpus(target: ComputeTarget) -> bool:
    """Whether a queue of the target's own gives GPUs to steps."""
    return target.type != LOCAL and _kind(target.type).gives_gpus


@lru_cache  # a plan asks again and again
def _kind(type: str) -> BackendKind:  # noqa: A002 - as the field
    from nbpipe.compute.registered import backend_kind

    return backend_kind(type)
