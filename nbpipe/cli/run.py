"""``nbpipe run``: runs a pipeline and shows it until it ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import click

from nbpipe.cli.main import INTERRUPTED
from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import Wanted, takes_pipeline
from nbpipe.core.events import RunFinished
from nbpipe.core.run_state import OUTCOMES, Status
from nbpipe.errors import StoreError
from nbpipe.run import PipelineRun

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""Environment variable by which GitHub names the file of a job's summary; it is appended to."""
_POLL = 0.05


@click.command()
@takes_pipeline()
@click.option(
    "--continue-on-failure", is_flag=True, help="Go on with steps that do not depend on a failed one."
)
@click.option(
    "--summary", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help=f"Write a summary in Markdown; default: ${SUMMARY_VARIABLE}, where it is set.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one an event.")
def command(
    want: Callable[[], Wanted], continue_on_failure: bool, summary: Path | None, as_json: bool
) -> int:
    """Run a pipeline; steps whose result is stored are reused.

    Ctrl-C stops the run; a second one leaves it to end by itself. Exit: 0 finished, 1 a step failed or was
    stopped, 2 the pipeline cannot run.
    """
    wanted = want()
    run = wanted.submit(continue_on_step_failure=continue_on_failure)
    with Interrupts(run) as interrupts:
        try:
            if as_json:
                print_events(run)
            else:
                _show(run, str(wanted.loaded.path))
        except KeyboardInterrupt:
            say(f"Run {run.id} ends by itself.  See it:  nbpipe runs", err=True)
            return INTERRUPTED
    _tell_interruption(run)
    write_summary(run, summary, f"nbpipe run {wanted.loaded.path}")
    if interrupts.asked:
        return INTERRUPTED
    return 0 if run.status == "Finished" else 1


def _show(run: PipelineRun, file: str) -> None:
    from nbpipe.views.follow import follow

    follow(run, command=f"nbpipe run {file}")


def _tell_interruption(run: PipelineRun) -> None:
    if run.interrupted:
        error = run.failure()
        say(*str(error).splitlines(), f"  What its runner said is in {run.folder.runner_log}", err=True)


class Interrupts:
    """What Ctrl-C means while a run is shown: the first asks it to stop, the second goes away.

    Args:
        run: the run.
    """

    def __init__(self, run: PipelineRun) -> None:
        self.asked = False
        self._run = run
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._run.cancel(by="you")
        say(f"Run {self._run.id} is being stopped. Ctrl-C again leaves it to end by itself.", err=True)


def print_events(run: PipelineRun) -> None:
    """Print a run's events as JSON until it ends; the last is ``run_finished`` with four fields."""
    told = 0
    while True:
        over = run.state.finished is not None or run.interrupted
        events, told = run.events(told)
        for event in events:
            if not isinstance(event, RunFinished):
                emit(event.kind, **vars(event))
        sys.stdout.flush()
        if over:
            break
        time.sleep(_POLL)
    emit("run_finished", run=run.id, status=run.status, steps=outcomes(run))


def outcomes(run: PipelineRun) -> dict[str, str]:
    """Node id -> ``run``, ``reused``, ``failed``, ``cancelled`` or ``blocked``; of a live run, of those that ended.

    In an interrupted run what had begun counts as failed, the rest as cancelled.
    """
    finished = run.state.finished
    if finished is not None:
        return dict(finished.steps)
    known = {node: OUTCOMES[step.status] for node, step in run.state.steps.items() if step.status.settled}
    if not run.interrupted:
        return known
    begun = {node: step.status is Status.RUNNING for node, step in run.state.steps.items()}
    return {node: "failed" if runs else "cancelled" for node, runs in begun.items()} | known


def write_summary(run: PipelineRun, path: Path | None, command: str) -> None:
    """Write what a run did as Markdown, to a file or to where GitHub wants it.

    Args:
        run: the run.
        path: the file, or None for GitHub's.
        command: what starts such a run again.

    Raises:
        StoreError: the file cannot be written.
    """
    named = os.environ.get(SUMMARY_VARIABLE, "")
    target = path or (Path(named) if named else None)
    if target is None:
        return
    from nbpipe.views.markdown import markdown
    from nbpipe.views.present import picture_of

    try:
        with target.open("a" if str(target) == named else "w", encoding="utf-8") as file:
            file.write(markdown(replace(picture_of(run), command=command)))
    except OSError as error:
        raise StoreError(f"The summary {target} cannot be written: {error.strerror}.") from None
