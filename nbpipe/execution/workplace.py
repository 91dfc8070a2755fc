"""The place where one attempt at a step works: its copy of the code, its inputs laid out, its outputs-to-be."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from nbpipe.compute.base import Handle, Job, Stream
from nbpipe.core.node import InputPort, Node, OutputPort
from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError
from nbpipe.execution.frozen import FrozenStep
from nbpipe.execution.process_environment import StepPaths
from nbpipe.execution.source_data import FoundData
from nbpipe.execution.staging import lay_out
from nbpipe.platform import copy_file, private_folder
from nbpipe.store.files import is_folder, own_folder, remove_tree
from nbpipe.store.manifest import Kind
from nbpipe.store.objects import ObjectStore


@dataclass
class BoundInput:
    """What an input port is bound to in this run.

    Attributes:
        digest: content digest, as the fingerprint counts it.
        found: files of data that no step makes; None for another step's output.
        source_changed: looks whether those data are still the same.
    """

    digest: str
    found: FoundData | None = None
    source_changed: Callable[[], bool] | None = None

    def changed(self, objects: ObjectStore) -> bool:
        """Whether the content is not what it was when the step started.

        Raises:
            StoreError: another step's output is gone.
        """
        return self.source_changed() if self.source_changed else bool(objects.check(self.digest))


class Workplace:
    """Folders of one attempt, under the attempt's folder, gone when it ends.

    Args:
        folder: ``work`` under the attempt's folder; made by ``prepare``.
        node: the step.
        objects: the store.

    Attributes:
        paths: what the script is told, once it is prepared.
        seen: what tells later whether data outside were touched that the script reads where they lie; or empty.
    """

    paths: StepPaths
    seen: str = ""

    def __init__(self, folder: Path, node: Node, objects: ObjectStore) -> None:
        self.folder = folder
        self.node = node
        self._objects = objects
        self.code = folder / "code"
        self.spool = folder / "spool"
        self.logs = folder.parent / "logs"
        self.not_kept = ""

    def prepare(self, step: FrozenStep, inputs: Mapping[str, BoundInput], runtime: Path) -> StepPaths:
        """Make the working copy, lay out inputs, make places for outputs; the paths the step is told."""
        private_folder(self.folder)
        lay_out(step.files, step.modes, self._objects, self.code)
        self._prepare_kept()
        paths_in = {port.name: self._lay_input(port, inputs[port.name]) for port in self.node.inputs}
        paths_out = {port.name: str(self._place_for(port)) for port in self.node.outputs}
        self.paths = StepPaths(self.code, paths_in, paths_out, self.spool, runtime)
        return self.paths

    def fits(self, cwd: Path, seen: str) -> bool:
        """Whether an earlier attempt at the same can be taken over, whose process may go on.

        Args:
            cwd: the folder it was started in.
            seen: what ``seen`` was then.
        """
        del cwd
        return seen == self.seen

    def take_over(self, cwd: Path) -> None:
        """Make an earlier attempt's folders this one's; where they are the other machine's, there is nothing to do."""

    def clear_away(self, cwd: Path) -> None:
        """Remove the folders of an earlier attempt that has ended and is not taken over, where they are here."""

    def _prepare_kept(self) -> None:
        """``./outputs`` is kept at the end; ``./logs`` is written where readers of the run look from the first byte."""
        if not (self.code / "outputs").exists():
            private_folder(self.code / "outputs")
        if not (self.code / "logs").exists():
            private_folder(self.logs)
            try:
                (self.code / "logs").symlink_to(self.logs, target_is_directory=True)
            except OSError:  # a system without links: they are seen when the step has ended
                private_folder(self.code / "logs")

    def _lay_input(self, port: InputPort, bound: BoundInput) -> str:
        if port.mode == "direct":
            return bound.digest
        if bound.found is None:
            if port.mode == "mount":
                return str(self._objects.path(bound.digest))
            target = self.folder / "in" / port.name / self._objects.path(bound.digest).name
            if self._objects.manifest(bound.digest).kind == "folder":
                target = self.folder / "in" / port.name / port.name
            self._objects.materialize(bound.digest, target)
            return str(target)
        return str(self._lay_found(port, bound.found))

    def _lay_found(self, port: InputPort, found: FoundData) -> Path:
        if port.mode == "mount" and found.path is not None:
            return found.path
        folder = self.folder / "in" / port.name
        for name, path in found.files.items():
            place = folder / name
            own_folder(place.parent)
            if port.mode == "mount":
                place.symlink_to(path.absolute())
            else:
                copy_file(path, place)
                os.chmod(place, 0o600)
        for name in found.bare:
            if name.endswith("/"):
                own_folder(folder / name)
        own_folder(folder)
        return folder / next(iter(found.files)) if found.is_file else folder

    def sent_with(self, job: Job) -> Job:
        """A job with what its folder holds, for a machine that does not see it."""
        return job

    def take(self, stream: Stream, data: bytes) -> None:
        """Take what comes of a step's runtime from a machine whose files are not seen; here it lies in its place."""

    def begin_anew(self) -> None:
        """Forget what was taken, since the step begins again on another machine; here that does not happen."""

    async def collect(self, handle: Handle) -> None:
        """Bring the results home; here they are."""

    def changed(self, inputs: Mapping[str, BoundInput]) -> list[str]:
        """Names of inputs that changed meanwhile; a changed object is taken out of the store."""
        changed = []
        for name, bound in inputs.items():
            with suppress(StoreError):  # taken out already, for another step that reads it
                if not bound.changed(self._objects):
                    continue
                if bound.found is None:
                    self._objects.quarantine(bound.digest)
            changed.append(name)
        return changed

    def kept_there(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """What the machine may keep of the published outputs; here they are in the store."""
        del outputs
        return {}

    def place_of(self, port: OutputPort) -> Path:
        """The path that a script is told to write an output to."""
        return self.folder / "out" / port.name / (port.file_name or port.name)

    def _place_for(self, port: OutputPort) -> Path:
        place = self.place_of(port)
        own_folder(place.parent)
        if port.form == "folder":
            private_folder(place)
        return place

    def form_problem(self, port: OutputPort) -> str:
        """Why what lies at an output's path cannot be published: ``missing``, ``a folder``, ``a file``, or empty."""
        place = self.place_of(port)
        if not os.path.lexists(place):
            return "missing"
        if place.is_symlink():  # publishing says what is wrong with it; what it leads to may be elsewhere
            return ""
        if port.form == "file" and place.is_dir():
            return "a folder"
        if port.form == "folder" and not place.is_dir():
            return "a file"
        return ""

    def publish(self, port: OutputPort) -> str:
        """Move an output into the store; its digest."""
        place = self.place_of(port)
        kind: Kind = "folder" if place.is_dir() and not place.is_symlink() else "file"
        return self._objects.publish(place, kind=kind).digest

    def publish_kept(self) -> str:
        """Move ``./outputs`` and what the runtime was given to upload into the store; its digest, or empty.

        What cannot be kept fails no step; ``not_kept`` says why.
        """
        kept = self.code / "outputs"
        if os.path.islink(kept):
            return ""
        uploaded = self.spool / "files"
        for path in sorted(uploaded.rglob("*")) if os.path.isdir(uploaded) else []:
            if path.is_file():
                target = kept / path.relative_to(uploaded)
                with suppress(OSError):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(path, target)
        try:
            if os.path.isdir(kept) and any(kept.iterdir()):
                return self._objects.publish(kept, kind="folder").digest
        except OSError as error:
            self.not_kept = getattr(error, "fact", None) or str(error)
        return ""

    def written(self, known: Mapping[str, str]) -> list[str]:
        """Files that the script wrote in its folder or beside its outputs, other than those it was told to."""
        found = []
        told = {self.place_of(port) for port in self.node.outputs}
        for base in (self.code, self.folder / "out"):
            for path in sorted(base.rglob("*")) if base.is_dir() else []:
                relative = path.relative_to(base).as_posix()
                inside_told = any(path == place or place in path.parents for place in told)
                if (
                    path.is_file()
                    and relative not in known
                    and not inside_told
                    and "__pycache__" not in relative
                ):
                    found.append(relative if base == self.code else path.name)
        return found

    def clear(self) -> None:
        """Remove the folders but the logs, which become private; what cannot be removed is left to the collector."""
        with suppress(OSError, StoreError):
            _shut(self.logs)
            remove_tree(self.folder)


def _shut(folder: Path) -> None:
    """Take from others what a script let them do with its own files; nobody changes them meanwhile."""
    if not is_folder(folder):
        return
    os.chmod(folder, 0o700)
    for inner, folders, files in os.walk(folder):
        for name in folders + files:
            status = os.lstat(place := os.path.join(inner, name))
            if stat.S_ISDIR(status.st_mode):
                os.chmod(place, 0o700)
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:  # another name may lie anywhere
                os.chmod(place, 0o600)
