"""The earlier runs of a step, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.live.answers.shown import Args, Shown, begun, node_of, planned, step_in
from nbpipe.views.answers import HistoryAnswer, HistoryItem
from nbpipe.views.text import visible
from nbpipe.views.wording import why_of

MOST = 50
"""Runs that are told."""

_WORDS = {"finished": "done"}


def history(shown: Shown, args: Args) -> HistoryAnswer:
    """The earlier runs of a step: how each ended, and why it ran.

    Args:
        shown: the board.
        args: ``step``.

    Raises:
        UnknownName: there is no such step.
    """
    node = node_of(shown, args)
    now = _key_now(shown, node.node_id)
    entries = shown.workspace.results.history(node.name, MOST)
    return HistoryAnswer(tuple(_items(shown, reversed(entries), now)))


def _items(shown: Shown, entries: Iterator[dict[str, Any]], now: str) -> Iterator[HistoryItem]:
    for entry in entries:
        key = str(entry.get("key", ""))
        yield HistoryItem(
            visible(entry.get("run", "")), visible(_WORDS.get(str(entry.get("status")), entry.get("status"))),
            _why(shown, entry), visible(key), _seconds(entry, "seconds"), _seconds(entry, "time"),
            same=bool(now) and key == now,
        )  # fmt: skip


def _seconds(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _why(shown: Shown, entry: Mapping[str, Any]) -> str:
    """Why it ran, as its run tells; empty where that is gone or damaged."""
    with suppress(NbpipeError, KeyError):
        run = shown.workspace.get_run(str(entry["run"]))
        event = begun(run.step(str(entry.get("node") or entry.get("step"))))
        return visible(why_of(event)) if event else ""
    return ""


def _key_now(shown: Shown, node_id: str) -> str:
    """Key of a step's fingerprint as it is shown; empty while an input is not known."""
    plan = planned(shown, node_id)
    if plan is not None and not shown.speaks(node_id):
        known = plan.fingerprint
        return known.key if known is not None and not known.unknown else ""
    step = step_in(shown, shown.graph.get_node(node_id))
    return step.fingerprint if step else ""
