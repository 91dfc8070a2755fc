"""How pipelines, plans and runs are shown in a notebook, without core knowing any view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nbpipe.errors import UsageError


class Presenter(Protocol):
    """What the views floor offers to whatever can be shown."""

    def mimebundle(self, shown: Any) -> dict[str, Any]:
        """MIME type -> content: a static SVG with a table, and a text tree."""

    def graphviz(self, shown: Any) -> Any:
        """A ``graphviz.Digraph``."""

    def show(self, shown: Any) -> None:
        """Display it in a notebook, or print its text tree elsewhere."""


_find_presenter: Callable[[], Presenter] | None = None


def register_presenter(find: Callable[[], Presenter]) -> None:
    """Say who shows things; called at the first display, so that importing nbpipe loads no view."""
    global _find_presenter  # noqa: PLW0603 - one composition root, one presenter
    _find_presenter = find


def presenter() -> Presenter:
    """The registered presenter; ``UsageError`` where nobody registered one."""
    if _find_presenter is None:
        raise UsageError("No view is registered to show this.", remedy="import nbpipe")
    return _find_presenter()


class Displayed:
    """Something that a notebook shows as a graph: a pipeline, a plan, a run."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return presenter().mimebundle(self)

    def show(self) -> None:
        """Display it in the notebook, or print its text tree elsewhere."""
        presenter().show(self)

    def to_graphviz(self) -> Any:
        """A ``graphviz.Digraph`` of the graph; its source needs no ``dot`` binary."""
        return presenter().graphviz(self)

    @property
    def dot(self) -> str:
        """The graph in Graphviz's language."""
        return str(self.to_graphviz().source)
