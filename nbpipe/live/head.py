"""What stands around the graph: summary, run, and the one primary button, whose word is the plan."""

from __future__ import annotations

from collections.abc import Collection

from nbpipe.core.record import dataclass
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import BarCard, ButtonCard, HeadCard, RunCard
from nbpipe.views.wording import listed, nothing_to_do

_WAITING = frozenset({"will run", "new"})
_UNDONE = frozenset({"cancelled", "blocked"})


@dataclass(frozen=True)
class Standing:
    """Which part of a picture is plan.

    Attributes:
        planned: ids of the steps that are shown as their plan is, not as a run left them.
        live: True while a run of the pipeline goes on.
    """

    planned: Collection[str] = ()
    live: bool = False


def primary_button(picture: Picture, standing: Standing) -> ButtonCard:
    """The button that starts a run, or tells why none is to be started.

    Example:
        >>> from nbpipe.views.picture import NodeView
        >>> two = Picture("demo", (NodeView("a", "new"), NodeView("b", "maybe")))
        >>> primary_button(two, Standing({"a", "b"})).label
        'Run 1 step'
    """
    waiting = sum(node.status in _WAITING and node.node_id in standing.planned for node in picture.nodes)
    told = listed(picture.counts)
    if waiting:
        return ButtonCard(f"Run {_steps(waiting)}", "run", {}, told)
    if standing.live:
        return ButtonCard("Running", title=picture.summary)
    if picture.counts.get("failed"):
        return ButtonCard("Retry failed", "run", {}, told)
    undone = sum(node.status in _UNDONE and node.node_id not in standing.planned for node in picture.nodes)
    if undone:
        return ButtonCard(f"Run {_steps(undone)}", "run", {}, told)
    if picture.counts.get("maybe"):
        return ButtonCard("Run", "run", {}, told)
    return ButtonCard("Nothing to run" if picture.nodes else "Run", title=picture.summary)


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def head_card(
    picture: Picture,
    standing: Standing | None = None,
    *,
    run: RunCard | None = None,
    bar: BarCard | None = None,
) -> HeadCard:
    """The head of a picture that is a plan, a run, or both.

    Args:
        picture: what is shown.
        standing: which part of it is plan; default: all of a plan, nothing of a run.
        run: the run that is shown.
        bar: a line above the graph; default: what is to be said of one that reuses everything.
    """
    standing = standing or Standing(() if picture.run else {node.node_id for node in picture.nodes})
    if bar is None and picture.all_reused and not standing.live:
        bar = BarCard(nothing_to_do(len(picture.nodes), picture.saved), "done")
    return HeadCard(
        picture.name,
        "run" if picture.run else "plan",
        picture.summary,
        run,
        primary_button(picture, standing),
        stop=standing.live,
        saved=picture.saved,
        bar=bar,
    )
