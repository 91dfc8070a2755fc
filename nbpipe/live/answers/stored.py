"""What is known of data in the store: rows and bytes, counted once."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.execution.source_data import FoundData
from nbpipe.live.data_notes import table_rows
from nbpipe.store.objects import ObjectStore


def stored_facts(objects: ObjectStore, digest: str) -> dict[str, int]:
    """``rows`` and ``bytes`` of what lies under a digest, as far as they are known; nothing where it is gone.

    Example:
        ``{"rows": 333, "bytes": 17021}``
    """
    facts: dict[str, int] = {}
    with suppress(StoreError, OSError):
        manifest = objects.manifest(digest)
        facts["bytes"] = manifest.total_size
        if manifest.kind == "file":
            rows = _rows(digest, objects.path(digest))
            if rows is not None:
                facts["rows"] = rows
    return facts


@lru_cache(1024)
def _rows(digest: str, path: Path) -> int | None:
    """Rows of a table; the digest, or what stands for one, says which content it has."""
    del digest
    with suppress(OSError):
        return table_rows(path)
    return None


def found_facts(found: FoundData) -> dict[str, int]:
    """``rows`` and ``bytes`` of data that no step makes, as they lie there now."""
    facts: dict[str, int] = {}
    with suppress(OSError):
        facts["bytes"] = sum(path.stat().st_size for path in found.files.values())
        if found.is_file:
            path = next(iter(found.files.values()))
            status = path.stat()
            rows = _rows(f"{status.st_mtime_ns} {status.st_size}", path)
            if rows is not None:
                facts["rows"] = rows
    return facts
