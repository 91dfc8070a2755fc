"""Steps that go on where they run when their runner ends: written down before they start, taken up by the next run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from nbpipe.errors import StoreError
from nbpipe.execution.frozen import FrozenTarget
from nbpipe.execution.kept_here import KeptHere
from nbpipe.store.layout import StateFolder

KEPT = "away"
"""Folder of ``registry/`` with one entry a key."""


class Started(NamedTuple):
    """An attempt that was started.

    Attributes:
        attempt_id: its id.
        cwd: the folder it was started in.
        seen: what the data outside looked like that it reads where they lie; see ``Workplace.seen``.
    """

    attempt_id: str
    cwd: Path
    seen: str


class Away:
    """Which attempt at a step was started on its target, by the key of its fingerprint.

    Only the runner that holds the key's lock reads and writes it.

    Args:
        state: where it is kept.
        key: of the step's fingerprint.
        name: of the target.
        target: how it is reached: another host under the same name knows nothing of the attempt.
    """

    def __init__(self, state: StateFolder, key: str, name: str, target: FrozenTarget) -> None:
        self._kept = KeptHere(state, KEPT)
        self._key = key
        self._where = {"target": name, "type": target.type, "settings": dict(target.settings)}

    def started(self, attempt_id: str, cwd: Path, seen: str) -> None:
        """Note an attempt that is about to be started; see ``Started``.

        Raises:
            StoreError: the workspace cannot be written.
        """
        told = {"attempt": attempt_id, "cwd": str(cwd), "seen": seen}
        self._kept.keep(self._key, {**self._where, **told})

    def find(self) -> Started | None:
        """The attempt that may still be there."""
        told: dict[str, Any] = self._kept.recall(self._key) or {}
        texts = [told.pop(name, None) for name in ("attempt", "cwd", "seen")]
        if told != self._where or not all(isinstance(text, str) for text in texts):
            return None
        attempt, cwd, seen = map(str, texts)
        return Started(attempt, Path(cwd), seen)

    def settled(self) -> None:
        """Forget the attempt: it has ended."""
        with suppress(StoreError):
            self._kept.forget(self._key)
