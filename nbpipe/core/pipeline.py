"""The pipeline: steps put together into a graph, checked at Azure ML v1's moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from nbpipe.core.data import DataPath, FileDataset, origin
from nbpipe.core.display import Displayed
from nbpipe.core.graph import Graph, Node
from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.placement import Placement
from nbpipe.core.sequence import PipelineStep, steps_in
from nbpipe.core.step import RUNCONFIG_PROPERTIES, PythonScriptStep, flat
from nbpipe.core.validation import build_problems, circle_problems, default_problems, parameter_problems
from nbpipe.errors import InvalidPipeline, Problem, UsageError


class PipelineWorkspace(Protocol):
    """What a pipeline asks of the workspace it belongs to."""

    @property
    def compute_targets(self) -> Mapping[str, Any]:
        """Targets by name."""

    def script_problem(self, node: Node) -> str:
        """Why a node's script cannot be found, or an empty string."""

    def plan(self, pipeline: Pipeline, **options: Any) -> Any:
        """The plan of a pipeline."""

    def submit(self, pipeline: Pipeline, experiment_name: str, **options: Any) -> Any:
        """A run of a pipeline."""


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
            configuration property, an input nobody makes, an output made twice, a parameter with two defaults.

    Example:
        ``Pipeline(ws, steps=[compare]).submit("demo")`` builds the graph of ``compare`` and all it needs, and runs it.
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
        problems = list(self._declaration_problems())
        self.graph, unmade = self._build({})
        problems += unmade
        problems += build_problems(
            self.graph, script_problem=workspace.script_problem, targets=self._known_targets()
        )
        if problems:
            raise InvalidPipeline(problems)

    def _known_targets(self) -> Collection[str]:
        declared = {step.target_name() for step in self._scripts() if step.target_is_declared()}
        return self.workspace.compute_targets.keys() | declared

    def _scripts(self) -> list[PythonScriptStep]:
        return [step for step in self.steps if isinstance(step, PythonScriptStep)]

    def _declaration_problems(self) -> Iterable[Problem]:
        makers: dict[int, PythonScriptStep] = {}
        defaults: dict[str, list[tuple[str, Any]]] = {}
        for step in self._scripts():
            for name, data in step.outputs.items():
                other = makers.setdefault(id(origin(data)), step)
                if other is not step:
                    fact = f"Two steps make {{{name}}}: {_place(other)} and {_place(step)}."
                    yield Problem(fact, "Give one of them another output.", step.name)
            for key in step.runconfig_pipeline_params:
                if key not in RUNCONFIG_PROPERTIES:
                    fact = f"runconfig_pipeline_params of step {step.name} names {key}."
                    yield Problem(fact, f"Properties: {', '.join(RUNCONFIG_PROPERTIES)}", step.name)
            for parameter in parameters_of(step):
                defaults.setdefault(parameter.name, []).append((step.name, parameter.default_value))
        yield from default_problems(defaults)

    def _build(self, values: Mapping[str, Any]) -> tuple[Graph, list[Problem]]:
        graph = Graph(self.name)
        makers = {id(origin(data)): step for step in self._scripts() for data in step.outputs.values()}
        placement = Placement(
            values=values,
            source_directory=self.default_source_directory,
            producer_of=lambda data: makers.get(id(origin(data))),
        )
        for step in self.steps:
            placement.id_of(step, graph)
        problems: list[Problem] = []
        for step in self._scripts():
            try:
                graph.add_node(step.to_node(graph, placement))
            except InvalidPipeline as error:
                problems.extend(error.problems)
        return graph, problems

    def graph_for(self, values: Mapping[str, Any] | None = None) -> Graph:
        """The graph with some parameter values set.

        Raises:
            InvalidPipeline: an unknown parameter, or steps in a circle.
            UsageError: a value of a type that its parameter cannot have.
        """
        given = dict(values or {})
        graph, problems = self._build({name: _check_value(name, value) for name, value in given.items()})
        known = {parameter.name for step in self._scripts() for parameter in parameters_of(step)}
        simple_or_unknown = [name for name in given if name in graph.parameters or name not in known]
        problems += parameter_problems(graph, simple_or_unknown)
        problems += circle_problems(graph)
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
            **options: ``force`` (step names, or ``"all"``).

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
            **options: ``force``, ``jobs``, ``tags``.

        Returns:
            A ``PipelineRun``.
        """
        del parent_run_id, credential_passthrough
        return self.workspace.submit(
            self, experiment_name, pipeline_parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure, regenerate_outputs=regenerate_outputs, **options,
        )  # fmt: skip


def with_producers(steps: Iterable[PipelineStep]) -> list[PipelineStep]:
    """The steps and all that make their inputs or go before them, producers first where they were not given."""
    ordered: dict[PipelineStep, None] = {}
    given = list(steps)
    made = {id(origin(data)) for step in given if isinstance(step, PythonScriptStep) for data in step.outputs.values()}

    todo = list(reversed(given))
    opened: set[PipelineStep] = set()
    while todo:
        step = todo[-1]
        before = [] if step in opened else [s for s in _needed(step, made) if s not in ordered and s not in opened]
        opened.add(step)
        if before:
            todo.extend(reversed(before))
        else:
            todo.pop()
            ordered.setdefault(step)
    return list(ordered)


def _needed(step: PipelineStep, made: set[int]) -> list[PipelineStep]:
    needed = list(step.run_after_steps)
    if isinstance(step, PythonScriptStep):
        for each in step.inputs.values():
            producer = getattr(origin(each.data), "producer", None)
            if producer is not None and id(origin(each.data)) not in made:
                needed.append(producer)
    return needed


def parameters_of(step: PythonScriptStep) -> list[PipelineParameter]:
    """Every pipeline parameter that a step takes, data ones included."""
    found = [value for value in [*flat(step.arguments), *step.params.values()] if isinstance(value, PipelineParameter)]
    found += [each.data for each in step.inputs.values() if isinstance(each.data, PipelineParameter)]
    found += step.runconfig_pipeline_params.values()
    return list(dict.fromkeys(found))


def _check_value(name: str, value: Any) -> Any:
    if not isinstance(value, (*SIMPLE_TYPES, DataPath, FileDataset)):
        raise UsageError(f"Parameter {name} got {value!r}.", remedy="A value is an int, float, bool, str or data.")
    return value


def _place(step: PythonScriptStep) -> str:
    cell = step.source.cell if step.source else ""
    return f"{step.script_name} ({cell})" if cell else step.name
