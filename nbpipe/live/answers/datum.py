"""The data of a step: what it reads and writes, where each lies, and which files may be looked into."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Literal

from nbpipe.core.events import StepFinished, StepReused
from nbpipe.core.node import InputPort, Node
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError, StoreError, UsageError
from nbpipe.execution.source_data import FoundData, find_data
from nbpipe.live.answers.shown import Shown, fingerprint_of, planned, step_in
from nbpipe.run import StepRun
from nbpipe.store.objects import ObjectStore

Role = Literal["input", "output", "files"]
FILES = "outputs"
"""What a step's own files are called, after the folder ``./outputs`` that it left them in."""


@dataclass(frozen=True)
class Datum:
    """One input or output of a step.

    Attributes:
        name: of the port.
        role: which it is.
        digest: of the tree in the store; empty for data that no step makes, and for what is not made.
        found: files of data that no step makes.
        missing: why it is not there, or empty.
        run: id of the run that made it, where it is known and is not the run that is shown.
    """

    name: str
    role: Role
    digest: str = ""
    found: FoundData | None = None
    missing: str = ""
    run: str = ""

    def files(self, objects: ObjectStore) -> tuple[dict[str, Path], bool]:
        """Its files by their names inside, and whether it is one file; nothing else of it may be read.

        Raises:
            StoreError: it is gone from the store.
        """
        if self.found is not None:
            return dict(self.found.files), self.found.is_file
        if not self.digest:
            return {}, False
        manifest, place = objects.manifest(self.digest), objects.path(self.digest)
        if manifest.kind == "file":
            return {place.name: place}, True
        inside = os.path.realpath(place)
        files = {each.path: place / each.path for each in manifest.entries if each.type == "file"}
        return {name: path for name, path in files.items() if _is_inside(path, inside)}, False


def _is_inside(path: Path, folder: str) -> bool:
    """A hand may have put a link in the place of a folder."""
    return os.path.realpath(path).startswith(folder + os.sep)


@dataclass(frozen=True)
class Made:
    """What a step made: output port -> digest, its own files, and the run."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    kept: str = ""
    run: str = ""


def data_of(shown: Shown, node: Node, run_id: str = "") -> Iterator[Datum]:
    """Inputs, outputs and own files of a step: in a run, or as they are in the one that is shown, else were last.

    Data that no step makes are as they lie there now.
    """
    for port in node.inputs:
        yield _input(shown, node, port, run_id)
    made = made_by(shown, node, run_id)
    current = run_id or (shown.run.id if shown.run else "")
    run = made.run if made.run != current else ""
    for output in node.outputs:
        digest = made.outputs.get(output.name, "")
        yield Datum(
            output.name, "output", digest, missing="" if digest else "not made yet", run=run if digest else ""
        )
    if made.kept:
        yield Datum(FILES, "files", made.kept, run=run)


def _input(shown: Shown, node: Node, port: InputPort, run_id: str) -> Datum:
    if not port.source_port:
        try:
            source = shown.graph.data_sources[port.source_id]
            return Datum(port.name, "input", found=find_data(source, shown.workspace.root))
        except (KeyError, UsageError, OSError) as error:
            return Datum(port.name, "input", missing=str(getattr(error, "fact", error)))
    step = step_in(shown, node, run_id)
    used = fingerprint_of(step) if step else None
    digest = used.part("inputs").get(port.name, "") if used else ""
    run = ""
    if not digest and port.source_id in shown.graph.node_dict:
        made = made_by(shown, shown.graph.get_node(port.source_id), run_id)
        digest, run = made.outputs.get(port.source_port, ""), made.run
    if run == (run_id or (shown.run.id if shown.run else "")):
        run = ""
    return Datum(port.name, "input", digest, missing="" if digest else "not made yet", run=run)


def made_by(shown: Shown, node: Node, run_id: str = "") -> Made:
    """What a step made in a run; default: the one that is shown, else what its plan reuses, else what it made last."""
    step = step_in(shown, node, run_id)
    kept = _left_by(step) if step else ""
    if step and step.state.status.good:
        outputs = {name: each.digest for name, each in step.get_outputs().items()}
        return Made(outputs, kept, step.reused_run or step.run.id)
    if step and run_id:
        return Made({}, kept, run_id)
    plan = planned(shown, node.node_id)
    result = plan.result if plan else None
    if result is None:
        memory = shown.workspace.memory
        last = [each for each in memory.attempts(node.name) if each.status == "finished"]
        result = memory.result(last[-1].key) if last else None
    if kept and step:  # what a failed step left is nearest to what is asked
        return Made(result.outputs if result else {}, kept, step.run.id)
    return Made(result.outputs, result.kept, result.run) if result else Made()


def _left_by(step: StepRun) -> str:
    """Digest of what a step left in ``./outputs``."""
    last = step.state.last
    if isinstance(last, StepReused):
        stored = step.run.memory().result(last.key)
        return stored.kept if stored else ""
    digest = getattr(last, "kept", "")
    return digest if isinstance(last, StepFinished) or isinstance(digest, str) else ""


def datum_named(shown: Shown, node: Node, name: str, role: str = "", run_id: str = "") -> Datum:
    """One of a step's data; ``UsageError`` names those there are."""
    there = list(data_of(shown, node, run_id))
    found = next((each for each in there if each.name == name and role in ("", each.role)), None)
    if found is None:
        known = ", ".join(each.name for each in there) or "none"
        raise UsageError(f"Step {node.node_id} has no data {name}.", remedy=f"It has: {known}")
    return found


def trouble_with(datum: Datum, objects: ObjectStore) -> str:
    """Why some data cannot be looked at, or empty."""
    if datum.missing or datum.found is not None:
        return datum.missing
    with suppress(StoreError, NbpipeError, OSError):
        objects.path(datum.digest)
        return ""
    return "gone from the store"
