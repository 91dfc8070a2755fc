"""What was seen of interpreters, kept in the workspace so that none is asked twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import digest_of
from nbpipe.errors import StoreError
from nbpipe.store.files import own_folder, read_json, write_json
from nbpipe.store.layout import StateFolder


class KnownInterpreters:
    """One file an interpreter in ``registry/interpreters/``; a convenience, so every trouble with it is passed over.

    Args:
        state: the workspace's state folder.
    """

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def recall(self, key: str) -> dict[str, Any] | None:
        """What is kept under a key, or None."""
        with suppress(OSError, StoreError, KeyError, TypeError):
            told = read_json(self._file(key))
            known = told["known"]
            return known if isinstance(known, dict) and told["check"] == self._check(known) else None
        return None

    def remember(self, key: str, data: Mapping[str, Any]) -> None:
        """Keep a JSON object; a workspace that cannot be written asks the interpreter each time."""
        with suppress(OSError, StoreError):
            self._state.ensure()
            own_folder(self._file(key).parent)
            write_json(self._file(key), {"check": self._check(data), "known": data})

    def _check(self, data: Mapping[str, Any]) -> str:
        """What only an entry made at this place has: an interpreter is started, so no copied file may name one."""
        place = os.stat(self._state.registry / "interpreters")
        return digest_of([dict(data), place.st_dev, place.st_ino])

    def _file(self, key: str) -> Path:
        return self._state.registry / "interpreters" / f"{digest_of(key)[:16]}.json"
