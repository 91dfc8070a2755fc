"""A plain placement of a graph by ranks and medians, where fast-sugiyama is missing or takes too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

Edge = tuple[str, str]
Place = tuple[int, float]
"""Rank, and coordinate within the rank, in rows."""

_SWEEPS = 4


def ranks_of(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Length of the longest way that leads to each node; ``ids`` are in topological order.

    Example:
        >>> ranks_of(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
        {'a': 0, 'b': 1, 'c': 2}
    """
    parents = _neighbours(ids, [(dest, source) for source, dest in edges])
    ranks: dict[str, int] = {}
    for each in ids:
        ranks[each] = max((ranks[parent] + 1 for parent in parents[each]), default=0)
    return ranks


def place_by_medians(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, Place]:
    """A place for every node: ranks centred on a line, each in the order of its neighbours' medians.

    Example:
        >>> place_by_medians(["a", "b", "c"], [("a", "b"), ("a", "c")])
        {'a': (0, 0.0), 'b': (1, -0.5), 'c': (1, 0.5)}
    """
    ranks = ranks_of(ids, edges)
    rows: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for each in ids:
        rows[ranks[each]].append(each)
    children = _neighbours(ids, edges)
    parents = _neighbours(ids, [(dest, source) for source, dest in edges])
    for _ in range(_SWEEPS):
        _sort_by(rows, parents)
        rows.reverse()
        _sort_by(rows, children)
        rows.reverse()
    placed = {each: place for row in rows for each, place in _centred(row).items()}
    return {each: (ranks[each], placed[each]) for each in ids}


def _neighbours(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {each: [] for each in ids}
    for here, there in edges:
        found[here].append(there)
    return found


def _sort_by(rows: list[list[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    placed = {each: place for row in rows for each, place in _centred(row).items()}
    for row in rows:
        own = _centred(row)
        wanted = {e: median([placed[n] for n in neighbours[e]]) if neighbours[e] else own[e] for e in row}
        row.sort(key=lambda each: (wanted[each], own[each]))
        placed.update(_centred(row))


def _centred(row: Sequence[str]) -> dict[str, float]:
    return {each: number - (len(row) - 1) / 2 for number, each in enumerate(row)}
