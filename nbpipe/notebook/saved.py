"""What a notebook declared last, kept in the state folder so that a restarted kernel knows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.shape import is_shaped
from nbpipe.errors import NbpipeError, StoreError
from nbpipe.notebook.declaration import Declaration
from nbpipe.store.files import own_folder, read_json, set_aside, storing, write_bytes
from nbpipe.store.layout import StateFolder

FORMAT = 2
_SHAPE = {"values": "Mapping[str, Mapping[str, Any]]"}


@dataclass(frozen=True)
class Saved:
    """What was saved.

    Attributes:
        declarations: every step's cell.
        values: pipeline name -> parameter -> the value that it had last.
    """

    declarations: tuple[Declaration, ...] = ()
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class SavedDeclarations:
    """The declarations of one notebook, in ``registry/notebooks``.

    Args:
        state: the workspace's state folder.
        notebook: the notebook's file, or its folder where the file is not known.
    """

    def __init__(self, state: StateFolder, notebook: Path) -> None:
        self._state = state
        inside = notebook
        with suppress(ValueError):
            inside = notebook.absolute().relative_to(state.root.absolute())
        name = hashlib.sha256(inside.as_posix().encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._path = state.registry / "notebooks" / f"{name}.json"

    def save(self, declarations: Sequence[Declaration], values: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace what was saved; of a thousand steps only those that are new are put into words.

        Raises:
            StoreError: the state folder cannot be written.
        """
        self._state.ensure()
        with storing(self._path):
            own_folder(self._path.parent)
        told = ",".join(declaration.as_json for declaration in declarations)
        entry = f'{{"format":{FORMAT},"declarations":[{told}],"values":{json.dumps(values)}}}'
        write_bytes(self._path, entry.encode())

    def load(self) -> Saved:
        """What was saved; nothing where there is nothing, or only what this nbpipe cannot read.

        A damaged file is set aside.
        """
        try:
            data = read_json(self._path)
            if data["format"] != FORMAT:
                return Saved()
            if is_shaped(data, _SHAPE):
                return Saved(tuple(map(Declaration.from_json, data["declarations"])), data["values"])
        except FileNotFoundError:
            return Saved()
        except (StoreError, NbpipeError, KeyError, TypeError, AttributeError):
            pass
        with suppress(StoreError):  # a workspace that may only be read
            set_aside(self._path)
        return Saved()
