"""``nbpipe plan``: what would run, what is reused, and why; nothing is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import click

from nbpipe.cli.main import USAGE
from nbpipe.cli.output import emit, say, window_width
from nbpipe.cli.wanted import Wanted, takes_pipeline
from nbpipe.core.plan import plan_to_json

SOMETHING_WOULD_RUN = 3
"""Exit code of ``plan --check``."""


@click.command()
@takes_pipeline()
@click.option("--check", is_flag=True, help=f"Exit {SOMETHING_WOULD_RUN} when something would run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one a step.")
def command(want: Callable[[], Wanted], check: bool, as_json: bool) -> int:
    """Say what would run, what is reused, and why; nothing is started.

    Exit: 0, 2 the pipeline cannot run (an input is missing), 3 with --check when something would run.
    """
    from nbpipe.views.present import picture_of
    from nbpipe.views.tree import tree

    wanted = want()
    plan = wanted.plan()
    if as_json:
        for step in plan_to_json(plan):
            emit("step_planned", **step)
        counts = {action: plan.count(action) for action in ("reuse", "run", "maybe", "blocked")}
        emit("plan_made", **counts, saved=plan.saved)
    else:
        picture = replace(picture_of(plan), command=f"nbpipe run {wanted.loaded.path}")
        say(*tree(picture, width=window_width()).splitlines())
    if plan.count("blocked"):
        return USAGE
    return SOMETHING_WOULD_RUN if check and plan.count("run", "maybe") else 0
