"""``nbpipe stop``: ends a run, or one step of it."""

from __future__ import annotations

import time

import click

from nbpipe.cli.output import emit, say
from nbpipe.errors import UsageError
from nbpipe.run import PipelineRun
from nbpipe.workspace import Workspace

_PATIENCE = 30.0
"""Seconds for which the end is waited for; a step has ten to end by itself."""
_POLL = 0.05


@click.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@click.argument("step", required=False, metavar="[STEP]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(run_id: str | None, step: str | None, as_json: bool) -> None:
    """Stop a run, or a step of it, and wait for its end; without RUN the newest one that is going on."""
    workspace = Workspace.find()
    if run_id and not run_id.isdecimal() and step is None:
        run_id, step = None, run_id
    run = _meant(workspace, run_id)
    if run is None or not _is_open(run):
        what = f"Run {run.id} is over: {run.status}." if run else f"No run is going on in {workspace.root}."
        _tell(as_json, run, what)
        return
    run.cancel(step)
    end = time.monotonic() + _PATIENCE
    while not _ended(run, step) and time.monotonic() < end:
        time.sleep(_POLL)
    what = f"Step {step} of run {run.id}" if step else f"Run {run.id}"
    status = run.step(step).status if step else run.status
    _tell(as_json, run, f"{what}: {status}." if _ended(run, step) else f"{what} is asked to stop.")


def _meant(workspace: Workspace, run_id: str | None) -> PipelineRun | None:
    if run_id:
        return workspace.get_run(run_id)
    return next((run for run in workspace.runs() if _is_open(run)), None)


def _is_open(run: PipelineRun) -> bool:
    try:
        return run.state.finished is None and not run.interrupted
    except (KeyError, TypeError, ValueError, OSError, UsageError):
        return False  # what cannot be read cannot be asked to stop


def _ended(run: PipelineRun, step: str | None) -> bool:
    return run.step(step).state.status.settled if step else not _is_open(run)


def _tell(as_json: bool, run: PipelineRun | None, text: str) -> None:
    if as_json:
        emit("stopped", run=run.id if run else None, status=run.status if run else None, text=text)
    else:
        say(text)
