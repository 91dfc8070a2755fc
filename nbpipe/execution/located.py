"""Where a path that somebody declared lies, as a workspace names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from nbpipe.core.graph import Graph
from nbpipe.store.remote_folder import is_url

_REMEMBERED = 16  # pipelines


@lru_cache(maxsize=2**14)  # a plan asks for the same paths again and again
def located(root: str, base: str, path: str) -> str:
    """A path, relative to an absolute base, as seen from the root where it lies in it, else as it is; a URL stays.

    Example:
        >>> located("/lab", "/lab/notebooks", "../raw.csv"), located("/lab", "/lab", "s3://lab/raw.csv")
        ('raw.csv', 's3://lab/raw.csv')
    """
    if is_url(path):
        return path
    full = os.path.abspath(os.path.join(base, path))
    below = os.path.join(root, "")
    if full == root:
        return "."
    return full[len(below) :].replace(os.sep, "/") if full.startswith(below) else full


@lru_cache(maxsize=16)
def _mover(root: str, base: str) -> Callable[[str], str]:
    """Gives paths, relative to a base, as seen from the root; the same object for the same two."""
    return partial(located, root, base)


class Locator:
    """Names the paths of graphs as a workspace names them.

    Of the graph before, the nodes that are in the next one too stay the same objects there.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._last: dict[str, Graph] = {}

    def locate(self, graph: Graph, base: Path) -> Graph:
        """The graph with paths, relative to ``base``, made relative to the workspace where they lie in it."""
        before = self._last.get(graph.name)
        found = graph.relocated(_mover(self._root, os.path.abspath(base)), before)
        if before is None and len(self._last) >= _REMEMBERED:
            self._last.clear()
        self._last[graph.name] = found
        return found
