"""The reading side of runs: what happened, what came out, what was logged; it reads files and asks by files."""

from __future__ import annotations

from nbpipe.run.declared import DeclaredRun
from nbpipe.run.pipeline_run import PipelineRun
from nbpipe.run.step_run import StepOutput, StepRun

__all__ = ["DeclaredRun", "PipelineRun", "StepOutput", "StepRun"]
