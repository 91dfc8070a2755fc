"""``nbpipe explain``: why a step runs or is reused, with the diff of what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import click

from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import Wanted, is_pipeline_file, takes_pipeline, workspace_at
from nbpipe.core.explanation import Explanation
from nbpipe.errors import UsageError


@click.command()
@click.argument("step")
@takes_pipeline(required=False)
@click.option("--receipt", is_flag=True, help="List every ingredient of the step's fingerprint.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(step: str, want: Callable[..., Wanted | None], receipt: bool, as_json: bool) -> None:
    """Say why STEP would run or be reused now; without a pipeline, why it did so in the latest run."""
    explanation = _explanation(step, want)
    if as_json:
        emit("explained", **asdict(explanation))
        return
    from nbpipe.views.why import why_text

    say(*why_text(explanation, receipt=receipt).splitlines())


def _explanation(step: str, want: Callable[..., Wanted | None]) -> Explanation:
    wanted = want()
    if wanted is not None:
        return wanted.workspace.explain(wanted.plan(), step)
    if is_pipeline_file(step):
        raise UsageError("No step is named.", remedy=f"nbpipe explain STEP {step}")
    run = workspace_at(None).latest_run()
    if run is None:
        raise UsageError(
            "Nothing has run here.", remedy=f"Name the pipeline:  nbpipe explain {step} PIPELINE"
        )
    return run.explain(step)
