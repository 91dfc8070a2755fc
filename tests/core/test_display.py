"""Showing: core asks whoever was registered, at the first display and no sooner."""

from __future__ import annotations

from typing import Any

import pytest

from nbpipe.core import display
from nbpipe.core.display import Displayed, register_presenter
from nbpipe.errors import UsageError


class Plain:
    """A presenter that shows a name."""

    def __init__(self) -> None:
        self.displayed: list[Any] = []

    def mimebundle(self, shown: Any) -> dict[str, Any]:
        return {"text/plain": type(shown).__name__}

    def graphviz(self, shown: Any) -> Any:
        return type("Digraph", (), {"source": "digraph {}"})

    def show(self, shown: Any) -> None:
        self.displayed.append(shown)


@pytest.fixture(autouse=True)
def _unregistered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_find_presenter", None)


def test_without_a_presenter_it_is_said_how_to_get_one() -> None:
    with pytest.raises(UsageError, match="import nbpipe"):
        Displayed().show()


def test_a_presenter_is_made_at_the_first_display() -> None:
    made: list[Plain] = []

    def find() -> Plain:
        made.append(Plain())
        return made[-1]

    register_presenter(find)
    shown = Displayed()
    assert made == []
    assert shown._repr_mimebundle_() == {"text/plain": "Displayed"}
    assert shown.dot == "digraph {}"
    shown.show()
    assert made[-1].displayed == [shown]
