"""The quickstart's files as nbpipe ships them, copied so that nothing a user changed is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.store.files import read_json, storing, write_bytes, write_json
from nbpipe.store.layout import StateFolder

NOTEBOOK = "quickstart.ipynb"
_PATTERNS = (NOTEBOOK, "data/*")


def shipped_folder() -> Path:
    """Where the files are: beside this module when installed, in ``notebooks/`` of a checkout.

    Raises:
        StoreError: they are in neither.
    """
    here = Path(__file__).parent
    for folder in (here / "notebooks", here.parents[1] / "notebooks"):
        if (folder / NOTEBOOK).is_file():
            return folder
    raise StoreError(f"{NOTEBOOK} was not installed with nbpipe.", remedy="Install nbpipe-steps again.")


def copy_quickstart(folder: Path, *, overwrite: bool = False) -> list[str]:
    """Copy the notebook and its data; the folder becomes a workspace of its own.

    Args:
        folder: made where missing.
        overwrite: replace what was changed there too.

    Returns:
        Names of files that were changed there and are kept.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    state = StateFolder(folder)
    state.ensure()
    note = state.registry / "quickstart.json"
    copied = _copied(note)
    kept = []
    for name, data in _shipped():
        target = folder / name
        there = _digest(target.read_bytes()) if target.is_file() else None
        if there not in (None, _digest(data), copied.get(name)) and not overwrite:
            kept.append(name)
            continue
        copied[name] = _digest(data)
        if there != copied[name]:
            with storing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(target, data, mode=0o644)
    write_json(note, copied)
    return kept


def _shipped() -> Iterator[tuple[str, bytes]]:
    """Name and content of every file."""
    source = shipped_folder()
    for path in sorted(path for pattern in _PATTERNS for path in source.glob(pattern) if path.is_file()):
        yield path.relative_to(source).as_posix(), path.read_bytes()


def _copied(note: Path) -> dict[str, str]:
    """Name -> digest of what was copied before; empty where nothing is known."""
    try:
        known = read_json(note)
    except (OSError, StoreError):
        return {}
    return {str(name): str(digest) for name, digest in known.items()} if isinstance(known, Mapping) else {}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
