"""Answers about the log that a view follows."""

from __future__ import annotations

from typing import Any

from nbpipe.errors import UsageError
from nbpipe.live.answers.shown import Args, Shown, node_of, number, step_in, word
from nbpipe.live.log_view import LARGEST_CHUNK, LogView
from nbpipe.run import PipelineRun
from nbpipe.views.answers import LogHits, LogPage


def log_open(log: LogView, shown: Shown, args: Args) -> None:
    """Follow the log of a step: in the run that is shown, in another, or where it ran last.

    Args:
        log: the view's log.
        shown: the board.
        args: ``step``; ``run``, default as above; ``attempt``, default the newest.

    Raises:
        UnknownName: there is no such step or run.
        UsageError: it has not run yet, or its log is gone.
    """
    node = node_of(shown, args)
    run_id = word(args, "run")
    step = step_in(shown, node, run_id)
    if step is None or (not run_id and not step.state.attempts and not step.reused and not step.run.live):
        last = shown.workspace.results.history(node.name, 1)
        kept = shown.workspace.state.run_ids()
        if last and last[-1].get("run") in kept:
            step = step_in(shown, node, str(last[-1]["run"]))
    if step is None:
        raise UsageError(f"{node.node_id} has not run yet, so it has no log.")
    log.open(
        PipelineRun(step.run.folder, step.run.objects(), step.run.memory()),
        step.node_id,
        number(args, "attempt", 0),
    )


def log_close(log: LogView, shown: Shown, args: Args) -> None:
    """Follow no log any more."""
    del shown, args
    log.close()


def log_page(log: LogView, shown: Shown, args: Args) -> LogPage:
    """Lines ``first`` (from 1) to ``first + count - 1``."""
    del shown
    return log.page(number(args, "first", 1), number(args, "count", 200))


def log_find(log: LogView, shown: Shown, args: Args) -> LogHits:
    """Lines that hold ``text``, from line ``first`` on."""
    del shown
    return log.find(word(args, "text"), number(args, "first", 1))


def log_chunk(log: LogView, shown: Shown, args: Args) -> dict[str, Any]:
    """``size`` bytes of the log from ``offset`` on, in base64."""
    del shown
    return log.chunk(number(args, "offset", 0), number(args, "size", LARGEST_CHUNK))
