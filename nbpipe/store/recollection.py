"""What records of results said when they were read last: one file for thousands, believed only where it was made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from nbpipe.errors import StoreError
from nbpipe.store.digests import Figures, digest_bytes
from nbpipe.store.files import own_folder, read_bytes, write_bytes

_OFTEN = 16  # questions after which the file is worth reading
_WORTH = 32  # keys that are worth writing it for
_PART = 8  # of what it tells, as much has to be new
_MOST = 10_000  # keys


class Recorded(NamedTuple):
    """One record of a result.

    Attributes:
        run: its run.
        seen: the figures of its file, from before it was read.
        record: what it said.
    """

    run: str
    seen: Figures
    record: dict[str, Any]


class Recollection:
    """The records of keys as they were read last, believed while the figures of their folder and files are the same.

    It is a convenience: where it is gone, damaged, or was brought from another place, records are read one by one.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._questions = 0
        self._told: dict[str, Any] = {}
        self._new: dict[str, tuple[Figures, tuple[Recorded, ...]]] = {}

    def find(self, key: str, folder: str, seen: Figures) -> list[Recorded] | None:
        """The records of a key; None where it has to be looked for them.

        Args:
            key: the key.
            folder: where its records lie.
            seen: the folder's figures now, which tell whether one came or went.
        """
        self._questions += 1
        if self._questions == _OFTEN:
            self._told = self._read()
        with suppress(KeyError, TypeError, ValueError, OSError):
            was, records = self._told[key]
            found = [Recorded(run, Figures(*figures), record) for run, figures, record in records]
            same = Figures(*was) == seen and all(_stands(folder, each) for each in found)
            return found if same else None
        return None

    def learn(self, key: str, seen: Figures, records: Iterable[Recorded], now: int) -> None:
        """Take in what was read of a key, unless it was written so lately that figures tell nothing.

        Args:
            key: the key.
            seen: figures of its folder, from before it was looked into.
            records: what was read.
            now: nanoseconds since the epoch, from before anything was looked at.
        """
        read = tuple(records)
        if not any(each.seen.young(now) for each in read):
            self._new[key] = seen, read

    def keep(self) -> None:
        """Write down what is new, where it is worth it."""
        if len(self._new) < _WORTH or len(self._new) * _PART < len(self._told):
            return
        told = {**self._told, **self._new} if len(self._told) + len(self._new) <= _MOST else {**self._new}
        self._told, self._new = told, {}
        with suppress(OSError, StoreError):  # a workspace that cannot be written
            own_folder(self._path.parent)
            body = json.dumps(told, separators=(",", ":")).encode()
            write_bytes(self._path, self._check(body) + b"\n" + body)

    def _read(self) -> dict[str, Any]:
        with suppress(OSError, StoreError, ValueError, RecursionError):
            check, _, body = read_bytes(self._path).partition(b"\n")
            if check == self._check(body):
                told = json.loads(body)
                return told if isinstance(told, dict) else {}
        return {}

    def _check(self, body: bytes) -> bytes:
        """What only a file made at this place has: nobody knows the number of a folder in advance."""
        place = os.stat(self._path.parent)
        return digest_bytes(f"{place.st_dev}:{place.st_ino}:".encode() + body).encode()


def _stands(folder: str, each: Recorded) -> bool:
    return Figures.of(os.lstat(os.path.join(folder, f"{each.run}.json"))) == each.seen
