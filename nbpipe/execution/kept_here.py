"""What a workspace keeps by name and believes only where it was made: no copied folder may name a program or a host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import digest_of
from nbpipe.errors import StoreError
from nbpipe.store.files import listing, own_folder, read_json, remove_tree, storing, write_json
from nbpipe.store.layout import StateFolder


class KeptHere:
    """JSON objects by key, one file each in a folder of ``registry/``.

    Args:
        state: the workspace's state folder.
        kind: name of the folder.

    Example:
        >>> kept = KeptHere(StateFolder(Path()), "interpreters")
        >>> kept.remember("/usr/bin/python3", {"version": "3.11"})
        >>> kept.recall("/usr/bin/python3")
        {'version': '3.11'}
    """

    def __init__(self, state: StateFolder, kind: str) -> None:
        self._state = state
        self._folder = state.registry / kind

    def recall(self, key: str) -> dict[str, Any] | None:
        """What is kept under a key, or None."""
        return self._read(self._file(key), key)

    def all(self) -> dict[str, dict[str, Any]]:
        """Everything that is kept, by key."""
        found = {}
        for item in listing(self._folder):
            with suppress(OSError, StoreError, KeyError, TypeError):
                key = read_json(Path(item.path))["key"]
                known = self._read(Path(item.path), key) if self._file(key).name == item.name else None
                if known is not None:
                    found[key] = known
        return dict(sorted(found.items()))

    def keep(self, key: str, data: Mapping[str, Any]) -> None:
        """Keep a JSON object under a key.

        Raises:
            StoreError: the workspace cannot be written.
        """
        self._state.ensure()
        with storing(self._folder):
            own_folder(self._folder)
            write_json(self._file(key), {"check": self._check(key, data), "key": key, "known": data})

    def remember(self, key: str, data: Mapping[str, Any]) -> None:
        """Keep what can be found out again: every trouble with it is passed over."""
        with suppress(OSError, StoreError):
            self.keep(key, data)

    def forget(self, key: str) -> None:
        """Keep nothing under a key any more."""
        with storing(self._folder):
            remove_tree(self._file(key))

    def _read(self, file: Path, key: str) -> dict[str, Any] | None:
        with suppress(OSError, StoreError, KeyError, TypeError):
            told = read_json(file)
            known = told["known"]
            return known if isinstance(known, dict) and told["check"] == self._check(key, known) else None
        return None

    def _check(self, key: str, data: Mapping[str, Any]) -> str:
        """What only an entry made at this place has: nobody knows the number of a folder in advance."""
        place = os.stat(self._folder)
        return digest_of([key, dict(data), place.st_dev, place.st_ino])

    def _file(self, key: str) -> Path:
        return self._folder / f"{digest_of(key)[:16]}.json"
