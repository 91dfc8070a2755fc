"""The place where an attempt works on a machine that sees none of our files: a parcel of what it starts with."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nbpipe.compute.base import Collected, Handle, Job, Parcel, Placed, Stream
from nbpipe.core.node import InputPort, Node
from nbpipe.errors import StoreError, UsageError
from nbpipe.execution.depots import Depots
from nbpipe.execution.far_data import FarFile
from nbpipe.execution.frozen import FrozenStep
from nbpipe.execution.process_environment import StepPaths
from nbpipe.execution.source_data import FoundData, content_digest
from nbpipe.execution.workplace import BoundInput, Workplace
from nbpipe.platform import open_private, private_folder
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import is_folder
from nbpipe.store.manifest import Entry
from nbpipe.store.objects import ObjectStore

READ, RUN = 0o444, 0o555
"""Permissions of what a machine keeps, which jobs only read."""
OWN, OWN_RUN = 0o600, 0o700
"""Permissions of copies."""


class FarWorkplace(Workplace):
    """Folders of one attempt on another machine, and those on this one into which its results come.

    Args:
        folder: as of ``Workplace``.
        node: the step.
        objects: the store.
        digests: digests of files.
        depots: where else inputs can be had.

    Attributes:
        token: stands for the folder over there in all that the script is told.
        parcel: what the folder there holds at the start.
    """

    def __init__(
        self, folder: Path, node: Node, objects: ObjectStore, digests: FileDigests, depots: Depots
    ) -> None:
        super().__init__(folder, node, objects)
        self._depots = depots
        self._far: dict[str, FarFile] = {}
        self._digests = digests
        self.token = f"/nbpipe-{secrets.token_hex(12)}"
        self._files: dict[str, Placed] = {}
        self._folders: list[str] = []
        self._links: dict[str, str] = {}
        self._sources: dict[str, Path] = {}
        self._collected = Collected()
        self.parcel = Parcel()

    def prepare(self, step: FrozenStep, inputs: Mapping[str, BoundInput], runtime: Path) -> StepPaths:
        """Put the parcel together; the paths the step is told.

        Raises:
            UsageError: data that no step makes are not what they were when the step was decided on.
            StoreError: another step's output is gone.
        """
        private_folder(self.folder)
        private_folder(self.code)
        private_folder(self.spool)
        for name, digest in step.files.items():
            self._place(
                f"code/{name}", digest, self._objects.blob_path(digest), mode=step.modes.get(name, OWN)
            )
        paths_in = {port.name: self._pack_input(port, inputs[port.name]) for port in self.node.inputs}
        runtime_digest = self._digests.digest(runtime)
        self._place("runtime.zip", runtime_digest, runtime, mode=READ, link=True)
        results = [f"out/{port.name}/{port.file_name or port.name}" for port in self.node.outputs]
        for port, result in zip(self.node.outputs, results, strict=True):
            self._folders.append(result if port.form == "folder" else f"out/{port.name}")
        kept = ("code/outputs", "code/logs", "spool/files")
        self._folders += [*kept[:2], "spool"]
        trees = [bound.digest for bound in inputs.values() if bound.found is None]
        self.parcel = Parcel(
            self._files, tuple(self._folders), self._links, self._sources, (*results, *kept),
            self._depots.of_inputs(trees, self._far),
        )  # fmt: skip
        there = {
            port.name: self._there(result) for port, result in zip(self.node.outputs, results, strict=True)
        }
        cwd, spool, archive = (Path(self._there(each)) for each in ("code", "spool", "runtime.zip"))
        self.paths = StepPaths(cwd, paths_in, there, spool, archive)
        return self.paths

    def sent_with(self, job: Job) -> Job:
        """A job with the parcel."""
        return replace(job, parcel=self.parcel, place=self.token)

    def _there(self, relative: str) -> str:
        return f"{self.token}/{relative}"

    def _place(self, path: str, digest: str, source: Path, *, mode: int, link: bool = False) -> None:
        self._files[path] = Placed(digest, mode, link)
        self._sources[digest] = source

    def _pack_input(self, port: InputPort, bound: BoundInput) -> str:
        if port.mode == "direct":
            return bound.digest
        if bound.found is not None:
            return self._there(self._pack_found(port, bound.found, bound.digest))
        return self._there(self._pack_tree(port, bound.digest))

    def _pack_tree(self, port: InputPort, digest: str) -> str:
        manifest, tree = self._objects.manifest(digest), self._objects.path(digest)
        base = f"in/{port.name}"
        if manifest.kind == "file":
            entry = manifest.entries[0]
            self._pack_entry(port, f"{base}/{entry.path}", entry, tree)
            return f"{base}/{entry.path}"
        base = f"{base}/{port.name}"
        self._folders.append(base)
        for entry in manifest.entries:
            self._pack_entry(port, f"{base}/{entry.path}", entry, tree / entry.path)
        return base

    def _pack_entry(self, port: InputPort, path: str, entry: Entry, source: Path) -> None:
        if entry.type == "folder":
            self._folders.append(path)
        elif entry.type == "link":
            self._links[path] = entry.target
        else:
            self._place_input(port, path, entry.digest, source, runs=bool(entry.mode & 0o100))

    def _pack_found(self, port: InputPort, found: FoundData, digest: str) -> str:
        base = f"in/{port.name}"
        known = self._digests.digest_many(found.files.values())
        if content_digest(found, self._digests) != digest:
            raise UsageError(f"input changed before it was sent: {port.name}", remedy="Run it again.")
        self._folders.append(base)
        self._folders += [f"{base}/{name.rstrip('/')}" for name in found.bare if name.endswith("/")]
        for name, path in found.files.items():
            runs = bool(path.stat().st_mode & 0o100)
            self._place_input(port, f"{base}/{name}", known[path], path, runs=runs)
            if name in found.far:
                self._far[known[path]] = found.far[name]
        return f"{base}/{next(iter(found.files))}" if found.is_file else base

    def _place_input(self, port: InputPort, path: str, digest: str, source: Path, *, runs: bool) -> None:
        link = port.mode == "mount"
        mode = (RUN if runs else READ) if link else (OWN_RUN if runs else OWN)
        self._place(path, digest, source, mode=mode, link=link)

    def take(self, stream: Stream, data: bytes) -> None:
        """Take what the step's runtime recorded, to the place where it is read from here."""
        del stream
        with open(
            open_private(self.spool / "spool.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab"
        ) as file:
            file.write(data)

    def begin_anew(self) -> None:
        """Forget what was taken: the step begins again elsewhere."""
        (self.spool / "spool.jsonl").unlink(missing_ok=True)

    async def collect(self, handle: Handle) -> None:
        """Bring the results home.

        Raises:
            NbpipeError: they cannot be brought.
        """
        self._collected = await handle.collect(self.folder)
        if is_folder(self.code / "logs") and not os.path.lexists(self.logs):
            with suppress(OSError):
                os.rename(self.code / "logs", self.logs)

    def changed(self, inputs: Mapping[str, BoundInput]) -> list[str]:
        """Names of inputs that the step changed where it ran; what lies here it could not reach."""
        del inputs
        parts = [path.split("/") for path in self._collected.changed]
        return list(dict.fromkeys(each[1] for each in parts if each[0] == "in" and len(each) > 1))

    def written(self, known: Mapping[str, str]) -> list[str]:
        """Files that the script wrote over there, other than those it was told to."""
        names = [path.removeprefix("code/") for path in self._collected.written]
        return [name for name in names if name not in known and "__pycache__" not in name]

    def kept_there(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Path over there -> digest of every file of the published outputs, which later steps may read there."""
        kept: dict[str, str] = {}
        for port in self.node.outputs:
            place = f"out/{port.name}/{port.file_name or port.name}"
            with suppress(StoreError, KeyError):
                manifest = self._objects.manifest(outputs[port.name])
                inside = "" if manifest.kind == "file" else "/{}"
                for entry in manifest.entries:
                    if entry.type == "file":
                        kept[place + inside.format(entry.path)] = entry.digest
        return kept
