"""What a notebook is given to show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from nbpipe.views.presenter import StaticPresenter
from tests.views.pictures import NEVER, ToldRun, penguins, plan_of
from tests.views.test_present import STORY


def test_a_plan_and_a_run_show_as_picture_and_text_only() -> None:
    for shown in (plan_of(penguins(), {"prep": ("run", [NEVER])}), ToldRun(penguins(), STORY)):
        bundle = StaticPresenter().mimebundle(shown)
        assert bundle.keys() == {"image/svg+xml", "text/plain"}, (
            "HTML or Markdown would be preferred to the picture"
        )
        ET.fromstring(bundle["image/svg+xml"])
        assert bundle["text/plain"].startswith("penguins: ")


def test_the_same_result_shows_the_same_whatever_the_run_and_the_clock() -> None:
    graph = penguins()
    later = [type(event)(**{**vars(event), "time": event.time + 5000}) for event in STORY]
    one = StaticPresenter().mimebundle(ToldRun(graph, STORY))
    other = StaticPresenter().mimebundle(ToldRun(graph, later, id="15"))
    assert one == other


def test_a_graphviz_graph_needs_no_binary() -> None:
    assert "digraph penguins" in StaticPresenter().graphviz(plan_of(penguins(), {})).source
