"""How long the rest of a run will probably take, from how long its steps took before."""

from __future__ import annotations

from nbpipe.views.picture import NodeView, Picture


def time_left(picture: Picture, now: float) -> float | None:
    """Seconds until the last step ends, if every step is started as soon as its data are there.

    Args:
        picture: of a run.
        now: seconds since the epoch.

    Returns:
        The longest way through what is left, or None where a step on it was never timed.

    Example:
        >>> from nbpipe.views.picture import NodeView, Picture
        >>> steps = (
        ...     NodeView("a", "running", started=0.0, estimate=9.0),
        ...     NodeView("b", "new", parents=("a",)),
        ... )
        >>> time_left(Picture("demo", steps), 4.0) is None, time_left(Picture("demo", steps[:1]), 4.0)
        (True, 5.0)
    """
    ends: dict[str, float] = {}
    for node in picture.nodes:
        left = _left(node, now)
        if left is None:
            return None
        ends[node.node_id] = left + max((ends.get(parent, 0.0) for parent in node.parents), default=0.0)
    return max(ends.values(), default=0.0)


def _left(node: NodeView, now: float) -> float | None:
    if node.settled or node.status == "will reuse":
        return 0.0
    if node.estimate is None:
        return None
    return max(node.estimate - (now - node.started if node.started is not None else 0.0), 0.0)
