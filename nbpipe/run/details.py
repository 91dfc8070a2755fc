"""The view of a run by the name it had in Azure ML v1."""

from __future__ import annotations

from typing import Any


class RunDetails:
    """``RunDetails(run).show()``: displays a run as a graph.

    Args:
        run_instance: a pipeline run.
    """

    def __init__(self, run_instance: Any) -> None:
        self.run = run_instance

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        """Display the run; the parameters are kept for v1."""
        del render_lib, widget_settings
        self.run.show()
