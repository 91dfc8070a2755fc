"""A run as it was frozen at submit: all that the runner needs, by digest, so that later edits change nothing in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from nbpipe.compute.lock import Lock
from nbpipe.core.compute import ComputeTarget
from nbpipe.core.environment import Counts
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.record import dataclass
from nbpipe.core.shape import well_formed
from nbpipe.environments.interpreter import Interpreter
from nbpipe.errors import StoreError, UsageError

FROZEN_FORMAT = 1
"""Version of ``graph.json`` in a run's folder; a newer one is refused."""


@dataclass(frozen=True)
class Counted:
    """What of an interpreter a step's fingerprint counts.

    Attributes:
        imports: top-level names that the step's code imports.
        counts: ``imports``, ``full`` or ``none``; see ``Interpreter.ingredients``.
    """

    imports: tuple[str, ...] = ()
    counts: Counts = "imports"

    def of(self, interpreter: Interpreter) -> dict[str, str]:
        """What counts of an interpreter: distribution -> version, and ``python`` -> ``3.11``."""
        return interpreter.ingredients(self.imports, self.counts)


@dataclass(frozen=True)
class FrozenStep:
    """The code of one step, in the store.

    Attributes:
        files: relative path -> digest of the blob.
        modes: relative path -> permission bits.
        python: interpreter.
        fingerprint: its parts as they were at submit; every input unknown.
        counted: what of the interpreter the fingerprint counts, where that is looked at again; else None.
        lock: what its environment is made of, where its target makes one.
    """

    files: Mapping[str, str]
    modes: Mapping[str, int]
    python: str
    fingerprint: Fingerprint
    counted: Counted | None = None
    lock: Lock | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        counted = asdict(self.counted) if self.counted else None
        lock = asdict(self.lock) if self.lock else None
        return {**vars(self), "fingerprint": self.fingerprint.to_json(), "counted": counted, "lock": lock}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> FrozenStep:
        """The step that ``to_json`` wrote."""
        counted = data.get("counted")
        if counted is not None:
            counted = well_formed(Counted(**{**counted, "imports": tuple(counted["imports"])}))
        lock = Lock.from_json(data["lock"]) if data.get("lock") else None
        fingerprint = Fingerprint.from_json(data["fingerprint"])
        told = {**data, "fingerprint": fingerprint, "counted": counted, "lock": lock}
        step: FrozenStep = well_formed(FrozenStep(**told))
        return step


@dataclass(frozen=True)
class FrozenTarget:
    """A compute target as it was at submit.

    Attributes:
        type: its kind.
        settings: what its backend is opened with.
        in_memory: names of settings that come over the runner's standard input.
        gpus: GPUs that steps may hold there; None where the target gives them out itself.
    """

    type: str
    settings: Mapping[str, Any]
    in_memory: tuple[str, ...] = ()
    gpus: int | None = None

    def named(self, name: str) -> ComputeTarget:
        """The target, as it is opened."""
        return ComputeTarget(None, name, self.type, self.settings, self.in_memory)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> FrozenTarget:
        """The target whose fields these are."""
        target: FrozenTarget = well_formed(FrozenTarget(**{**data, "in_memory": tuple(data["in_memory"])}))
        return target


@dataclass(frozen=True)
class RunOptions:
    """What was said at submit.

    Attributes:
        force: ids of the nodes that run whatever is stored.
        continue_on_step_failure: go on with steps that do not depend on a failed one.
        jobs: steps of this run at once; None for the workspace's own number.
        tags: free text by name.
        gpus: GPUs of this machine that steps may hold.
        log_limit: bytes of log kept a step.
        names_elsewhere: names that other cells of the notebook define, for advice: name -> ``cell 2``.
        imports_elsewhere: names that other cells import: name -> the import line.
        shared: where the settings say that results are shared, or empty.
    """

    force: tuple[str, ...] = ()
    continue_on_step_failure: bool = False
    jobs: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    log_limit: int = 2**30
    names_elsewhere: Mapping[str, str] = field(default_factory=dict)
    imports_elsewhere: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""


@dataclass(frozen=True)
class FrozenRun:
    """A run as it was frozen.

    Attributes:
        run: its id.
        experiment: name that groups runs.
        workspace: name and the two further keys of Azure ML v1's ``config.json``.
        graph: the declared graph with parameter values.
        steps: node id -> its code.
        options: what was said at submit.
        plan: the plan at submit, one JSON object a step.
        submitted: seconds since the epoch.
        targets: the compute targets of its steps but ``local``, by name.
    """

    run: str
    experiment: str
    workspace: Mapping[str, str]
    graph: Graph
    steps: Mapping[str, FrozenStep]
    options: RunOptions
    plan: list[dict[str, Any]]
    submitted: float
    targets: Mapping[str, FrozenTarget] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the whole."""
        return {
            "format": FROZEN_FORMAT,
            "run": self.run,
            "experiment": self.experiment,
            "workspace": dict(self.workspace),
            "graph": self.graph.to_json(),
            "steps": {node: step.to_json() for node, step in self.steps.items()},
            "options": asdict(self.options),
            "plan": self.plan,
            "submitted": self.submitted,
            "targets": {name: asdict(target) for name, target in self.targets.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> FrozenRun:
        """The frozen run that ``to_json`` wrote.

        Raises:
            UsageError: it is of a newer format.
            StoreError: it is damaged.
        """
        try:
            newer = data["format"] > FROZEN_FORMAT
            frozen = None if newer else FrozenRun._from_fields(data)
        except UsageError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"The record of this run is damaged: {error!r}.") from error
        if frozen is None:
            fact = f"This run has format {data['format']}; this nbpipe reads {FROZEN_FORMAT}."
            raise UsageError(fact, remedy="Upgrade:  pip install --upgrade nbpipe-steps")
        return frozen

    @staticmethod
    def _from_fields(data: Mapping[str, Any]) -> FrozenRun:
        steps = {node: FrozenStep.from_json(step) for node, step in data["steps"].items()}
        targets = {name: FrozenTarget.from_json(told) for name, told in data.get("targets", {}).items()}
        options = RunOptions(**{**data["options"], "force": tuple(data["options"]["force"])})
        frozen: FrozenRun = well_formed(FrozenRun(
            data["run"], data["experiment"], data["workspace"], Graph.from_json(data["graph"]).checked(), steps,
            well_formed(options), data["plan"], data["submitted"], targets,
        ))  # fmt: skip
        if not {each["node"] for each in frozen.plan} <= steps.keys() == frozen.graph.node_dict.keys():
            raise KeyError("steps")
        return frozen
