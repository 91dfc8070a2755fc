"""Values that no step makes, saved to files beside the notebook; a file that holds something else is left alone."""

from __future__ import annotations

import filecmp
import os
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.notebook.formats.format import Format
from nbpipe.notebook.formats.round_trip import CannotKeep, save

SAVED = "data"
"""Folder beside the notebook for values that no step makes."""


def free_file(name: str, kept: Format, value: Any, folder: Path) -> str:
    """The file that a value is saved to: the first of its name that is not there, or holds just this value.

    Args:
        name: the file's name without its ending.
        kept: the value's format.
        value: the value.
        folder: the notebook's folder.

    Returns:
        The file, as seen from the folder.

    Raises:
        CannotKeep: the value cannot be written so.
    """
    with tempfile.TemporaryDirectory() as aside:
        made = Path(aside, f"value{kept.ending}")

        def may_hold(file: str) -> bool:
            path = folder / file
            if not os.path.lexists(path):
                return True
            if not made.exists():
                save(kept, value, made)
            return path.is_file() and filecmp.cmp(made, path, shallow=False)

        names = (name if number == 1 else f"{name}_{number}" for number in count(1))
        return next(file for each in names if may_hold(file := f"{SAVED}/{each}{kept.ending}"))


def save_value(kept: Format, value: Any, path: Path) -> None:
    """Write a value to a file that is not there yet, whole or not at all.

    Raises:
        NbpipeError: it cannot be written.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".nbpipe-", dir=path.parent) as beside:
            made = Path(beside, path.name)
            save(kept, value, made)
            made.replace(path)
    except (OSError, CannotKeep) as error:
        raise NbpipeError(f"{path} cannot be written: {error}.") from None
