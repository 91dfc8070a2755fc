"""A saved graph: a pipeline as JSON, its paths relative to the file, so that it can be committed and moved."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbpipe.core.graph import Graph
from nbpipe.errors import NotebookError, StoreError
from nbpipe.store.files import storing
from nbpipe.store.remote_folder import is_url


def save_graph(graph: Graph, root: Path, path: Path) -> None:
    """Write a graph.

    Args:
        graph: its paths are relative to ``root``, or absolute.
        root: the workspace's folder.
        path: the file; replaced where it exists.

    Raises:
        StoreError: it cannot be written.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreError(f"There is no folder {path.parent} to write {path.name} to.")
    data = graph.to_json()
    for node in data["nodes"]:
        code = _whole(root, node["source"]["folder"])
        extra = node["source"].get("extra", ())
        node["source"] |= (
            {"extra": [_seen_from(code, root, _whole(code, each)) for each in extra]} if extra else {}
        )
    _move(data, lambda place: _seen_from(folder, root, _whole(root, place)))
    with storing(path):
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_graph(path: Path) -> Graph:
    """A saved graph, with absolute paths.

    Raises:
        NotebookError: the file cannot be read or is no JSON.
        UsageError: it is no graph, or one of a newer format.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise NotebookError(
            f"{path} is no saved graph: it is not JSON.",
            place=str(error),
            remedy="Write one with:  nbpipe graph NOTEBOOK --save graph.json",
        ) from None
    folder = path.absolute().parent
    graph = Graph.from_json(data).to_json()  # checked and copied
    _move(graph, lambda place: _whole(folder, place))
    return Graph.from_json(graph)


def _move(data: dict[str, Any], move: Callable[[str], str]) -> None:
    """Replace every path of a graph's JSON that is not relative to another of its paths."""
    for source in data["data_sources"]:
        source["paths"] = [move(place) for place in source["paths"]]
    for node in data["nodes"]:
        kept = {name: move(node["source"][name]) for name in ("folder", "script") if name in node["source"]}
        node["source"] = {**node["source"], **kept}


def _whole(folder: str | os.PathLike[str], place: str) -> str:
    if is_url(place):
        return place
    return os.path.abspath(os.path.join(folder, place))  # noqa: PTH100, PTH118 - a link's own name is meant


def _seen_from(folder: str | os.PathLike[str], root: Path, full: str) -> str:
    """A path relative to a folder where it lies in the workspace, so that both move together."""
    return Path(os.path.relpath(full, folder)).as_posix() if Path(full).is_relative_to(root) else full
