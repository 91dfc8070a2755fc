"""The pipeline: steps put together into a graph, checked at Azure ML v1's moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from nbpipe.core.argument import flat
from nbpipe.core.compute import LOCAL
from nbpipe.core.data import origin
from nbpipe.core.display import Displayed
from nbpipe.core.graph import Graph, Node
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.placement import Placement
from nbpipe.core.sequence import PipelineStep, steps_in
from nbpipe.core.step import RUNCONFIG_PROPERTIES, PythonScriptStep
from nbpipe.core.validation import (
    build_problems,
    circle_problems,
    default_problems,
    parameter_problems,
    two_makers_problem,
)
from nbpipe.errors import InvalidPipeline, Problem, UsageError


class PipelineWorkspace(Protocol):
    """What a pipeline asks of the workspace it belongs to."""

    @property
    def compute_targets(self) -> Mapping[str, Any]:
        """Targets by name."""

    def script_problem(self, node: Node) -> str:
        """Why a node's script cannot be found, or an empty string."""

    @property
    def plan(self) -> Callable[..., Any]:
        """Makes the plan of a pipeline."""

    @property
    def submit(self) -> Callable[..., Any]:
        """Starts a run of a pipeline."""


class Pipeline(Displayed):
    """Steps and the data between them (Azure ML v1's ``Pipeline``).

    Args:
        workspace: where it is planned and run.
        steps: a step, a nested list, a ``StepSequence``, or data whose producer is meant.
        description: free text.
        default_datastore: kept for v1.
        default_source_directory: code folder of steps that name none; default: the working directory.
        resolve_closure: pull in the steps that make the inputs of the given ones.
        name: name of the pipeline; default ``pipeline``.

    Raises:
        InvalidPipeline: with every problem known at build: a missing script, an unknown compute target or run
            configuration property, an input nobody makes, an output made twice, a parameter with two
            defaults.

    Example:
        ``Pipeline(ws, steps=[compare]).submit("demo")`` builds the graph of ``compare`` and all it needs,
        and runs it.
    """

    def __init__(
        self,
        workspace: PipelineWorkspace,
        steps: Any,
        description: str | None = None,
        default_datastore: Any = None,
        default_source_directory: str | None = None,
        resolve_closure: bool = True,
        *,
        name: str = "pipeline",
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.description = description or ""
        self.default_datastore = default_datastore
        self.default_source_directory = default_source_directory or "."
        given = list(dict.fromkeys(steps_in(steps)))
        self.steps = with_producers(given) if resolve_closure else given
        self.graph = Graph(name)
        placement = self._placement({}, self.graph)
        problems = [
            *self._declaration_problems(placement),
            *self._add_nodes(self.graph, placement),
            *build_problems(
                self.graph, script_problem=workspace.script_problem, targets=self._known_targets()
            ),
        ]
        if problems:
            raise InvalidPipeline(problems)

    def _known_targets(self) -> Mapping[str, Any]:
        declared = {step.target_name(): None for step in self._scripts() if step.target_is_declared()}
        return {**declared, **self.workspace.compute_targets}

    def _scripts(self) -> list[PythonScriptStep]:
        return [step for step in self.steps if isinstance(step, PythonScriptStep)]

    def _declaration_problems(self, placement: Placement) -> Iterable[Problem]:
        makers: dict[int, PythonScriptStep] = {}
        defaults: dict[str, list[tuple[str, Any]]] = {}
        for step in self._scripts():
            node_id = placement.id_of(step, self.graph)
            for name, data in step.outputs.items():
                other = makers.setdefault(id(origin(data)), step)
                if other is not step:
                    yield two_makers_problem(name, other.place, step.place, node_id)
            for key in step.runconfig_pipeline_params:
                if key not in RUNCONFIG_PROPERTIES:
                    fact = f"runconfig_pipeline_params of step {step.name} names {key}."
                    yield Problem(fact, f"Properties: {', '.join(RUNCONFIG_PROPERTIES)}", node_id)
            for parameter in self._parameters_of(step):
                defaults.setdefault(parameter.name, []).append((step.name, parameter.default_value))
        yield from default_problems(defaults)

    def _placement(self, values: Mapping[str, Any], graph: Graph, target: str = LOCAL) -> Placement:
        makers = {id(origin(data)): step for step in self._scripts() for data in step.outputs.values()}
        placement = Placement(
            values=values,
            source_directory=self.default_source_directory,
            default_target=target,
            producer_of=lambda data: makers.get(id(origin(data))),
        )
        placement.place(self.steps, graph)
        return placement

    def _add_nodes(self, graph: Graph, placement: Placement) -> Iterable[Problem]:
        for step in self._scripts():
            try:
                graph.add_node(step.to_node(graph, placement, self._known_node(step)))
            except InvalidPipeline as error:
                yield from error.problems
            except UsageError as error:
                yield Problem(error.fact, error.remedy or "", placement.id_of(step, graph))

    def _known_node(self, step: PythonScriptStep) -> Node | None:
        """The node of a step in an earlier graph, where it is certain that nobody has changed the step since."""
        del step
        return None

    def _parameters_of(self, step: PythonScriptStep) -> Sequence[PipelineParameter]:
        return parameters_of(step)

    def graph_for(self, values: Mapping[str, Any] | None = None, target: str = LOCAL) -> Graph:
        """The graph with some parameter values set, and a compute target for the steps that name none.

        Raises:
            InvalidPipeline: an unknown parameter, a value that its parameter cannot have, or steps in a
                circle.
        """
        given = dict(values or {})
        defaults = {
            each.name: each.default_value for step in self._scripts() for each in self._parameters_of(step)
        }
        problems = list(parameter_problems(defaults, given))
        if problems:
            raise InvalidPipeline(problems)
        graph = Graph(self.name)
        problems = [*self._add_nodes(graph, self._placement(given, graph, target)), *circle_problems(graph)]
        if problems:
            raise InvalidPipeline(problems)
        return graph

    def validate(self) -> list[str]:
        """Every problem of the graph as a line of text; empty when it can be planned."""
        return [str(problem) for problem in circle_problems(self.graph)]

    def plan(self, pipeline_parameters: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """What will run, what will be reused, and why; nothing is started.

        Args:
            pipeline_parameters: name -> value.
            **options: ``force`` (step names, or ``"all"``), ``target`` (of steps that name none).

        Returns:
            A ``Plan``.
        """
        return self.workspace.plan(self, pipeline_parameters=pipeline_parameters, **options)

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Mapping[str, Any] | None = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: str | None = None,
        credential_passthrough: bool | None = None,
        **options: Any,
    ) -> Any:
        """Start a run and return at once.

        Args:
            experiment_name: groups runs.
            pipeline_parameters: name -> value for this run.
            continue_on_step_failure: go on with steps that do not depend on a failed one.
            regenerate_outputs: reuse nothing.
            parent_run_id, credential_passthrough: kept for v1.
            **options: ``force``, ``jobs``, ``tags``, ``target``.

        Returns:
            A ``PipelineRun``.
        """
        del parent_run_id, credential_passthrough
        return self.workspace.submit(
            self, experiment_name, pipeline_parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure, regenerate_outputs=regenerate_outputs,
            **options,
        )  # fmt: skip


def with_producers(steps: Iterable[PipelineStep]) -> list[PipelineStep]:
    """The steps and all that make their inputs or go before them, which stand before what needs them."""
    given = list(steps)
    made = {id(data) for step in given for data in _written(step)}
    ordered: dict[PipelineStep, None] = {}
    opened: set[PipelineStep] = set()
    todo = given[::-1]
    while todo:
        step = todo[-1]
        needed = [] if step in opened else [each for each in _needed(step, made) if each not in opened]
        opened.add(step)
        if needed:
            todo.extend(reversed(needed))
        else:
            ordered.setdefault(todo.pop())
    return list(ordered)


def _written(step: PipelineStep) -> list[Any]:
    return [origin(data) for data in step.outputs.values()] if isinstance(step, PythonScriptStep) else []


def _needed(step: PipelineStep, made: set[int]) -> list[PipelineStep]:
    needed = list(step.run_after_steps)
    if isinstance(step, PythonScriptStep):
        data = [origin(each.data) for each in step.inputs.values()]
        needed += [each.producer for each in data if getattr(each, "producer", None) and id(each) not in made]
    return needed


def parameters_of(step: PythonScriptStep) -> list[PipelineParameter]:
    """Every pipeline parameter that a step takes, data ones included."""
    found = [
        value
        for value in [*flat(step.arguments), *step.params.values()]
        if isinstance(value, PipelineParameter)
    ]
    found += [each.data for each in step.inputs.values() if isinstance(each.data, PipelineParameter)]
    found += step.runconfig_pipeline_params.values()
    return list(dict.fromkeys(found))
