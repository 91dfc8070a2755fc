"""The graph as text: one line a step, indented under the step that all its ways come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbpipe.core.record import dataclass
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.text import cell_len, fit_cells, pad_cells, visible, visible_line
from nbpipe.views.wording import duration, listed

_WIDEST_NAME = 48


@dataclass(frozen=True)
class Line:
    """One step in the tree.

    Attributes:
        lead: branches before the step's glyph.
        node: the step.
        hang: branches before what else is told of it, in lines below.
        joins: names of the steps whose ways come together here, where these are not just the line above.
    """

    lead: str
    hang: str
    node: NodeView
    joins: tuple[str, ...] = ()


def lines_of(picture: Picture) -> list[Line]:
    """Every step once, after all it waits for, below the nearest step through which every way to it leads.

    A step that alone follows another stands below it in the same column, so a long chain does not run out of the page.
    """
    owners = _owners(picture)
    below: dict[str | None, list[NodeView]] = {}
    for node in picture.nodes:
        below.setdefault(owners[node.node_id], []).append(node)
    found: list[Line] = []
    todo = [("", "", node) for node in reversed(below.get(None, ()))]
    while todo:
        lead, rest, node = todo.pop()
        joins = node.parents if len(node.parents) > 1 or _is_elsewhere(node, owners) else ()
        following = below.get(node.node_id, [])
        hang = rest + ("│ " if len(following) > 1 else "  ")
        found.append(Line(lead, hang, node, tuple(map(visible, joins))))
        alone = len(following) == 1
        for place, child in enumerate(reversed(following)):
            last = place == 0
            branch, stem = ("", "") if alone else ("└─ ", "   ") if last else ("├─ ", "│  ")
            todo.append((rest + branch, rest + stem, child))
    return found


def _is_elsewhere(node: NodeView, owners: Mapping[str | None, str | None]) -> bool:
    return any(parent != owners[node.node_id] for parent in node.parents)


def _owners(picture: Picture) -> dict[str | None, str | None]:
    """Node -> its immediate dominator, or None where ways to it begin at several steps."""
    owners: dict[str | None, str | None] = {None: None}
    depths: dict[str | None, int] = {None: 0}
    for node in picture.nodes:
        parents = [parent for parent in node.parents if parent in owners]
        owner: str | None = parents[0] if parents else None
        for each in parents[1:]:
            other: str | None = each
            while owner != other:
                if depths[owner] >= depths[other]:
                    owner = owners[owner]
                else:
                    other = owners[other]
        owners[node.node_id] = owner
        depths[node.node_id] = depths[owner] + 1
    return owners


def tree(picture: Picture, *, width: int | None = None, most: int | None = None) -> str:
    """The picture as lines of text.

    Args:
        picture: what to show.
        width: columns to keep to, but for a failure and its remedy; None for as long as lines are.
        most: show so many steps at most, and say how many more there are; None for all.

    Example:
        >>> print(tree(Picture("demo", (NodeView("a", "reused", why="from run 12"), NodeView("b", "new")))))
        demo: 1 will run, 1 reused
        = a  reused  from run 12
        + b  new
    """
    lines = lines_of(picture)
    shown = lines if most is None or len(lines) <= most else lines[:most]
    foot = [*_foot(picture)]
    if len(shown) < len(lines):
        foot.insert(0, f"... and {len(lines) - len(shown)} more: {_rest(lines[len(shown) :])}")
    told = [cut(picture.title, width), *_told(shown, width), *(cut(line, width) for line in foot)]
    return "\n".join(told)


def cut(line: str, width: int | None) -> str:
    """A line in so many columns; None for as long as it is."""
    return line if width is None else fit_cells(line, width)


def _told(lines: list[Line], width: int | None) -> Iterator[str]:
    names = [
        f"{line.lead}{line.node.look.glyph} {fit_cells(line.node.name, _WIDEST_NAME, middle=True)}"
        for line in lines
    ]
    named = max(map(cell_len, names), default=0)
    stated = max((cell_len(line.node.words) for line in lines), default=0)
    for line, name in zip(lines, names, strict=True):
        text = f"{pad_cells(name, named)}  {pad_cells(line.node.words, stated)}  {about(line.node)}"
        if line.joins:
            text = f"{text.rstrip()}  (after {', '.join(line.joins)})"
        yield told_whole(text, line.node, width)
        yield from (f"{line.hang}{visible_line(each)}" for each in line.node.advice.splitlines())


def told_whole(text: str, node: NodeView, width: int | None) -> str:
    """A step's line, cut to a width unless it tells of a failure: that is read to its end."""
    return cut(text.rstrip(), None if node.status == "failed" else width)


def about(node: NodeView) -> str:
    """Why, and how long it took or probably takes."""
    time = ""
    if node.seconds is not None:
        time = duration(node.seconds)
    elif node.estimate is not None and not node.settled:
        time = f"about {duration(node.estimate)}"
    return " · ".join(each for each in (node.why, time) if each)


def _rest(lines: list[Line]) -> str:
    return listed(Picture("", tuple(line.node for line in lines)).counts)


def _foot(picture: Picture) -> Iterator[str]:
    if picture.data:
        yield f"reads {', '.join(each.name for each in picture.data)}"
    if picture.parameters:
        yield f"with {', '.join(f'{each.name} = {each.value}' for each in picture.parameters)}"
    if picture.hint:
        yield picture.hint
