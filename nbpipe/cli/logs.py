"""``nbpipe logs``: what a step wrote, and with ``-f`` what it writes now."""

from __future__ import annotations

import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import Any

import click

from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import FORMS, workspace_at
from nbpipe.errors import UsageError
from nbpipe.run import StepRun
from nbpipe.run.origin import origin_of
from nbpipe.workspace import Workspace

_POLL = 0.05
Chunk = tuple[str, bytes]


@click.command()
@click.argument("step")
@click.argument("file", required=False, metavar=f"[{FORMS}]")
@click.option("-f", "--follow", is_flag=True, help="Go on until the step has ended.")
@click.option("--run", "run_id", metavar="ID", help="Of this run; default: the latest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one a piece of output.")
def command(step: str, file: str | None, follow: bool, run_id: str | None, as_json: bool) -> None:
    """Print what STEP wrote in the latest run, its errors to standard error.

    A reused step's log is that of the run it is reused from. A pipeline's file says whose workspace is meant.
    """
    workspace = workspace_at(file)
    shown = _with_a_log(_step_run(workspace, step, run_id))
    pieces = followed(shown) if follow else _there(shown)
    write: Callable[[Chunk], None] = _json_writer(shown.node_id) if as_json else _write
    begun = False
    for piece in pieces:
        begun = True
        write(piece)
    if not begun:
        say(f"{shown.node_id} has written nothing in run {shown.run.id} ({shown.status}).", err=True)


def _step_run(workspace: Workspace, step: str, run_id: str | None) -> StepRun:
    run = workspace.get_run(run_id) if run_id else workspace.latest_run()
    if run is None:
        raise UsageError(f"Nothing has run in {workspace.root}.", remedy="Run it:  nbpipe run PIPELINE")
    return run.step(step)


def _with_a_log(step: StepRun) -> StepRun:
    """The step of the run in which its script really ran."""
    origin = origin_of(step)
    if origin is not step:
        say(f"{step.node_id} was reused; this is its log of run {origin.run.id}.", err=True)
    return origin


def _there(step: StepRun) -> Iterator[Chunk]:
    """What its newest attempt wrote until now."""
    position: Any = None
    while True:
        pieces, position = step.log.read(position, limit=2**20)
        if not pieces:
            return
        yield from pieces


def followed(step: StepRun) -> Iterator[Chunk]:
    """What a step writes, attempt after attempt, until it has ended."""
    attempt, log, position = 0, step.log, None
    while True:
        over = step.state.status.settled or step.run.interrupted
        newest = step.state.attempts
        pieces, position = log.read(position, limit=2**20) if attempt else ([], None)
        yield from pieces
        if pieces:
            continue
        if newest > attempt:
            attempt, log, position = newest, step.log, None
        elif over:
            return
        else:
            sys.stdout.flush()
            time.sleep(_POLL)


def _write(piece: Chunk) -> None:
    stream, data = piece
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.buffer.write(data)  # the bytes as they are: a script may print what is no text
    target.buffer.flush()


def _json_writer(node_id: str) -> Callable[[Chunk], None]:
    decoders = {stream: getincrementaldecoder("utf-8")("replace") for stream in ("stdout", "stderr")}

    def write(piece: Chunk) -> None:
        stream, data = piece
        emit("log", step=node_id, stream=stream, text=decoders[stream].decode(data))

    return write
