"""``nbpipe runs``: the runs of a workspace, newest first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from nbpipe.cli.output import columns, emit, say
from nbpipe.cli.run import outcomes
from nbpipe.cli.wanted import FORMS, workspace_at
from nbpipe.errors import NbpipeError
from nbpipe.run import PipelineRun
from nbpipe.workspace import Workspace

_MOST = 30


@click.command()
@click.argument("file", required=False, metavar=f"[{FORMS}]")
@click.option("--all", "every", is_flag=True, help=f"Not only the newest {_MOST}.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one a run.")
def command(file: str | None, every: bool, as_json: bool) -> None:
    """List the runs of this workspace, newest first; a pipeline's file says whose workspace is meant."""
    workspace = workspace_at(file)
    runs = workspace.runs()
    chosen = runs if every or as_json else runs[:_MOST]
    told = _readable(chosen)
    if as_json:
        for each in told:
            emit("run", **each)
        return
    if not runs:
        say(f"Nothing has run in {workspace.root}.", *_elsewhere(workspace))
        return
    rows = [_row(each) for each in told]
    say(*columns([("run", "status", "started", "took", "pipeline", "steps"), *rows]))
    if len(runs) > len(chosen):
        say(f"and {len(runs) - len(chosen)} older:  nbpipe runs --all")


def _readable(runs: list[PipelineRun]) -> Iterator[dict[str, Any]]:
    """What is told of each run; one that cannot be read is named and passed over."""
    for run in runs:
        try:
            yield {
                "run": run.id,
                "status": run.status,
                "started": run.started,
                "finished": run.finished,
                "interrupted": run.interrupted,
                "pipeline": run.pipeline_name,
                "experiment": run.experiment_name,
                "saved": run.saved,
                "steps": outcomes(run),
            }
        except (NbpipeError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            say(f"Run {run.id} cannot be read: {str(error).splitlines()[0]}", err=True)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    from nbpipe.views.wording import duration, when

    now = time.time()
    started, finished = run["started"], run["finished"]
    status = "interrupted" if run["interrupted"] else run["status"]
    end = finished if finished is not None else now if run["status"] == "Running" else None
    words = {"run": "ran"}
    counts = Counter(run["steps"].values())
    told = ", ".join(f"{count} {words.get(word, word)}" for word, count in counts.items())
    return (
        run["run"],
        status,
        when(started, now) if started is not None else "",
        duration(end - started) if started is not None and end is not None else "",
        run["pipeline"],
        told,
    )


def _elsewhere(workspace: Workspace) -> Iterator[str]:
    """Workspaces one folder below, for whoever stands above the notebook's folder."""
    for marker in sorted(workspace.root.glob("*/.nbpipe/VERSION"))[:5]:
        folder = marker.parents[1]
        yield f"  There is a workspace in {folder.name}/:  nbpipe runs {folder.name}"
