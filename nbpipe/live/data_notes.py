"""What is known of data that are there: rows of tables, and sizes; found out once for each content, in a thread."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.execution.source_data import count_rows
from nbpipe.live.loop import Lane
from nbpipe.live.previews.parquet import is_safe
from nbpipe.store.objects import ObjectStore
from nbpipe.views.present import data_note

LARGEST_COUNTED = 64 * 2**20
"""Bytes of a table up to which its rows are counted."""


class DataNotes:
    """Notes on outputs, by the digest of their content.

    Args:
        objects: where they lie.
        heard: called, in a thread of its own, when a note has been found out.
    """

    def __init__(self, objects: ObjectStore, heard: Callable[[], None]) -> None:
        self._objects = objects
        self._heard = heard
        self._known: dict[str, str | None] = {}
        self._lane = Lane("rows")

    def note(self, digest: str) -> str:
        """``333 rows · 17 KB``; empty where nothing is known, or not yet."""
        if digest not in self._known:
            self._known[digest] = None
            self._lane.put(lambda: self._find_out(digest))
        return self._known[digest] or ""

    def _find_out(self, digest: str) -> None:
        known: dict[str, int] = {}
        with suppress(StoreError, OSError, ValueError):
            manifest = self._objects.manifest(digest)
            known["bytes"] = manifest.total_size
            if manifest.kind == "file":
                rows = table_rows(self._objects.path(digest))
                if rows is not None:
                    known = {"rows": rows, **known}
        self._known[digest] = data_note(known)
        self._heard()

    def stop(self) -> None:
        """Find out nothing more."""
        self._lane.stop()


def table_rows(path: Path) -> int | None:
    """Rows of a table, or None where they are not known for sure or nobody can count them cheaply."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet_rows(path)
    return count_rows(path, LARGEST_COUNTED)


def _parquet_rows(path: Path) -> int | None:
    """Rows as the file's own footer tells them, where somebody who can read it is installed."""
    if importlib.util.find_spec("pyarrow") is None:
        return None
    try:
        if not is_safe(importlib.import_module("pyarrow")):
            return None
        parquet = importlib.import_module("pyarrow.parquet")
        return int(parquet.ParquetFile(path).metadata.num_rows)
    except Exception:  # noqa: BLE001 - a file that is none, or a library that is broken: nothing is known
        return None
