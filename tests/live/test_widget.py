"""The widget's model and what a display gives a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbpipe.core.pipeline import Pipeline
from nbpipe.live import widget as module
from nbpipe.live.presenter import LivePresenter
from nbpipe.live.widget import GraphWidget, Widgets, model_id
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import VIEW_MIME
from tests.live.pages import Notebook


@pytest.fixture
def widgets(notebook: Notebook) -> Iterator[Widgets]:
    yield Widgets(notebook.desk)
    GraphWidget.close_all()


def test_a_pipeline_has_one_widget_whose_id_never_changes(widgets: Widgets) -> None:
    first = widgets.of("pipeline")
    assert first is not None
    assert widgets.of("pipeline") is first
    assert first.model_id == model_id("pipeline")
    other = widgets.of("pipeline", "14")
    assert other is not None
    assert other.model_id not in (first.model_id, model_id("other"))
    assert (other.pipeline, other.run) == ("pipeline", "14")


def test_a_widget_that_was_closed_is_made_anew(widgets: Widgets) -> None:
    first = widgets.of("pipeline")
    assert first is not None
    first.close()
    again = widgets.of("pipeline")
    assert again is not None
    assert again is not first


def test_without_the_built_view_there_is_no_widget(
    widgets: Widgets, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCRIPT", notebook.folder / "nowhere.js")
    assert widgets.of("another") is None


class Stage:
    """A place where live views are shown, as a kernel with a page is."""

    def __init__(self, model: str = "m1") -> None:
        self.model = model
        self.offered: list[Pipeline] = []

    def widget_id(self, pipeline: str, run: str) -> str:
        return self.model

    def offer(self, pipeline: Pipeline) -> None:
        self.offered.append(pipeline)


def test_a_pipeline_is_given_in_every_form_the_best_first(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    pipeline, stage = notebook.session.pipeline(), Stage()
    bundle = LivePresenter(lambda: stage).mimebundle(pipeline)
    assert list(bundle) == [
        VIEW_MIME, "application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain",
    ]  # fmt: skip
    assert bundle[VIEW_MIME] == {"pipeline": "pipeline", "run": ""}
    assert stage.offered == [pipeline]


def test_a_plan_that_was_made_once_is_a_picture(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    plan = notebook.session.pipeline().plan()
    assert list(LivePresenter(Stage).mimebundle(plan)) == ["image/svg+xml", "text/plain"]


def test_without_a_page_or_a_built_view_the_rest_is_given(notebook: Notebook) -> None:
    remembered = Picture("demo", bar="Kernel restarted.")
    assert list(LivePresenter(lambda: None).mimebundle(remembered)) == ["image/svg+xml", "text/plain"]
    unbuilt = LivePresenter(lambda: Stage("")).mimebundle(remembered)
    assert list(unbuilt) == [VIEW_MIME, "image/svg+xml", "text/plain"]
