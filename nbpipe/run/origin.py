"""Where a reused step really ran: its log and what it logged are in that run."""

from __future__ import annotations

import os

from nbpipe.errors import UsageError
from nbpipe.execution.run_folder import RunFolder
from nbpipe.run.pipeline_run import PipelineRun
from nbpipe.run.step_run import StepRun


def origin_of(step: StepRun) -> StepRun:
    """The step of the run in which a step's script really ran; the step itself unless it was reused.

    Raises:
        UsageError: that run is gone.
        UnknownName: it has no such step.
    """
    if not step.reused:
        return step
    number = step.reused_run
    folder = RunFolder(step.run.folder.path.parent / number)
    if not number.isdecimal() or not os.path.lexists(folder.graph):
        raise UsageError(f"{step.node_id} was reused from run {number}, whose logs are gone (nbpipe gc).")
    run = PipelineRun(folder, step.run.objects(), step.run.memory())
    named = {each.name: each for each in run.get_steps() if each.fingerprint == step.fingerprint}
    return named.get(step.name) or run.step(step.name)
