"""The runs of the workspace, newest first."""

from __future__ import annotations

from itertools import islice

from nbpipe.errors import NbpipeError
from nbpipe.execution.journal import Journal
from nbpipe.live.answers.shown import Args, Shown
from nbpipe.run import PipelineRun
from nbpipe.views.answers import RunItem, RunsAnswer
from nbpipe.views.status import counted
from nbpipe.views.text import visible
from nbpipe.views.wording import listed, nothing_to_do

MOST = 50
"""Runs that are told."""

_OUTCOMES = {"run": "done"}


def runs(shown: Shown, args: Args) -> RunsAnswer:
    """The runs of the workspace; of one whose record is damaged what can be told.

    Args:
        shown: the board.
        args: none.
    """
    del args
    return RunsAnswer(tuple(map(_item, islice(shown.workspace.runs(), MOST))))


def _item(run: PipelineRun) -> RunItem:
    try:
        state = Journal(run.folder.events).state()
        over = state is not None and state.finished is not None
        live = not over and run.live  # a runner that has told its end may still be tidying up
        if state is None or state.started is None or not (over or live):
            return _without_an_end(run, live=live)
    except (NbpipeError, OSError) as error:
        return _damaged(run, error)
    end = state.finished
    words = end.steps.values() if end else (str(step.status) for step in state.steps.values())
    counts = counted(_OUTCOMES.get(word, word) for word in words)
    summary = listed(counts)
    if end and list(counts) == ["reused"] and end.status == "Finished":
        summary = nothing_to_do(counts["reused"], end.saved)
    return RunItem(
        run.id, visible(state.started.pipeline), end.status if end else "Running", visible(summary), live,
        state.started.time, end.time if end else None,
    )  # fmt: skip


def _without_an_end(run: PipelineRun, *, live: bool) -> RunItem:
    """A run that has not begun yet, or was interrupted; its record of the submit tells which."""
    try:
        if run.finished is not None:  # since it was looked at
            return _item(run)
        summary = "interrupted" if run.interrupted else "starts"
        return RunItem(run.id, visible(run.pipeline_name), run.status, summary, live, run.started, None)
    except (NbpipeError, OSError) as error:
        return _damaged(run, error)


def _damaged(run: PipelineRun, error: Exception) -> RunItem:
    return RunItem(run.id, "", "", visible(getattr(error, "fact", error)), run.live, None, None)
