"""Which keys have a likeness: an index in one file of lines, by which a plan finds results before all inputs are known.

The results say the same themselves, so whatever is lost or damaged here is told again from them. What a key's
likeness is never changes: what was learned once stays true, whether or not there is a result still.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.errors import StoreError
from nbpipe.store.digests import digest_bytes
from nbpipe.store.files import append_line, own_folder, read_lines, storing, write_bytes

_SHORT = 32  # hex digits of a likeness
_MARK = 8  # hex digits that stand for what an input contains


class Likenesses:
    """The index; nothing is read before it is asked for.

    Args:
        path: its file; made with the first line.

    Example:
        >>> index, key = Likenesses(Path("alike.jsonl")), "9c02" * 16
        >>> index.tell(key, {"likeness": "ab" * 32, "inputs": {"raw": "1f"}, "finished": 1.7e9})
        >>> index.read_on()
        >>> index.keys("ab" * 32, {"raw": None}) == [key], index.keys("ab" * 32, {"raw": "2e"})
        (True, [])
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = (0, 0)  # inode, and offset of what was not read yet
        self._known: set[str] = set()
        self._alike: dict[str, dict[str, tuple[float, str]]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def tell(self, key: str, record: Mapping[str, Any]) -> None:
        """Add what the record of a result says to the file; one that says nothing of likeness is passed over.

        That it cannot be written is no trouble: what is not told here is found by looking at the results.
        """
        if line := _line(key, record):
            with suppress(StoreError), storing(self._path):
                own_folder(self._path.parent)
                append_line(self._path, line, anew=True)

    def learn(self, key: str, record: Mapping[str, Any]) -> None:
        """Know what the record of a result says, whether or not the file can tell it."""
        self._learn(_line(key, record))

    def read_on(self) -> None:
        """Learn what was told since the last time, by whatever process."""
        with suppress(OSError, StoreError):
            status = os.lstat(self._path)
            inode, offset = self._place
            if status.st_ino != inode or status.st_size < offset:  # written anew, or cut
                offset = 0
            lines, offset = read_lines(self._path, offset)
            self._place = status.st_ino, offset
            for line in lines:
                self._learn(line)

    def keys(self, likeness: str, inputs: Mapping[str, str | None]) -> list[str]:
        """Keys of a likeness, that of the result finished last first; those of other inputs are left out.

        Args:
            likeness: of a fingerprint, 64 hex digits.
            inputs: its inputs -> digest of what they contain, or None where that is not known yet.
        """
        marks = [
            (place * _MARK, _mark(content))
            for place, (_, content) in enumerate(sorted(inputs.items()))
            if content is not None
        ]
        fitting = [
            (finished, key)
            for key, (finished, had) in self._alike.get(likeness[:_SHORT], {}).items()
            if all(had.startswith(mark, start) for start, mark in marks)
        ]
        return [key for _, key in sorted(fitting, reverse=True)]

    def keep(self, keys: Collection[str]) -> None:
        """Take all but these keys out of the file, if there are others in it and it can be written."""
        with suppress(StoreError):
            lines, _ = read_lines(self._path)
            last = {(line[0], line[1]): line for line in lines if _is_line(line) and line[1] in keys}
            if len(last) < len(lines):
                write_bytes(self._path, b"".join(json.dumps(line).encode() + b"\n" for line in last.values()))

    def _learn(self, line: Any) -> None:
        if _is_line(line):
            likeness, key, finished, inputs = line
            self._known.add(key)
            self._alike.setdefault(likeness, {})[key] = finished, inputs


def _line(key: str, record: Mapping[str, Any]) -> list[Any] | None:
    """Likeness, key, when it was finished, and a mark for each input, in the order of their names."""
    likeness, inputs, finished = (record.get(name) for name in ("likeness", "inputs", "finished"))
    if not isinstance(likeness, str) or not likeness or not isinstance(inputs, Mapping):
        return None
    return [likeness[:_SHORT], key, finished, "".join(_mark(inputs[name]) for name in sorted(inputs))]


def _is_line(line: Any) -> bool:
    """Whether it is one that `_line` made."""
    if not isinstance(line, list) or [type(part) for part in line] not in _SHAPES:
        return False
    return bool(line[2] >= 0)  # false for what is no number


_SHAPES = ([str, str, float, str], [str, str, int, str])


def _mark(content: object) -> str:
    return digest_bytes(str(content).encode("utf-8", "surrogatepass"))[:_MARK]
