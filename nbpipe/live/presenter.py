"""What a notebook is given when a pipeline or run is displayed: the live view, the static picture, the text tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nbpipe.core.pipeline import Pipeline
from nbpipe.run import DeclaredRun, PipelineRun
from nbpipe.views.picture import Picture
from nbpipe.views.presenter import StaticPresenter
from nbpipe.views.protocol import VIEW_MIME

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


class Stage(Protocol):
    """Where live views can be shown; None stands for a process without a page."""

    def widget_id(self, pipeline: str, run: str) -> str:
        """Id of the widget's model of a pipeline or run; empty where there is none."""

    def offer(self, pipeline: Pipeline) -> None:
        """A pipeline is displayed: it is the one of its name from now on, unless step cells declare one."""


class LivePresenter(StaticPresenter):
    """Shows things live where a page asked for the cell, and by picture and text everywhere.

    Args:
        stage: gives where live views can be shown, or None; asked at each display.
    """

    def __init__(self, stage: Callable[[], Stage | None]) -> None:
        self._stage = stage

    def mimebundle(self, shown: Any) -> dict[str, Any]:
        """MIME type -> content: the static parts, and what pages turn into a live view.

        Args:
            shown: a ``Pipeline``, ``Plan``, ``PipelineRun`` or ``Picture``.
        """
        still = super().mimebundle(shown)
        live = _subject(shown)
        stage = self._stage() if live else None
        if stage is None or live is None:
            return still
        if isinstance(shown, Pipeline):
            stage.offer(shown)
        pipeline, run = live
        bundle: dict[str, Any] = {VIEW_MIME: {"pipeline": pipeline, "run": run}}
        model = stage.widget_id(pipeline, run)
        if model:
            bundle[WIDGET_MIME] = {"version_major": 2, "version_minor": 0, "model_id": model}
        return bundle | still


def _subject(shown: Any) -> tuple[str, str] | None:
    """Pipeline and run of what is shown; None for what has no life: a plan that was made once, an empty run."""
    if isinstance(shown, Pipeline):
        return shown.name, ""
    if isinstance(shown, PipelineRun) and not isinstance(shown, DeclaredRun):
        return shown.pipeline_name, shown.id
    if isinstance(shown, Picture) and shown.bar:
        return shown.name, ""
    return None
