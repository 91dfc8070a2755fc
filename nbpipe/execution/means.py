"""What every attempt of a run works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from nbpipe.core.node import Node
from nbpipe.core.record import dataclass
from nbpipe.execution.away import Away
from nbpipe.execution.backends import Backends
from nbpipe.execution.depots import Depots
from nbpipe.execution.destinations import put_copies
from nbpipe.execution.far_data import FarData
from nbpipe.execution.far_workplace import FarWorkplace
from nbpipe.execution.frozen import FrozenRun
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.shared_workplace import SharedWorkplace
from nbpipe.execution.workplace import Workplace
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results


@dataclass(frozen=True)
class Means:
    """What every attempt of a run works with.

    Attributes:
        root: the workspace.
        frozen: the run.
        state: the workspace's state.
        objects, results, memory, digests: the store.
        backends: start processes, each on its target.
        variables: the submitter's environment.
        runtime: archive with the runtime.
        far_data: brings what lies behind URLs.
        depots: tells other machines what they can fetch by themselves.
        notes: sentences for whoever reads the run, until an event takes them.
    """

    root: Path
    frozen: FrozenRun
    state: StateFolder
    objects: ObjectStore
    results: Results
    memory: StoredMemory
    digests: FileDigests
    backends: Backends
    variables: Mapping[str, str]
    runtime: Path
    far_data: FarData
    depots: Depots
    notes: list[str] = field(default_factory=list)

    def put_copies(self, node: Node, outputs: Mapping[str, str]) -> None:
        """Copy the outputs that have a place of their own; see ``destinations.put_copies``."""
        put_copies(node, outputs, self.frozen.run, self.root, self.objects)

    def workplace(self, folder: Path, node: Node) -> Workplace:
        """The place of an attempt, on this machine or another."""
        backend = self.backends.of(node.target)
        if backend.shares_files and backend.outlives:
            return SharedWorkplace(folder, node, self.objects, self.state)
        if backend.shares_files:
            return Workplace(folder, node, self.objects)
        return FarWorkplace(folder, node, self.objects, self.digests, self.depots)

    def away(self, key: str, node: Node) -> Away | None:
        """Where an attempt is written down that goes on without its runner; None where it ends with it."""
        backend = self.backends.of(node.target)
        if not backend.outlives:
            return None
        return Away(self.state, key, node.target, self.frozen.targets[node.target])
