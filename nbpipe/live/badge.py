"""What stands below a step's cell: its state in a few words, "will run: line 12 changed"."""

from __future__ import annotations

from pathlib import PurePosixPath

from nbpipe.views.picture import NodeView
from nbpipe.views.wording import duration


def badge(node: NodeView, script: str = "", progress: float | None = None) -> str:
    """A step's state as its cell shows it; how long it runs is the page's to count.

    Args:
        node: the step.
        script: its script's file, whose name a reason need not repeat.
        progress: 0 to 1, or None.

    Example:
        >>> badge(NodeView("train", "will run", why="train.py line 12 changed"), "steps/train/train.py")
        'will run: line 12 changed'
        >>> badge(NodeView("train", "failed", detail="line 31", why="ValueError: no"))
        'failed at line 31'
    """
    match node.status:
        case "failed":
            return f"failed at {node.detail}" if node.detail.startswith("line ") else node.words
        case "running":
            return f"running · {progress:.0%}" if progress is not None else "running"
        case "done":
            return f"done in {duration(node.seconds)}" if node.seconds is not None else "done"
        case "new":
            return "new"
    why = _short(node.why, script)
    return f"{node.status}: {why}" if why else node.status


def _short(why: str, script: str) -> str:
    """A reason without the name of the step's own script at its beginning."""
    return why.removeprefix(f"{PurePosixPath(script).name} ") if script else why
