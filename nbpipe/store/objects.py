"""Immutable content under the digest of its bytes: blobs, and trees of files published by one rename.

::

    objects/5f/5f1d...          a blob; for a tree, its manifest
    objects/5f/5f1d....tree/    the tree's content, handed out as it lies here
    objects/5f/5f1d....stamp    the figures its files had when last found right; no part of its identity

Order makes it safe against crashes: content, then manifest, then the rename, and the result that points to it
last. A crash leaves a whole object or none.

Against power cuts the files of a tree are flushed to the disk before the rename: a script may write them in
any way, so that a torn one can have its right size, and `complete` looks at no more. Nothing else is waited
for. Blobs are read and compared wherever they count, large ones flushed; names come to the disk in the order
in which they were given, as file systems with a journal do it. A power cut loses the last results, no more.

Files are read-only (0444, 0555 where executable) so that a script that opens its input for writing fails
there and then; `check` finds those who write all the same.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nbpipe.errors import StoreError
from nbpipe.platform import flush_files
from nbpipe.store.blobs import Blobs, missing
from nbpipe.store.digests import Figures, FileDigests
from nbpipe.store.files import (
    is_folder,
    listing,
    own_folder,
    read_json,
    remove_tree,
    set_aside,
    storing,
    write_json,
)
from nbpipe.store.layout import StateFolder
from nbpipe.store.manifest import Entry, Kind, Manifest, describe
from nbpipe.store.trees import copy_entry, copy_tree, differences, fits, measure, settle

_LOOKED_AT = 1000  # files that `complete` looks at; a plan asks it of every step
_REMEMBERED = 100_000  # entries of manifests kept in memory


class StoredObject(NamedTuple):
    """What the collector needs to know of an object.

    Attributes:
        digest: its name.
        size: bytes on disk.
        made: when it came into the store, seconds since the epoch.
    """

    digest: str
    size: int
    made: float


class ObjectStore(Blobs):
    """Blobs and trees of a workspace.

    Args:
        state: where they lie; made on the first write.
        digests: how files are read.

    Attributes:
        fetch: brings a tree that is not here, from where results are shared; None where they are not.

    Example:
        >>> state = StateFolder(Path())
        >>> store = ObjectStore(state, FileDigests(state))
        >>> store.get_bytes(store.put_bytes(b"print()"))
        b'print()'
        >>> _ = Path("clean.csv").write_text("a,b")
        >>> store.path(store.publish(Path("clean.csv"), kind="file").digest).name
        'clean.csv'
    """

    def __init__(self, state: StateFolder, digests: FileDigests) -> None:
        super().__init__(state, digests)
        self.fetch: Callable[[str], None] | None = None
        self._manifests: dict[str, Manifest] = {}
        self._entries = 0
        self._stamps: dict[str, dict[str, Figures]] = {}

    def publish(self, source: Path, *, kind: Kind) -> Manifest:
        """Take a file or folder into the store: it is moved, and is gone from `source` afterwards.

        Equal content that is there already, unharmed, is kept. An error leaves the content at `source`.

        Raises:
            StoreError: see `describe`; or it is a link itself, or cannot be moved.
        """
        if source.is_symlink():
            raise StoreError(
                f"{source.name} is a link to {os.readlink(source)}, so its content would not be kept.",
                remedy="Copy what it leads to, or declare that as the output.",
            )
        manifest = describe(source, kind, self._digests)
        with self._state.scratch() as scratch, storing(source):
            self.put_bytes(manifest.to_bytes())
            tree = scratch / "tree"
            place = _take(source, tree, manifest)
            try:
                settle(tree, manifest)
                flush_files([tree / entry.path for entry in manifest.entries if entry.type == "file"])
                self._move_in(tree, manifest)
            except BaseException:
                with suppress(OSError):
                    os.rename(place, source)
                raise
            remove_tree(source)  # there still where it had to be copied from another disk
        self._remember(manifest.digest, manifest)
        return manifest

    def manifest(self, digest: str) -> Manifest:
        """The manifest of a tree; see `get_bytes` for errors."""
        known = self._manifests.get(digest)
        if known is None:
            known = Manifest.from_json(self.get_bytes(digest))
            self._remember(digest, known)
        return known

    def _remember(self, digest: str, manifest: Manifest) -> None:
        self._entries += len(manifest.entries) + 1
        if self._entries > _REMEMBERED:
            self._manifests.clear()
            self._stamps.clear()
            self._entries = len(manifest.entries) + 1
        self._manifests[digest] = manifest

    def path(self, digest: str) -> Path:
        """What a consumer is handed, to read only: the folder, or the file under its own name.

        Raises:
            StoreError: there is no such tree.
        """
        tree = self._tree(digest)
        if not is_folder(tree):
            raise missing(digest)
        manifest = self.manifest(digest)
        return tree / manifest.entries[0].path if manifest.kind == "file" else tree

    def bring(self, digest: str) -> Path:
        """What `path` hands out, after a tree that is not here was fetched from where results are shared.

        Raises:
            StoreError: there is no such tree, here or there, or it is not what its digest says.
        """
        if self.fetch is not None and not is_folder(self._tree(digest)):
            self.fetch(digest)
        return self.path(digest)

    def complete(self, digest: str) -> bool:
        """Whether a tree is there, by a cheap look: manifest, folder, sizes and times of the first files.

        Files whose time of change is not as stamped are read: what was written by hand is no result any more,
        and what was only copied to another place counts from then on.
        """
        try:
            manifest, tree = self.manifest(digest), self._tree(digest)
            if not is_folder(tree) or not self.has(digest):
                return False
            stamp = self._stamps.get(digest) or self.stamp(digest)
            if all(_stands(tree, entry, stamp) for entry in islice(manifest.entries, _LOOKED_AT)):
                self._stamps[digest] = stamp
                return True
            if self.check(digest):
                return False
            self._stamps[digest] = measure(tree, manifest)
        except OSError:
            return False
        return True

    def stamp(self, digest: str) -> dict[str, Figures]:
        """The figures of a tree's files when last found right, by path; empty where nothing is known."""
        try:
            told = read_json(self._stamp(digest))
            return {path: Figures(*map(int, five)) for path, five in told.items()}
        except (OSError, ValueError, TypeError, AttributeError, OverflowError):
            return {}

    def check(self, digest: str) -> list[str]:
        """Paths in a tree that are not as published: changed, missing or added; empty when all is well.

        Files whose figures are as stamped are not read. Where figures changed and content did not (a copied
        workspace, a touched file), the stamp is renewed.

        Raises:
            StoreError: there is no such tree.
        """
        tree = self._tree(digest)
        if not is_folder(tree):
            raise missing(digest)
        manifest = self.manifest(digest)
        wrong, read = differences(tree, manifest, self.stamp(digest))
        if read and not wrong:
            self._write_stamp(tree, manifest)
        return wrong

    def quarantine(self, digest: str) -> Path:
        """Move a changed tree out of the store and forget it; where it lies now.

        Raises:
            StoreError: there is no such tree.
        """
        remove_tree(self._stamp(digest))
        aside = set_aside(
            self._tree(digest)
        )  # the manifest stays: another may be publishing the same just now
        if aside is None:
            raise missing(digest)
        return aside

    def materialize(self, digest: str, target: Path) -> None:
        """Copy what `path` hands out, to be written on; blocks are shared where the file system can.

        Args:
            digest: a tree.
            target: becomes the folder or file; not there yet, or an empty folder for a folder.

        Raises:
            StoreError: there is no such tree, or the copy cannot be written.
        """
        source, manifest = self.path(digest), self.manifest(digest)
        with storing(target):
            own_folder(target.parent)
            if manifest.kind == "file":
                copy_entry(source, target, manifest.entries[0])
            else:
                copy_tree(source, target, manifest)

    def drop(self, digest: str) -> None:
        """Remove a blob or tree; what is not there is no error."""
        self._manifests.pop(digest, None)
        self._stamps.pop(digest, None)
        with storing(self._state.objects):
            remove_tree(self.blob_path(digest))
            remove_tree(self._stamp(digest))
            if os.path.lexists(self._tree(digest)):
                with self._state.scratch() as scratch, suppress(FileNotFoundError):
                    os.rename(self._tree(digest), scratch / "tree")  # a crash leaves all of it or none

    def objects(self) -> Iterator[StoredObject]:
        """Every object, in no order."""
        for folder in listing(self._state.objects):
            for name in {item.name.partition(".")[0] for item in listing(Path(folder.path))} - {""}:
                with suppress(StoreError):  # a stranger's file
                    yield self._measured(name)

    def _move_in(self, tree: Path, manifest: Manifest) -> None:
        """The one rename. Of two that publish equal content the first wins, if what it left is unharmed."""
        target = self._tree(manifest.digest)
        own_folder(target.parent)
        for _ in range(2):
            try:
                os.rename(tree, target)
            except OSError:
                if not os.path.lexists(target):
                    raise
                if is_folder(target) and not self.check(manifest.digest):
                    return
                set_aside(target)
            else:
                self._write_stamp(target, manifest)
                return

    def _write_stamp(self, tree: Path, manifest: Manifest) -> None:
        with suppress(OSError):  # without it `check` reads the files
            write_json(self._stamp(manifest.digest), measure(tree, manifest))

    def _tree(self, digest: str) -> Path:
        blob = self.blob_path(digest)
        return blob.with_name(blob.name + ".tree")

    def _stamp(self, digest: str) -> Path:
        blob = self.blob_path(digest)
        return blob.with_name(blob.name + ".stamp")

    def _measured(self, digest: str) -> StoredObject:
        tree, blob = self._tree(digest), self.blob_path(digest)
        size = made = 0.0
        for path in (blob, tree, self._stamp(digest)):
            with suppress(OSError):
                status = os.lstat(path)
                size += 0 if path == tree else status.st_size
                made = max(made, status.st_ctime if path == tree else status.st_mtime)
        if is_folder(tree):
            with suppress(StoreError):
                size += self.manifest(digest).total_size
        return StoredObject(digest, int(size), made)


def _stands(tree: Path, entry: Entry, stamp: Mapping[str, Figures]) -> bool:
    """Whether a path is as it was when it was stamped, by type, size and time of change."""
    if entry.type != "file":
        return fits(tree / entry.path, entry)
    known = stamp.get(entry.path)
    status = os.lstat(os.path.join(tree, entry.path))
    same = known is not None and known.mtime_ns == status.st_mtime_ns
    return same and stat.S_ISREG(status.st_mode) and status.st_size == entry.size


def _take(source: Path, tree: Path, manifest: Manifest) -> Path:
    """Move an output into a folder of ours that becomes its tree; where the output itself lies then."""
    if manifest.kind == "file":
        tree.mkdir(mode=0o700)
        target = tree / source.name
    else:
        target = tree
        with suppress(PermissionError):  # a folder moves only where it can be written
            os.chmod(source, 0o700)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if manifest.kind == "file":
            copy_entry(source, target, manifest.entries[0])
        else:
            copy_tree(source, target, manifest)
    return target
