"""What a notebook declared last, kept in the state folder so that a restarted kernel knows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbpipe.core.graph import Graph
from nbpipe.errors import NbpipeError, StoreError
from nbpipe.notebook.declaration import Declaration
from nbpipe.store.files import own_folder, read_json, set_aside, storing, write_bytes
from nbpipe.store.layout import StateFolder

FORMAT = 1


@dataclass(frozen=True)
class Saved:
    """What was saved.

    Attributes:
        declarations: every step's cell.
        graphs: pipeline name -> its last graph that had no problem.
    """

    declarations: tuple[Declaration, ...] = ()
    graphs: tuple[Graph, ...] = ()


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

    def save(self, declarations: Sequence[Declaration], graphs: Sequence[Graph]) -> None:
        """Replace what was saved.

        Raises:
            StoreError: the state folder cannot be written.
        """
        self._state.ensure()
        with storing(self._path):
            own_folder(self._path.parent)
        entry: dict[str, Any] = {
            "format": FORMAT,
            "declarations": [declaration.to_json() for declaration in declarations],
            "graphs": [graph.to_json() for graph in graphs],
        }
        # In one line: laid out for people, a thousand steps would take three times as long at every cell.
        write_bytes(self._path, json.dumps(entry).encode())

    def load(self) -> Saved:
        """What was saved; nothing where there is nothing, or only what this nbpipe cannot read.

        A damaged file is set aside.
        """
        try:
            data = read_json(self._path)
            if data["format"] != FORMAT:
                return Saved()
            declarations = tuple(Declaration.from_json(each) for each in data["declarations"])
            return Saved(declarations, tuple(Graph.from_json(each) for each in data["graphs"]))
        except FileNotFoundError:
            return Saved()
        except (StoreError, NbpipeError, KeyError, TypeError, AttributeError):
            with suppress(StoreError):  # a workspace that may only be read
                set_aside(self._path)
            return Saved()
