"""What stands below a cell, for every state."""

from __future__ import annotations

import pytest

from nbpipe.live.badge import badge
from nbpipe.views.picture import NodeView

SCRIPT = "steps/train/train.py"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (NodeView("train", "will run", why="train.py line 12 changed +2"), "will run: line 12 changed +2"),
        (NodeView("train", "will run", why="--lr 0.1 → 0.2"), "will run: --lr 0.1 → 0.2"),
        (NodeView("train", "new", why="never run"), "new"),
        (
            NodeView("train", "maybe", why="reused if prep comes out equal"),
            "maybe: reused if prep comes out equal",
        ),
        (NodeView("train", "running"), "running"),
        (NodeView("train", "failed", detail="line 31", why="ValueError: no"), "failed at line 31"),
        (NodeView("train", "failed", detail="exit 2"), "failed · exit 2"),
        (NodeView("train", "failed", why="the run was interrupted"), "failed"),
        (NodeView("train", "done", seconds=12.4), "done in 12 s"),
        (NodeView("train", "reused", why="from run 12"), "reused: from run 12"),
        (NodeView("train", "cancelled", why="stopped by you"), "cancelled: stopped by you"),
    ],
)
def test_a_state_is_told_in_few_words(node: NodeView, told: str) -> None:
    assert badge(node, SCRIPT) == told


def test_a_running_step_tells_how_far_its_own_bar_is() -> None:
    assert badge(NodeView("train", "running"), SCRIPT, 0.62) == "running · 62%"
