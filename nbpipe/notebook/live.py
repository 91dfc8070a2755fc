"""A run shown below its cell: a small table that follows the run, a few times a second, until it ends."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.run import DeclaredRun, PipelineRun
from nbpipe.views.compact import compact_html, compact_text
from nbpipe.views.present import picture_of

INTERVAL = 0.3
"""Seconds between two looks at a live run."""
LONGEST = 600.0
"""Seconds after which the table is left alone; the run goes on."""

_shown: dict[str, int] = {}


def is_over(run: PipelineRun) -> bool:
    """True when the run has ended, well or not."""
    return run.state.finished is not None or run.interrupted


def bundle(run: PipelineRun) -> dict[str, str]:
    """The run's status as HTML and as text, both bounded."""
    picture = picture_of(run)
    return {"text/html": compact_html(picture), "text/plain": compact_text(picture)}


def show_live(ip: Any, run: PipelineRun) -> None:
    """Show a run below the cell that runs now, and follow it where the front end can show changes.

    Args:
        ip: the IPython shell.
        run: the run.
    """
    from IPython.display import display

    _shown[run.id] = ip.execution_count
    handle = display(bundle(run), raw=True, display_id=True)
    if handle is not None and hasattr(ip, "kernel") and not is_over(run):
        again = PipelineRun(run.folder, run.objects(), run.memory())  # a reader of its own for the thread
        threading.Thread(
            target=_follow, args=(again, handle), name=f"nbpipe-run-{run.id}", daemon=True
        ).start()


def _follow(run: PipelineRun, handle: Any) -> None:
    """Follow a run in a thread, which has nowhere to say that the run's folder is gone: it just ends."""
    with suppress(OSError, NbpipeError):
        end = time.monotonic() + LONGEST
        seen = -1
        while time.monotonic() < end:
            over = is_over(run)
            _, count = run.events()
            if count != seen or over:
                handle.update(bundle(run), raw=True)
            if over:
                return
            seen = count
            time.sleep(INTERVAL)


def display_run(run: PipelineRun) -> None:
    """How a run is displayed as the value of a cell: not at all where the cell shows it already, else its graph.

    For IPython's ``ipython_display_formatter``.

    Raises:
        NotImplementedError: leaves it to the run's own picture.
    """
    from IPython import get_ipython

    ip = get_ipython()
    if isinstance(run, DeclaredRun) or (ip is not None and _shown.get(run.id) == ip.execution_count):
        return
    raise NotImplementedError


def show_run(started: Any, *, wait: bool = False) -> Any:
    """Show a run below the cell, or wait for its end with its output; the same run.

    Raises:
        ActivityFailedException: it was waited for, and failed or was stopped.
        NbpipeError: the waiting was interrupted.
    """
    if not isinstance(started, PipelineRun):
        return started
    if wait:
        try:
            started.wait_for_completion(show_output=True)
        except KeyboardInterrupt:
            raise NbpipeError(
                f"Interrupted: run {started.id} goes on without this cell.",
                remedy="See it:  %pipeline_attach\nStop it:  %pipeline_stop",
            ) from None
        return started
    show_below(started)
    return started


def show_below(run: PipelineRun) -> None:
    """Show a run below the cell that runs now; nowhere outside IPython."""
    from IPython import get_ipython

    ip = get_ipython()
    if ip is not None:
        show_live(ip, run)
