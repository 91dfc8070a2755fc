"""A form of a pipeline's parameters: what is set here is what the next plan and run take."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from nbpipe.errors import NbpipeError
from nbpipe.notebook.session import Session
from nbpipe.notebook.values import Choice, choices, set_value
from nbpipe.views.text import escaped, visible

_STYLE = {"description_width": "130px"}


class ParamsForm(widgets.VBox):  # type: ignore[misc]
    """One field a parameter: a slider where its variable's annotation gives a range, a choice where it lists values.

    Args:
        session: the notebook's.
        pipeline: name of the pipeline; empty where there is only one.

    Attributes:
        fields: name -> its field.

    Raises:
        InvalidPipeline, UsageError: the notebook has no pipeline that can be meant.
    """

    def __init__(self, session: Session, pipeline: str = "") -> None:
        self._session, self._pipeline = session, pipeline
        found = choices(session, pipeline)
        self.fields = {each.name: field_for(each) for each in found}
        self.told = widgets.HTML()
        for name, field in self.fields.items():
            field.observe(lambda change, name=name: self._take(name, change), "value")
        nothing = widgets.HTML(
            "No parameters. A number or text of the notebook becomes one on a magic line:&nbsp; --lr {lr}"
        )
        super().__init__([*(self.fields.values() or [nothing]), self.told])

    def _take(self, name: str, change: Any) -> None:
        try:
            set_value(self._session, name, change["new"], self._pipeline)
            self.told.value = ""
        except NbpipeError as error:
            self.told.value = f"<pre>{escaped(visible(error.fact))}</pre>"


def field_for(choice: Choice) -> widgets.Widget:
    """The field in which a parameter's value is changed."""
    value = choice.value
    common: dict[str, Any] = {
        "value": value, "description": choice.name, "tooltip": choice.name, "style": _STYLE,
        "layout": widgets.Layout(width="480px"),
    }  # fmt: skip
    if choice.options:
        return widgets.Dropdown(options=[(str(each), each) for each in choice.options], **common)
    if isinstance(value, bool):
        return widgets.Checkbox(indent=True, **common)
    if isinstance(value, str):
        return widgets.Text(continuous_update=False, **common)
    if choice.low is None or choice.high is None or not choice.low <= value <= choice.high:
        whole = isinstance(value, int)
        return widgets.IntText(**common) if whole else widgets.FloatText(**common)
    bounds: dict[str, Any] = {"min": choice.low, "max": choice.high, "continuous_update": False}
    if isinstance(value, int) and isinstance(choice.low, int):
        return widgets.IntSlider(step=int(choice.step or 1), **bounds, **common)
    step = choice.step or (choice.high - choice.low) / 100
    return widgets.FloatSlider(step=step, readout_format=".4g", **bounds, **common)
