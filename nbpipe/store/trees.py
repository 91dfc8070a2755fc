"""Trees of files on disk beside their manifest: made read-only, compared with it, copied to be written on."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from nbpipe.platform import copy_file
from nbpipe.store.digests import Figures, digest_file
from nbpipe.store.files import part
from nbpipe.store.manifest import Entry, Manifest


def fits(place: Path, entry: Entry) -> bool:
    """Whether a path is of the type, size and target that an entry says; its content is not read."""
    try:
        status = os.lstat(place)
        if entry.type == "link":
            return stat.S_ISLNK(status.st_mode) and os.readlink(place).replace(os.sep, "/") == entry.target
    except OSError:
        return False
    if entry.type == "folder":
        return stat.S_ISDIR(status.st_mode)
    return stat.S_ISREG(status.st_mode) and status.st_size == entry.size


def paths(tree: Path) -> Iterator[str]:
    """Paths of everything below a folder, parts joined by `/`, in no order."""
    waiting = [("", str(tree))]
    while waiting:
        inner, folder = waiting.pop()
        with os.scandir(folder) as found:
            for item in found:
                yield inner + item.name
                if item.is_dir(follow_symlinks=False):
                    waiting.append((inner + item.name + "/", item.path))


def measure(tree: Path, manifest: Manifest) -> dict[str, Figures]:
    """The figures of a tree's files, by path."""
    files = (entry.path for entry in manifest.entries if entry.type == "file")
    return {path: Figures.of(os.lstat(tree / path)) for path in files}


def differences(tree: Path, manifest: Manifest, stamp: Mapping[str, Figures]) -> tuple[list[str], bool]:
    """Paths that are not as the manifest says, and whether files not as stamped had to be read for it."""
    entries = {entry.path for entry in manifest.entries}
    wrong = [path for path in paths(tree) if path not in entries]
    read = False
    for entry in manifest.entries:
        place = tree / entry.path
        if not fits(place, entry):
            wrong.append(entry.path)
        elif entry.type == "file" and Figures.of(os.lstat(place)) != stamp.get(entry.path):
            read = True
            if digest_file(place) != entry.digest:
                wrong.append(entry.path)
    return sorted(wrong), read


def settle(tree: Path, manifest: Manifest) -> None:
    """Make a tree what its manifest says: files read-only and with no other names, links relative."""
    for entry in manifest.entries:
        place = tree / entry.path
        if entry.type == "link":
            if os.readlink(place) != entry.target:
                os.unlink(place)
                os.symlink(entry.target, place)
            continue
        if entry.type == "file" and os.lstat(place).st_nlink > 1:
            part(place)
        with suppress(
            PermissionError
        ):  # another user's, as out of a container; it stays guarded by its figures
            os.chmod(place, 0o700 if entry.type == "folder" else entry.mode & 0o555)


def copy_tree(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy a tree to a folder that is new or empty, its files writable."""
    target.mkdir(0o700, exist_ok=True)
    if any(target.iterdir()):
        raise FileExistsError(errno.EEXIST, "something is there already", str(target))
    for entry in manifest.entries:  # a folder sorts before what is in it
        place = target / entry.path
        if entry.type == "folder":
            place.mkdir(0o700)
        elif entry.type == "link":
            os.symlink(entry.target, place)
        else:
            copy_entry(source / entry.path, place, entry)


def copy_entry(source: Path, target: Path, entry: Entry) -> None:
    """Copy one file, writable, executable where the entry says so."""
    copy_file(source, target)
    os.chmod(target, entry.mode)


def assemble(manifest: Manifest, content: Path, tree: Path) -> Path:
    """Lay out a tree as its manifest says; what of it is to be published: the tree, or its only file.

    Args:
        manifest: of the tree.
        content: a folder with each file by its digest, which is taken from there.
        tree: the folder to make.
    """
    tree.mkdir(mode=0o700)
    uses = Counter(entry.digest for entry in manifest.entries)
    for entry in manifest.entries:  # a folder sorts before what is in it
        place = tree / entry.path
        if entry.type == "folder":
            place.mkdir(mode=0o700)
        elif entry.type == "link":
            os.symlink(entry.target, place)
        else:
            uses[entry.digest] -= 1
            _place(content / entry.digest, place, entry, last=not uses[entry.digest])
    return tree / manifest.entries[0].path if manifest.kind == "file" else tree


def _place(source: Path, place: Path, entry: Entry, *, last: bool) -> None:
    if last:
        os.rename(source, place)
    else:
        copy_file(source, place)
    os.chmod(place, entry.mode)
