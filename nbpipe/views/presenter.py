"""What a notebook shows of a pipeline, a plan or a run: the static picture, and the tree as text."""

from __future__ import annotations

import sys
from typing import Any

from nbpipe.views.dot import digraph
from nbpipe.views.present import picture_of
from nbpipe.views.svg import svg
from nbpipe.views.tree import tree

MOST_LINES = 200
"""Steps in the text that is saved in a notebook."""


class StaticPresenter:
    """Shows things without a browser part; registered by ``nbpipe`` as core's ``Presenter``.

    The bundle has neither HTML nor Markdown: JupyterLab and nbconvert would prefer either to the picture.
    """

    def mimebundle(self, shown: Any) -> dict[str, Any]:
        """``image/svg+xml`` and ``text/plain``, equal for equal results.

        Args:
            shown: a ``Pipeline``, ``Plan`` or ``PipelineRun``.
        """
        picture = picture_of(shown).still()
        return {"image/svg+xml": svg(picture), "text/plain": tree(picture, most=MOST_LINES)}

    def graphviz(self, shown: Any) -> Any:
        """A ``graphviz.Digraph``."""
        return digraph(picture_of(shown))

    def show(self, shown: Any) -> None:
        """Display it in a notebook, or write its text tree where there is none."""
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.display import display

        if InteractiveShell.initialized():
            display(shown)
        else:
            sys.stdout.write(self.mimebundle(shown)["text/plain"] + "\n")
