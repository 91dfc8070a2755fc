"""The state folder `.nbpipe` of a workspace: where everything lies, made on first write."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbpipe.errors import StoreError, UnknownName
from nbpipe.platform import open_private, private_folder
from nbpipe.store.files import (
    STATE_NAME,
    is_folder,
    listing,
    own_folder,
    read_bytes,
    remove_tree,
    storing,
    write_bytes,
)
from nbpipe.store.locks import Lock

FORMAT = 1
_MARK = "nbpipe "
_LAST = 10**17
"""No run has this number; what says so is damaged."""
_FOLDERS = ("objects", "results", "runs", "registry", "tmp", "locks")


class StateFolder:
    """Where the state of a workspace lies. Making one reads and writes nothing.

    Args:
        root: the workspace's folder.

    Attributes:
        path: the state folder.
        objects: immutable content by digest.
        results: what steps made, by the key of what went in.
        runs: one folder a run: its graph, events, logs and lock.
        registry: what is looked up by name: histories of steps, known digests.
        tmp: what is being made, and what was set aside as damaged; on the same disk as the objects.
        locks: lock files that belong to no run.

    Example:
        >>> state = StateFolder(Path())
        >>> state.exists(), state.new_run_id(), state.exists()
        (False, '1', True)
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.path = self.root / STATE_NAME
        self.objects, self.results, self.runs, self.registry, self.tmp, self.locks = (
            self.path / name for name in _FOLDERS
        )

    def __repr__(self) -> str:
        return f"StateFolder({str(self.root)!r})"

    def exists(self) -> bool:
        """Whether there is a state folder of ours, of whatever format."""
        return self._format() is not None

    def ensure(self) -> None:
        """Make the state folder, or what is missing of it.

        Raises:
            StoreError: it cannot be written, was made by a newer nbpipe, or belongs to another project; or the
                workspace is not there (any more).
        """
        if (
            not self.root.is_dir()
        ):  # its parents are nobody's to make: a run must not come back where it was moved from
            raise StoreError(
                f"There is no folder {self.root}.", remedy="Open the workspace where it lies now."
            )
        with storing(self.path):
            found = self._format()
            if not found:
                self._make()
                found = self._format()
            if found is None or found > FORMAT:
                raise self._refusal(found)
            for folder in (self.objects, self.results, self.runs, self.registry, self.tmp, self.locks):
                if not is_folder(folder):
                    if os.path.islink(folder):
                        raise self._linked(folder)
                    own_folder(folder)

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run, whether or not it exists.

        Raises:
            UnknownName: the id is not one that nbpipe gives, so it names no folder.
        """
        if not is_run_id(run_id):
            raise UnknownName(f"No run {run_id}. Runs have numbers.", remedy="See them:  nbpipe runs")
        return self.runs / run_id

    def run_ids(self) -> list[str]:
        """Ids of the runs that have a folder, the oldest first."""
        names = (found.name for found in listing(self.runs) if found.is_dir(follow_symlinks=False))
        return sorted(filter(is_run_id, names), key=int)

    def new_run_id(self) -> str:
        """Give out the next number, never one twice even after `nbpipe gc`, and make the run's folder.

        Raises:
            StoreError: the state folder cannot be written.
        """
        self.ensure()
        mark = self.runs / "last"
        with Lock(self.locks / "run-ids"), storing(self.runs):
            try:
                number = int(read_bytes(mark))
            except (OSError, ValueError):  # lost to a power cut
                number = 0
            if not 0 < number < _LAST:
                number = self._last_of_results()
            number = max([number, *map(int, self.run_ids()[-1:])]) + 1
            while os.path.lexists(self.runs / str(number)):  # a file with the name of a run
                number += 1
            (self.runs / str(number)).mkdir(mode=0o700)
            write_bytes(mark, f"{number}\n".encode())
        return str(number)

    def _last_of_results(self) -> int:
        """The newest run that made a result; results outlive their runs' folders."""
        made = (name.partition(".")[0] for _, _, names in os.walk(self.results) for name in names)
        return max((int(run) for run in made if is_run_id(run)), default=0)

    def scratch_folder(self) -> Path:
        """Make a fresh folder under `tmp`; whoever asked removes it, else the collector does, some day."""
        self.ensure()
        folder = self.tmp / secrets.token_hex(8)
        with storing(folder):
            folder.mkdir(mode=0o700)
        return folder

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh folder under `tmp` that is removed at the end, with what is left in it.

        Example:
            >>> with StateFolder(Path()).scratch() as folder:
            ...     (folder / "draft.csv").write_text("a,b")
            3
            >>> folder.exists()
            False
        """
        folder = self.scratch_folder()
        try:
            yield folder
        finally:
            remove_tree(folder)

    def _format(self) -> int | None:
        """The number in the marker: 0 for one that is not whole, None where there is none of ours."""
        try:
            text = read_bytes(self.path / "VERSION").decode()
        except (OSError, UnicodeDecodeError):
            return None
        if _MARK.startswith(text.strip("\0")):  # a crash or a power cut came before it was whole
            return 0
        project, _, number = text.strip().partition(" ")
        whole = number.isascii() and number.isdigit() and len(number) < len(str(_LAST))
        return int(number) if project == "nbpipe" and whole else None

    def _make(self) -> None:
        """Make the folder with its marker first, so that whoever sees anything in it sees whose it is."""
        private_folder(self.path)
        if any(self.path.iterdir()) and self._format() is None:
            raise self._refusal(None)
        text = f"{_MARK}{FORMAT}\n".encode()
        try:
            fd = open_private(self.path / "VERSION", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:  # one that is not whole
            write_bytes(self.path / "VERSION", text)
        else:
            with open(fd, "wb", buffering=0) as marker:  # not by a temporary file: that would be seen first
                marker.write(text)
        write_bytes(self.path / ".gitignore", b"*\n")

    @staticmethod
    def _linked(folder: Path) -> StoreError:
        return StoreError(
            f"{folder} is a link, which may lead anywhere; nothing is written through it.",
            remedy=f"Remove it:  rm {folder}\nTo keep state elsewhere, let {STATE_NAME} itself be the link.",
        )

    def _refusal(self, found: int | None) -> StoreError:
        if found is None:
            try:
                read_bytes(self.path / "VERSION")
            except FileNotFoundError:
                pass
            except StoreError as error:  # whose it is cannot be seen
                return error
            return StoreError(
                f"{self.path} belongs to another project: it has no VERSION of nbpipe.",
                remedy=f"Move it away:  mv {STATE_NAME} {STATE_NAME}-other\nor choose another folder.",
            )
        return StoreError(
            f"{self.path} was made by a newer nbpipe (format {found}; this one reads {FORMAT}).",
            remedy="Upgrade:  pip install --upgrade nbpipe-steps",
        )


def is_run_id(name: str) -> bool:
    """Whether a text is a number that a run gets."""
    return name.isascii() and name.isdigit() and not name.startswith("0") and len(name) <= len(str(_LAST))
