"""The place where an attempt works in a folder that its target sees too, and in which the next run can go on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nbpipe.compute.base import Handle
from nbpipe.core.fingerprint import digest_of
from nbpipe.core.node import Node, OutputPort
from nbpipe.errors import StoreError
from nbpipe.execution.frozen import FrozenStep
from nbpipe.execution.process_environment import StepPaths
from nbpipe.execution.workplace import BoundInput, Workplace
from nbpipe.store.digests import Figures
from nbpipe.store.files import is_folder, read_json, remove_tree, write_json
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore

_PUBLISHED = "published.json"
"""In the folder of the attempt: output -> digest, as far as they are in the store."""

_KEPT = "./outputs"


class SharedWorkplace(Workplace):
    """Folders of one attempt, or those of an earlier one whose process went on when its runner was killed.

    What is published is written down beside it, so that a runner that is killed meanwhile leaves the next one
    a whole step, not one whose outputs are gone.

    Args:
        folder, node, objects: as of ``Workplace``.
        state: the workspace's, in which the folders of earlier attempts lie.
    """

    def __init__(self, folder: Path, node: Node, objects: ObjectStore, state: StateFolder) -> None:
        super().__init__(folder, node, objects)
        self._state = state
        self._logs_there = self.logs

    def prepare(self, step: FrozenStep, inputs: Mapping[str, BoundInput], runtime: Path) -> StepPaths:
        """As of ``Workplace``, and keep in mind what the inputs look like that are read where they lie."""
        self.seen = _looks(self.node, inputs)
        return super().prepare(step, inputs, runtime)

    def fits(self, cwd: Path, seen: str) -> bool:
        """Whether an earlier attempt can be taken over: what it reads was not touched, what it made is all there."""
        folder = cwd.parent
        if seen != self.seen or not self._is_of_a_run(cwd) or not is_folder(cwd):
            return False
        published = _published(folder.parent)
        if published is None:  # nothing was moved: it goes on, or has just ended
            return True
        lost = [port for port in self.node.outputs if port.name not in published]
        earlier = Workplace(folder, self.node, self._objects)
        return all(map(self._objects.complete, published.values())) and not any(
            earlier.form_problem(port) for port in lost
        )

    def take_over(self, cwd: Path) -> None:
        """Work on where an earlier attempt did; the folders that were made for this one go."""
        made, self.folder = self.folder, cwd.parent
        self.code, self.spool = cwd, self.folder / "spool"
        self._logs_there = self.folder.parent / "logs"
        told = [_moved(paths, made, self.folder) for paths in (self.paths.inputs, self.paths.outputs)]
        self.paths = replace(self.paths, cwd=cwd, inputs=told[0], outputs=told[1], spool=self.spool)
        _remove(made)

    def clear_away(self, cwd: Path) -> None:
        """As of ``Workplace``; they may hold copies of much data."""
        if self._is_of_a_run(cwd):
            _remove(cwd.parent)

    def _is_of_a_run(self, cwd: Path) -> bool:
        return self._state.runs in cwd.parents and ".." not in cwd.parts

    async def collect(self, handle: Handle) -> None:
        """Take what the script wrote into ``./logs`` along, where that was an earlier attempt's."""
        if self._logs_there != self.logs and is_folder(self._logs_there):
            with suppress(OSError):
                os.rename(self._logs_there, self.logs)  # nothing is in ours

    def form_problem(self, port: OutputPort) -> str:
        """As of ``Workplace``; what was published already had its form."""
        return "" if port.name in self._published() else super().form_problem(port)

    def publish(self, port: OutputPort) -> str:
        """As of ``Workplace``, and write it down."""
        published = self._published()
        if port.name not in published:
            self._note(published)
            published[port.name] = super().publish(port)
            self._note(published)
        return published[port.name]

    def publish_kept(self) -> str:
        """As of ``Workplace``, and write it down."""
        published = self._published()
        kept = super().publish_kept() or published.get(_KEPT, "")
        self._note({**published, _KEPT: kept} if kept else published)
        return kept

    def _published(self) -> dict[str, str]:
        return _published(self.folder.parent) or {}

    def _note(self, published: Mapping[str, str]) -> None:
        write_json(self.folder.parent / _PUBLISHED, dict(published))


def _remove(folder: Path) -> None:
    with suppress(OSError, StoreError):  # what cannot be removed is left to the collector
        remove_tree(folder)


def _moved(paths: Mapping[str, str], made: Path, folder: Path) -> dict[str, str]:
    """Paths as they are where one folder stands for another."""
    begin = f"{made}{os.sep}"
    return {
        name: str(folder / path.removeprefix(begin)) if path.startswith(begin) else path
        for name, path in paths.items()
    }


def _looks(node: Node, inputs: Mapping[str, BoundInput]) -> str:
    """What the file system tells of data that the script reads where they lie, in one digest; empty for none."""
    found = {port.name: inputs[port.name].found for port in node.inputs if port.mode == "mount"}
    files = {(port, name): path for port, data in found.items() if data for name, path in data.files.items()}
    told = [[*place, *Figures.of(os.stat(path))] for place, path in sorted(files.items())]
    return digest_of([[os.fsencode(str(each)).hex() for each in row] for row in told]) if told else ""


def _published(attempt: Path) -> dict[str, str] | None:
    """Output -> digest of what an attempt has published; None before it began to."""
    try:
        told = read_json(attempt / _PUBLISHED)
    except FileNotFoundError:
        return None
    except StoreError:
        return {}
    right = isinstance(told, dict) and all(isinstance(digest, str) for digest in told.values())
    return told if right else {}
