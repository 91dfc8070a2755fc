"""One frame of the live view in a terminal: head, bar, and as many steps as the window has lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Group
from rich.text import Text

from nbpipe.views.forecast import time_left
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.status import TERMINAL_STYLES, counted
from nbpipe.views.text import cell_len, fit_cells, pad_cells
from nbpipe.views.wording import duration, listed, when


def frame(
    picture: Picture,
    said: Callable[[str], Sequence[str]],
    *,
    width: int,
    height: int,
    now: float,
    begun: float | None = None,
) -> Group:
    """A run at one moment, never higher or wider than the window.

    Args:
        picture: of the run.
        said: node id -> the last lines that a running step printed.
        width, height: columns and lines of the window.
        now: seconds since the epoch.
        begun: when the run began, or None.
    """
    parts = [picture.title]
    if begun is not None:
        parts.append(duration(now - begun))
        left = time_left(picture, now)
        parts += [f"about {duration(left)} left"] if left else []
    head = [Text(fit_cells(" · ".join(parts), width), style="bold"), bar(picture, width)]
    running = [node.node_id for node in picture.nodes if node.status == "running"]
    told = {node_id: said(node_id) for node_id in running[: height // 4]}
    room = max(height - len(head) - 2 - sum(map(len, told.values())), 1)
    return Group(*head, *_rows(picture, told, room, width, now))


def bar(picture: Picture, width: int) -> Text:
    """The steps as one line: each state's share in its hue, what asks for attention first."""
    total, room = len(picture.nodes), max(min(width - 2, 60), 1)
    line = Text()
    done = 0
    drawn = 0
    for word, count in reversed(picture.counts.items()):
        done += count
        cells = round(done * room / total) - drawn
        drawn += cells
        node = next(each for each in picture.nodes if each.status == word)
        line.append(("━" if node.settled else "─") * cells, style=TERMINAL_STYLES[node.look.hue])
    return line


def _rows(
    picture: Picture, told: Mapping[str, Sequence[str]], room: int, width: int, now: float
) -> Iterator[Text]:
    urgent = list(picture.in_order_of_attention())
    chosen = {node.node_id for node in urgent[:room]}
    nodes = [node for node in picture.nodes if node.node_id in chosen]
    named = min(max((cell_len(node.name) for node in nodes), default=0), width // 3)
    stated = max((cell_len(node.words) for node in nodes), default=0)
    for node in nodes:
        yield _row(node, named, stated, width, now)
        yield from (Text(fit_cells(f"    {line}", width), style="dim") for line in told.get(node.node_id, ()))
    if len(urgent) > len(nodes):
        rest = listed(counted(node.status for node in urgent[room:]))
        yield Text(fit_cells(f"and {len(urgent) - len(nodes)} more: {rest}", width), style="dim")


def _row(node: NodeView, named: int, stated: int, width: int, now: float) -> Text:
    name = pad_cells(fit_cells(node.name, named, middle=True), named)
    line = Text()
    style = TERMINAL_STYLES[node.look.hue]
    line.append(f"{node.look.glyph} ", style=style)
    line.append(f"{name}  ")
    line.append(pad_cells(node.words, stated), style=style)
    line.append(f"  {_told(node, now)}", style="dim")
    line.truncate(width, overflow="ellipsis")
    return line


def _told(node: NodeView, now: float) -> str:
    parts = [node.why]
    if node.reused_at is not None:
        parts.append(when(node.reused_at, now))
    if node.started is not None:
        of = f" of about {duration(node.estimate)}" if node.estimate else ""
        parts.append(f"{duration(now - node.started)}{of}")
    elif node.seconds is not None:
        parts.append(duration(node.seconds))
    return " · ".join(part for part in parts if part)
