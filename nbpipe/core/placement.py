"""The placement of steps in one graph: their ids, who makes what, parameter values and defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbpipe.core.compute import LOCAL
from nbpipe.core.data import origin
from nbpipe.core.graph import Graph
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.sequence import PipelineStep


class Placement:
    """Where steps stand in one graph: their ids, who makes what, parameter values and defaults.

    Args:
        values: parameter values that override defaults.
        source_directory: default of steps without one.
        default_target: the workspace's compute target.
        producer_of: says which step makes a data object; default: what the object itself remembers.
    """

    def __init__(
        self,
        *,
        values: Mapping[str, Any] | None = None,
        source_directory: str = ".",
        default_target: str = LOCAL,
        producer_of: Callable[[Any], PipelineStep | None] | None = None,
    ) -> None:
        self.values = dict(values or {})
        self.source_directory = source_directory
        self.default_target = default_target
        self.producer_of = producer_of or (lambda data: origin(data).producer)
        self._ids: dict[PipelineStep, str] = {}
        self._is_whole = False

    @staticmethod
    def of(graph: Graph) -> Placement:
        """The placement kept with a graph that is built step by step by ``create_node``."""
        if not isinstance(graph.context, Placement):
            graph.context = Placement()
        return graph.context

    def id_of(self, step: PipelineStep, graph: Graph) -> str:
        """The id of a step's node: its name, numbered where the name stands twice."""
        if step not in self._ids:
            self._ids[step] = graph.free_id(step.name)
        return self._ids[step]

    def place(self, steps: Iterable[PipelineStep], graph: Graph) -> None:
        """Give ids to all steps of a graph, in their order; after that no other step may be spoken of."""
        for step in steps:
            self.id_of(step, graph)
        self._is_whole = True

    def holds(self, step: PipelineStep) -> bool:
        """True when a step may be spoken of in this graph."""
        return not self._is_whole or step in self._ids

    def value_of(self, parameter: PipelineParameter) -> Any:
        """The value that a parameter has in this graph."""
        return self.values.get(parameter.name, parameter.default_value)
