"""The folder of one job: laid out as its parcel says, and looked through when it has ended."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from nbpipe.compute.agent.objects import Objects, untouched
from nbpipe.compute.agent.refusal import Refusal, working_in

SPOOL = "spool/spool.jsonl"
"""Where a step's runtime records, in the job's folder."""

_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


class Place:
    """A job's folder.

    Args:
        root: the folder; its parent exists.
        objects: what the machine keeps.
        parcel: what it holds at the start, as the order has it: ``files`` (path -> digest, mode, link),
            ``folders``, ``links`` (path -> target), ``results``.
    """

    def __init__(self, root: str, objects: Objects, parcel: Mapping[str, Any]) -> None:
        self.root = root
        self._objects = objects
        self._files: Mapping[str, tuple[str, int, bool]] = parcel.get("files", {})
        self._folders: list[str] = parcel.get("folders", [])
        self._links: Mapping[str, str] = parcel.get("links", {})
        self._results: list[str] = parcel.get("results", [])
        self._sums: dict[str, tuple[int, Any]] = {}  # of files that are being fetched

    def lay_out(self) -> None:
        """Make everything.

        Raises:
            Refusal: an object is not here, a path leads outside, or there is no room.
        """
        self._see_through()
        missing = [digest for digest, _, _ in self._files.values() if not self._objects.has(digest)]
        if missing:
            raise Refusal("missing", f"{len(missing)} objects are not here.", place=missing[0][:12])
        with working_in(self.root):
            os.makedirs(self.root, 0o700)
            for path in self._folders:
                os.makedirs(self._inside(path), 0o700, exist_ok=True)
            for path, (digest, mode, link) in self._files.items():
                self._make(self._inside(path), digest, mode, link=link)
            for path, target in self._links.items():
                place = self._inside(path)
                os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
                os.symlink(target, place)

    def _make(self, place: str, digest: str, mode: int, *, link: bool) -> None:
        os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
        if link and not mode & 0o111:
            self._objects.lend(digest, place)
            return
        shutil.copyfile(self._objects.path(digest), place)
        os.chmod(place, mode & 0o777)
        if (
            link
        ):  # a copy of its own, since an object cannot be run; whether it was written to is seen all the same
            status = os.stat(self._objects.path(digest))
            os.utime(place, ns=(status.st_mtime_ns, status.st_mtime_ns))

    def _see_through(self) -> None:
        """See that nothing of the parcel lies behind a link or a file of it: the link may lead anywhere.

        Raises:
            Refusal: something does, or is no place in the folder.
        """
        ends = {*self._files, *self._links}
        for path in (*self._folders, *self._files, *self._links):
            self._inside(path)
            over = next((above for above in _above(path) if above in ends), None)
            if over is not None:
                raise Refusal(
                    "refused", f"{path[:200]!r} would lie behind {over[:200]!r}, which is no folder."
                )

    def _inside(self, path: str) -> str:
        """Where a relative path lies.

        Raises:
            Refusal: it leads outside, or has more than one spelling.
        """
        if "\0" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise Refusal("refused", f"{path[:200]!r} is no place in a job's folder.")
        return os.path.join(self.root, path)

    def _behind(self, path: str) -> str | None:
        """The first folder on the way to a path that is a link: the job put it there."""
        return next((above for above in _above(path) if os.path.islink(self._inside(above))), None)

    def listing(self) -> dict[str, Any]:
        """What lies at the results, what else the job wrote, and which linked files it changed.

        Raises:
            Refusal: a result lies behind a link, so that its content is not the job's to give away.
        """
        with working_in(self.root):
            for result in self._results:
                link = self._behind(result)
                if link is not None:
                    target = os.readlink(self._inside(link))
                    raise Refusal(
                        "refused",
                        f"{result} lies behind {link}, a link to {target}, so its content would not be kept.",
                        remedy="Copy what it leads to into the folder, or declare that as the output.",
                    )
            entries = [entry for result in self._results for entry in self._entries(result)]
            return {"entries": entries, "written": list(self._written("")), "changed": self._changed()}

    def _changed(self) -> list[str]:
        changed = []
        for path, (digest, _, link) in self._files.items():
            if link and not untouched(self._inside(path)):
                changed.append(path)
            if link:
                self._objects.has(digest)  # what was written to goes
        return changed

    def _entries(self, path: str) -> Iterator[dict[str, Any]]:
        """One path and everything below it, folders before what is in them."""
        place = self._inside(path)
        try:
            status = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return
        kind = _TYPES.get(stat.S_IFMT(status.st_mode), "pipe, socket or device")
        target = self._target(place) if kind == "link" else ""
        mode = stat.S_IMODE(status.st_mode)
        size = status.st_size if kind == "file" else 0
        yield {"path": path, "type": kind, "size": size, "mode": mode, "target": target}
        if kind == "folder":
            for name in sorted(os.listdir(place)):
                yield from self._entries(f"{path}/{name}")

    def _target(self, place: str) -> str:
        """Where a link leads: from its own folder where that is inside, whatever way it takes there."""
        said = os.readlink(place)
        real, folder = os.path.realpath(self.root), os.path.realpath(os.path.dirname(place))
        parent, name = os.path.split(os.path.join(folder, said).rstrip("/"))
        ends = os.path.realpath(parent)  # what it leads to may be a link itself, which is told by itself
        ends = os.path.join(ends, name) if name not in ("", ".", "..") else os.path.realpath(place)
        return os.path.relpath(ends, folder) if ends.startswith(real + os.sep) else said

    def _written(self, folder: str) -> Iterator[str]:
        """Files below a folder that are neither of the parcel, nor a result, nor the runtime's."""
        for entry in os.scandir(os.path.join(self.root, folder)):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path in self._results or path in self._files or path in self._links or path == SPOOL:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._written(path)
            else:
                yield path

    def read(self, path: str, offset: int, most: int) -> tuple[dict[str, Any], bytes]:
        """Some bytes of a result; with the last of them, SHA-256 of the whole.

        Raises:
            Refusal: it is no file of the results.
        """
        place = self._inside(path)
        mine = not {*_above(path), path}.isdisjoint(self._results)
        if not mine or self._behind(path) is not None or os.path.islink(place):
            raise Refusal("refused", f"{path[:200]!r} is no result.")
        with working_in(self.root), open(place, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            total = self._summed(path, file, offset)
            file.seek(offset)
            data = file.read(min(most, 1 << 22))
        total.update(data)
        if offset + len(data) < size:
            self._sums[path] = offset + len(data), total
            return {"size": size}, data
        return {"size": size, "sha256": total.hexdigest()}, data

    def _summed(self, path: str, file: Any, offset: int) -> Any:
        """SHA-256 of what lies before an offset."""
        known, total = self._sums.pop(path, (0, None))
        if total is None or known != offset:
            total = hashlib.sha256()
            left = offset
            while left and (data := file.read(min(left, 1 << 20))):
                total.update(data)
                left -= len(data)
        return total

    def adopt(self, kept: Mapping[str, str]) -> None:
        """Keep results as objects, under the digests they were published with."""
        for path, digest in kept.items():
            place = self._inside(path)
            if os.path.isfile(place) and not os.path.islink(place) and self._behind(path) is None:
                self._objects.adopt(place, digest)


def _above(path: str) -> list[str]:
    """The folders on the way to a path, the outermost first.

    Example:
        >>> _above("out/model/weights")
        ['out', 'out/model']
    """
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
