"""A pipeline of step cells whose steps nobody changes in place, so that its graph is made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import is_
from typing import Any

from nbpipe.core.compute import LOCAL
from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline, PipelineWorkspace, parameters_of
from nbpipe.core.placement import Placement
from nbpipe.core.step import PythonScriptStep
from nbpipe.core.validation import circle_problems
from nbpipe.errors import InvalidPipeline, Problem


class SettledPipeline(Pipeline):
    """A pipeline whose steps stay as they are; what changes in its cells is bound into another one.

    With a thousand steps, a graph takes as long to make as a fifth of a plan.

    Args:
        workspace, steps, name: as for any pipeline.
        earlier: the pipeline that this one takes the place of; steps that are in both are the same nodes in both, if
            all that they read is.

    Attributes:
        nodes: step of a cell -> its node.
        takes: step of a cell -> the parameters that it takes.
    """

    def __init__(
        self,
        workspace: PipelineWorkspace,
        steps: Sequence[PythonScriptStep],
        *,
        name: str = "pipeline",
        earlier: Pipeline | None = None,
    ) -> None:
        self._cells = dict.fromkeys(steps)  # not those that make what a variable of the notebook holds
        known = earlier if isinstance(earlier, SettledPipeline) else None
        self.nodes: Mapping[PythonScriptStep, Node] = known.nodes if known else {}
        self.takes: Mapping[PythonScriptStep, Sequence[PipelineParameter]] = known.takes if known else {}
        super().__init__(workspace, steps, name=name)
        self.takes = {step: self._parameters_of(step) for step in self._cells}
        self._made_with = self._defaults()

    def _add_nodes(self, graph: Graph, placement: Placement) -> Iterable[Problem]:
        yield from super()._add_nodes(graph, placement)
        ids = {step: placement.id_of(step, graph) for step in self._cells}
        made = graph.node_dict
        self.nodes = {step: made[node_id] for step, node_id in ids.items() if node_id in made}

    def _known_node(self, step: PythonScriptStep) -> Node | None:
        return self.nodes.get(step) if step in self._cells else None

    def _parameters_of(self, step: PythonScriptStep) -> Sequence[PipelineParameter]:
        known = self.takes.get(step) if step in self._cells else None
        return parameters_of(step) if known is None else known

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
        return [each.default_value for step in steps for each in self._parameters_of(step)]

    def _is_as_made(self) -> bool:
        """Whether every parameter, which a notebook may hold in a variable, has the default that it had."""
        now = self._defaults()
        return len(now) == len(self._made_with) and all(map(is_, now, self._made_with))
