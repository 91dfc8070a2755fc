"""The view as a widget, for pages without the extension: one model a pipeline, whose id is always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbpipe.live.desk import Desk
from nbpipe.live.door import answer_at_once

SCRIPT = Path(__file__).parent / "static" / "widget.js"
"""The view, built from ``labextension/src/widget.ts``."""


class GraphWidget(anywidget.AnyWidget):
    """A live view of a pipeline or of one of its runs.

    Attributes:
        pipeline: name of the pipeline.
        run: id of the run that alone is shown, or empty.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    pipeline = traitlets.Unicode().tag(sync=True)
    run = traitlets.Unicode().tag(sync=True)


class WidgetChannel:
    """The pages that show a widget; each of its views has an id of its own.

    Args:
        widget: the widget.
    """

    def __init__(self, widget: GraphWidget) -> None:
        self._widget = widget

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message of plain JSON values."""
        self._widget.send(message)

    def close(self) -> None:
        """Take the widget off every page."""
        with suppress(Exception):  # the kernel may be going down
            self._widget.close()


def model_id(pipeline: str, run: str = "") -> str:
    """The id of a widget's model, the same in every kernel, so that a notebook that is run again is not changed by it.

    Example:
        >>> model_id("pipeline") == model_id("pipeline"), len(model_id("pipeline"))
        (True, 32)
    """
    return hashlib.sha256(f"nbpipe view\0{pipeline}\0{run}".encode("utf-8", "backslashreplace")).hexdigest()[
        :32
    ]


class Widgets:
    """The widgets of one kernel.

    Args:
        desk: takes what their views ask.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._widgets: dict[str, GraphWidget] = {}

    def of(self, pipeline: str, run: str = "") -> GraphWidget | None:
        """The widget of a pipeline or run, made when it is first shown; None where the view was not built.

        Args:
            pipeline: its name.
            run: id of the run that alone is shown, or empty.
        """
        name = model_id(pipeline, run)
        known = self._widgets.get(name)
        if known is not None and known.comm is not None:
            return known
        try:
            script = SCRIPT.read_text("utf-8")
        except OSError:
            return None
        widget = GraphWidget(_esm=script, pipeline=pipeline, run=run, model_id=name)
        answer_at_once(widget.comm)
        channel = WidgetChannel(widget)
        widget.on_msg(lambda _, content, __: self._desk.receive(channel, content))
        self._widgets[name] = widget
        return widget
