"""Groups: steps that one card stands for, in a large graph or where settled parts are collapsed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from nbpipe.live.cards import edge_id
from nbpipe.live.scene import Scene
from nbpipe.views.median import ranks_of
from nbpipe.views.picture import EdgeState
from nbpipe.views.protocol import EdgeCard, NodeCard
from nbpipe.views.status import counted
from nbpipe.views.wording import listed

Collapse = Literal["", "settled", "none"]

MOST_CARDS = 1500
"""Steps above which a graph is grouped whether anybody asks for it or not."""
_FEWEST_GROUPED = 3
_MOST_MEMBERS = 100
_MOST_DATA = 60
_GOOD = frozenset({"done", "reused", "will reuse"})

Groups = Mapping[str, Sequence[str]]
"""Id of a group -> ids of its members, in the order of the scene."""


def grouped(scene: Scene, collapse: Collapse = "", opened: Collection[str] = ()) -> Scene:
    """A scene in which groups stand for their members.

    Groups never close a circle: those of a large graph hold steps of one rank, or of neighbouring ranks whole;
    those of settled parts hold steps all of whose ancestors are settled too.

    Args:
        scene: all cards.
        collapse: ``settled`` puts every connected part of steps that are done, reused or will be into one group;
            ``none`` groups nothing, however large the graph, for who looks for single steps.
        opened: ids of groups whose members are shown all the same.
    """
    if collapse == "none":
        return scene
    groups: Groups = {}
    if collapse == "settled":
        groups = _settled(scene)
    if _left(scene, groups) > MOST_CARDS:
        groups = _by_rank(scene)
    closed = {name: members for name, members in groups.items() if name not in opened}
    return _contracted(scene, closed) if closed else scene


def _left(scene: Scene, groups: Groups) -> int:
    return len(scene.nodes) - sum(len(members) - 1 for members in groups.values())


def _settled(scene: Scene) -> Groups:
    """Connected parts of steps that are well, as are all their ancestors."""
    well: set[str] = set()
    for node in scene.nodes.values():
        if node.status in _GOOD and all(parent in well for parent in node.parents if parent in scene.nodes):
            well.add(node.id)
    first: dict[str, str] = {}
    joined: dict[str, list[str]] = defaultdict(list)
    for each in (node for node in scene.nodes.values() if node.id in well):
        roots = dict.fromkeys(first[parent] for parent in each.parents if parent in well)
        root = next(iter(roots), each.id)
        first[each.id] = root
        joined[root].append(each.id)
        for other in list(roots)[1:]:
            for member in joined.pop(other):
                first[member] = root
                joined[root].append(member)
    place = {each: number for number, each in enumerate(scene.nodes)}
    parts = (sorted(members, key=place.__getitem__) for members in joined.values())
    return {f"group:settled:{part[0]}": part for part in parts if len(part) >= _FEWEST_GROUPED}


def _by_rank(scene: Scene) -> Groups:
    """Steps of one rank and one stem, in groups of bounded size; where that leaves too many, bands of ranks."""
    pairs = [(each.source, each.dest) for each in scene.edges.values() if each.source in scene.nodes]
    ranks = ranks_of(list(scene.nodes), pairs)
    alike: dict[tuple[int, str], list[str]] = defaultdict(list)
    for each in scene.nodes:
        alike[ranks[each], stem(scene.nodes[each].name)].append(each)
    groups = dict(_chunked((f"{name}:{rank}", members) for (rank, name), members in alike.items()))
    if _left(scene, groups) <= MOST_CARDS:
        return groups
    width = -(-(max(ranks.values()) + 1) // (MOST_CARDS // 5))
    bands: dict[int, list[str]] = defaultdict(list)
    for each in scene.nodes:
        bands[ranks[each] // width].append(each)
    return {f"group:ranks:{band}": members for band, members in bands.items() if len(members) > 1}


def _chunked(parts: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, Sequence[str]]]:
    for name, members in parts:
        for start in range(0, len(members), _MOST_MEMBERS):
            chunk = members[start : start + _MOST_MEMBERS]
            if len(chunk) >= _FEWEST_GROUPED:
                yield f"group:{name}:{start // _MOST_MEMBERS}", chunk


def stem(name: str) -> str:
    """A name without the numbers that tell it from its like.

    Example:
        >>> stem("train_0012"), stem("train#2"), stem("fit-3-of-5"), stem("42")
        ('train', 'train', 'fit-of', '42')
    """
    return re.sub(r"[-_.# ]*\d+", "", name).strip("-_.# ") or name


def _contracted(scene: Scene, groups: Groups) -> Scene:
    """The scene with one card in place of the members of each group."""
    group_of = {member: name for name, members in groups.items() for member in members}
    nodes: dict[str, NodeCard] = {}
    for each in scene.nodes.values():
        group = group_of.get(each.id)
        if group is None:
            parents = tuple(dict.fromkeys(group_of.get(parent, parent) for parent in each.parents))
            nodes[each.id] = each if parents == each.parents else replace(each, parents=parents)
        elif group not in nodes:
            nodes[group] = _group_card(group, [scene.nodes[member] for member in groups[group]], group_of)
    edges = _contracted_edges(scene, group_of)
    read = {each.source for each in edges.values()}
    lone = {each.source for each in edges.values() if each.dest not in groups}
    crowd = sum(each in read for each in scene.data) > _MOST_DATA
    data = {name: each for name, each in scene.data.items() if name in (lone if crowd else read)}
    edges = {name: each for name, each in edges.items() if each.source in nodes or each.source in data}
    parameters = tuple(
        replace(each, takers=tuple(dict.fromkeys(group_of.get(taker, taker) for taker in each.takers)))
        for each in scene.parameters
    )
    return replace(scene, nodes=_in_order(nodes), edges=edges, data=data, parameters=parameters)


def _group_card(group: str, members: Sequence[NodeCard], group_of: Mapping[str, str]) -> NodeCard:
    counts = counted(each.status for each in members)
    parents = dict.fromkeys(group_of.get(parent, parent) for each in members for parent in each.parents)
    stems = {stem(each.name) for each in members}
    times = [each.seconds for each in members if each.seconds is not None]
    return NodeCard(
        group,
        f"{next(iter(stems))} × {len(members)}" if len(stems) == 1 else f"{len(members)} steps",
        next(iter(counts)),
        why=listed(counts),
        seconds=sum(times) if times else None,
        members=tuple(each.id for each in members),
        counts=counts,
        parents=tuple(parent for parent in parents if parent != group),
    )


def _contracted_edges(scene: Scene, group_of: Mapping[str, str]) -> dict[str, EdgeCard]:
    """One edge a pair; one that ends at a group has no labels, and the state of the worst that it stands for."""
    edges: dict[str, EdgeCard] = {}
    for each in scene.edges.values():
        source, dest = group_of.get(each.source, each.source), group_of.get(each.dest, each.dest)
        if source == dest:
            continue
        if (source, dest) == (each.source, each.dest):
            edges[each.id] = each
            continue
        name = edge_id(source, dest)
        known = edges.get(name)
        state = _worst(known.state, each.state) if known else each.state
        edges[name] = EdgeCard(name, source, dest, state, each.reading or bool(known and known.reading))
    return edges


def _worst(one: EdgeState, other: EdgeState) -> EdgeState:
    order: tuple[EdgeState, ...] = ("stopped", "pending", "there", "order")
    return min(one, other, key=order.index)


def _in_order(nodes: Mapping[str, NodeCard]) -> dict[str, NodeCard]:
    """Nodes, each after its parents: a group stands where its first member stood, which may be too early."""
    done: dict[str, NodeCard] = {}
    for first in nodes:
        todo = [first]
        while todo:
            each = todo[-1]
            missing = [parent for parent in nodes[each].parents if parent in nodes and parent not in done]
            if missing and each not in done:
                todo.extend(reversed(missing))
            else:
                done.setdefault(todo.pop(), nodes[each])
    return done
