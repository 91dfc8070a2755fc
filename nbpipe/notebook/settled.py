"""A pipeline of step cells whose steps nobody changes in place, so that its graph is made once."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any

from nbpipe.core.compute import LOCAL
from nbpipe.core.graph import Graph
from nbpipe.core.pipeline import Pipeline, parameters_of
from nbpipe.core.step import PythonScriptStep
from nbpipe.core.validation import circle_problems
from nbpipe.errors import InvalidPipeline


class SettledPipeline(Pipeline):
    """A pipeline whose steps stay as they are; what changes in its cells is bound into another one.

    With a thousand steps, a graph takes as long to make as a fifth of a plan.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made_with = self._defaults()

    def graph_for(self, values: Mapping[str, Any] | None = None, target: str = LOCAL) -> Graph:
        """The graph with some parameter values and a target set; raises as that of any pipeline does."""
        if values or target != LOCAL or not self._is_as_made():
            return super().graph_for(values, target)
        problems = list(circle_problems(self.graph))
        if problems:
            raise InvalidPipeline(problems)
        return self.graph

    def _defaults(self) -> list[Any]:
        steps = (step for step in self.steps if isinstance(step, PythonScriptStep))
        return [each.default_value for step in steps for each in parameters_of(step)]

    def _is_as_made(self) -> bool:
        """Whether every parameter, which a notebook may hold in a variable, has the default that it had."""
        now = self._defaults()
        return len(now) == len(self._made_with) and all(map(is_, now, self._made_with))
