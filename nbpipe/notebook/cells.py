"""Files written from cells: whole, in UTF-8, and never over what another hand has changed."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from nbpipe.core.explanation import unified_diff
from nbpipe.errors import StoreError, UsageError
from nbpipe.store.files import own_folder, read_json, storing, write_bytes, write_json
from nbpipe.store.layout import StateFolder
from nbpipe.views.wording import when

LONGEST_DIFF = 40
"""Lines of a diff that an error shows."""


class CellFiles:
    """The files that cells were written to, and what was written last.

    Args:
        state: the workspace's state folder; what was written is noted in its ``registry/cells``.

    Example:
        >>> from nbpipe.store.layout import StateFolder
        >>> files = CellFiles(StateFolder(Path(".")))
        >>> files.write(Path("steps/prep/prep.py"), "print(1)", load="%pipeline_load prep")
        True
        >>> files.write(Path("steps/prep/prep.py"), "print(1)", load="%pipeline_load prep")
        False
    """

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def write(self, path: Path, text: str, *, load: str, overwrite: bool = False) -> bool:
        """Write a cell's text to its file, unless it is there already.

        Args:
            path: the file; folders are made.
            text: the cell's body; it gets LF line ends and a last one.
            load: the command that takes the file's text into the notebook, for the error.
            overwrite: replace the file even if another hand changed it.

        Returns:
            True when the file was written.

        Raises:
            UsageError: the file differs from what was written last, or was never written from a cell.
            StoreError: the file cannot be written.
        """
        data = encoded(text)
        there = _read(path)
        if there == data:
            self._note(path, data)
            return False
        if there is not None and not overwrite and self._written(path) != _digest(there):
            raise self._changed(path, there, data, load)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data, mode=0o644)
        self._note(path, data)
        return True

    def holds(self, path: Path, text: str) -> bool:
        """Whether a file is as ``write`` would write it."""
        return _read(path) == encoded(text)

    def shown(self, path: Path) -> str:
        """The file as messages name it: relative to the workspace where it is inside."""
        with suppress(ValueError):
            return path.absolute().relative_to(self._state.root.absolute()).as_posix()
        return str(path)

    def _record(self, path: Path) -> Path:
        name = hashlib.sha256(self.shown(path).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self._state.registry / "cells" / f"{name}.json"

    def _written(self, path: Path) -> str:
        """Digest of what was written last; empty where nothing is known."""
        try:
            return str(read_json(self._record(path))["digest"])
        except (FileNotFoundError, StoreError, KeyError, TypeError):
            return ""

    def _note(self, path: Path, data: bytes) -> None:
        if self._written(path) == _digest(data):
            return
        self._state.ensure()
        record = self._record(path)
        with storing(record):
            own_folder(record.parent)
        write_json(record, {"path": self.shown(path), "digest": _digest(data)})

    def _changed(self, path: Path, there: bytes, data: bytes, load: str) -> UsageError:
        name = path.name
        diff = unified_diff(there.decode("utf-8", "replace"), data.decode(), name)
        lines = diff.replace(f"{name} (before)", f"{name} (the file)").replace(
            f"{name} (now)", f"{name} (the cell)"
        )
        rows = lines.splitlines()
        count = sum(row[0] in "+-" and not row.startswith(("+++", "---")) for row in rows if row)
        if len(rows) > LONGEST_DIFF:
            rows = [*rows[:LONGEST_DIFF], f"... and {len(rows) - LONGEST_DIFF} more lines"]
        by = "changed outside this notebook" if self._written(path) else "not written from this notebook"
        return UsageError(
            f"{self.shown(path)} was {by} ({when(path.stat().st_mtime, time.time())}, "
            f"{count} line{'' if count == 1 else 's'}). Nothing was overwritten.",
            place="\n".join(rows),
            remedy=f"Keep the file:  {load}\nKeep the cell:  add --overwrite",
        )


def encoded(text: str) -> bytes:
    """A cell's text as its file holds it: UTF-8, LF, with a last line end.

    Raises:
        UsageError: a character that UTF-8 cannot hold (half of a surrogate pair).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    try:
        return f"{lines}\n".encode()
    except UnicodeEncodeError as error:
        bad = f"U+{ord(text[error.start]):04X}"
        raise UsageError(f"The cell has the character {bad}, which no file can hold.") from None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        remedy = "Take it away, or give the step another name:  --name NAME"
        raise StoreError(f"Cannot read {path}: {error.strerror}.", remedy=remedy) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
