"""A step: one Python script with its command line, what it reads and what it writes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nbpipe.core.argument import CommandLine, StepInput, flat, param_piece, source_of
from nbpipe.core.compute import LOCAL
from nbpipe.core.data import InputPortBinding, PipelineData, origin, port_name
from nbpipe.core.dataset import DatasetConsumptionConfig, FileDataset, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, DataPathComputeBinding, DataReference
from nbpipe.core.environment import EnvironmentSpec, RunConfiguration
from nbpipe.core.graph import CellSource, FolderSource, Graph, InputPort, Node, OutputPort, place_of
from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.placement import Placement
from nbpipe.core.port import PORT_NAME, check_name
from nbpipe.core.sequence import PipelineStep
from nbpipe.errors import InvalidPipeline, Problem, UsageError

RUNCONFIG_PROPERTIES = (
    "NodeCount", "MpiProcessCountPerNode", "TensorflowWorkerCount", "TensorflowParameterServerCount",
)  # fmt: skip
"""Properties that ``runconfig_pipeline_params`` may set (Azure ML v1)."""


class PythonScriptStep(PipelineStep):
    """A step that runs a Python script (Azure ML v1's ``PythonScriptStep``, same parameters, same checks).

    Args:
        script_name: the script, relative to ``source_directory``.
        name: the step's name; default: ``script_name``.
        arguments: the script's command line: text, numbers, parameters and data objects, in any mix.
        compute_target: a target object, its name, or ``(name, type)``; default: the run configuration's,
            then the workspace's, which is ``local``.
        runconfig: how the process is run.
        runconfig_pipeline_params: run configuration property -> PipelineParameter.
        inputs, outputs: data that the step reads and writes.
        params: name -> value or PipelineParameter; each becomes the variable ``AML_PARAMETER_<name>``.
        source_directory: folder whose files are the step's code; default: the pipeline's, then the working
            directory.
        allow_reuse: False makes the step run each time.
        version: part of the fingerprint; change it to make the step run again.
        hash_paths: deprecated in v1 and without effect; warns.

    Raises:
        UsageError: (a ``ValueError``) a missing script name; a data object in ``arguments`` that is in
            neither list; a bare dataset; a name bound twice; a wrong type in any list.

    Example:
        >>> clean = PipelineData("clean")
        >>> step = PythonScriptStep("prep.py", arguments=["--out", clean], outputs=[clean])
        >>> step.name, clean.producer is step
        ('prep.py', True)
    """

    step_type = "PythonScriptStep"

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: Iterable[Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, PipelineParameter] | None = None,
        inputs: Iterable[Any] | None = None,
        outputs: Iterable[Any] | None = None,
        params: Mapping[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: Iterable[str] | None = None,
    ) -> None:
        if not isinstance(script_name, str) or not script_name:
            raise UsageError(f"A step's script_name is a text; this one is {script_name!r}.")
        super().__init__(name or script_name)
        if hash_paths:
            warnings.warn(
                "hash_paths has no effect: every file of source_directory counts.",
                DeprecationWarning,
                stacklevel=2,
            )
        self.script_name = script_name
        self.arguments = list(arguments or ())
        self.compute_target = compute_target
        self.runconfig = runconfig or RunConfiguration()
        self.runconfig_pipeline_params = dict(runconfig_pipeline_params or {})
        self.params = dict(params or {})
        self.source_directory = source_directory
        self.source: CellSource | None = None
        self.allow_reuse = allow_reuse
        self.version = version
        self.outputs = self._declared_outputs(outputs or ())
        self.inputs = self._declared_inputs(inputs or ())
        self._check_params()
        for argument in self.arguments:
            self.command_line.word(argument)

    def _declared_outputs(self, outputs: Iterable[Any]) -> dict[str, Any]:
        declared: dict[str, Any] = {}
        in_arguments = [each for each in flat(self.arguments) if isinstance(each, OutputFileDatasetConfig)]
        for position, output in enumerate(_once([*outputs, *in_arguments])):
            data = output if isinstance(output, OutputFileDatasetConfig) else source_of(output)
            if isinstance(output, InputPortBinding) or not isinstance(
                data, PipelineData | OutputFileDatasetConfig
            ):
                raise UsageError(f"Step {self.name} has {output!r} among its outputs.", remedy=_OUTPUT_TYPES)
            if isinstance(data, OutputFileDatasetConfig) and data.origin.name is None:
                data.origin.name = re.sub(r"\W", "_", f"{self.name}_output{position + 1}", flags=re.ASCII)
            port = port_name(data)
            if port in declared:
                raise UsageError(f"Step {self.name} has two outputs named {port}.")
            declared[port] = data
            origin(data).producer = self
        return declared

    def _declared_inputs(self, inputs: Iterable[Any]) -> dict[str, StepInput]:
        declared: dict[str, StepInput] = {}
        written = {id(origin(data)) for data in self.outputs.values()}
        in_arguments = [
            each
            for each in flat(self.arguments)
            if _is_input_by_itself(each) and id(source_of(each)) not in written
        ]
        for position, given in enumerate(_once([*inputs, *in_arguments])):
            step_input = self._read_input(given, position)
            if step_input.name in self.outputs:
                step_input = replace(step_input, name=f"INPUT_{step_input.name}")
            if step_input.name in declared:
                raise UsageError(f"Step {self.name} has two inputs named {step_input.name}.")
            declared[step_input.name] = step_input
        return declared

    def _read_input(self, given: Any, position: int) -> StepInput:
        if isinstance(given, InputPortBinding):
            return self._read_binding(given, position)
        if isinstance(given, PipelineData):
            return StepInput(given.output_name, given)
        if isinstance(given, DataReference):
            return StepInput(given.data_reference_name, given, given.mode)
        if isinstance(given, DatasetConsumptionConfig):
            return StepInput(self._dataset_input_name(given, position), given.dataset, given.mode, "dataset")
        if _is_data_path(given):
            return StepInput(check_name(given[0].name, PORT_NAME, "an input"), given[0], given[1].mode)
        if isinstance(given, OutputFileDatasetConfig):
            return self._read_input(given.as_input(), position)
        if isinstance(given, FileDataset):
            raise UsageError(
                f"Step {self.name} reads a dataset that has no name.",
                remedy='Name it:  dataset.as_named_input("raw").as_mount()',
            )
        raise UsageError(f"Step {self.name} has {given!r} among its inputs.", remedy=_INPUT_TYPES)

    def _read_binding(self, given: InputPortBinding, position: int) -> StepInput:
        bound = given.bind_object
        if bound is None:
            raise UsageError(f"Input {given.name} of step {self.name} is bound to nothing.")
        if isinstance(bound, FileDataset):
            bound = bound.as_named_input(given.name)
        return replace(self._read_input(bound, position), name=given.name, mode=given.bind_mode)

    def _dataset_input_name(self, given: DatasetConsumptionConfig, position: int) -> str:
        """A name that is the same at every build: v1's random one is why nothing was ever reused."""
        if given.name is not None:
            return given.name
        source = given.dataset
        named = port_name(source) if isinstance(source, PipelineData | OutputFileDatasetConfig) else None
        return named or f"input_{position + 1}"

    def _check_params(self) -> None:
        for name, value in self.params.items():
            if not isinstance(value, (*SIMPLE_TYPES, PipelineParameter)):
                raise UsageError(
                    f"params[{name!r}] of step {self.name} is {value!r}.", remedy="A value or parameter."
                )
        for key, value in self.runconfig_pipeline_params.items():
            if not isinstance(value, PipelineParameter):
                raise UsageError(
                    f"runconfig_pipeline_params[{key!r}] of step {self.name} is {value!r}.",
                    remedy="A value is a PipelineParameter.",
                )
            if value.name in self.params:
                raise UsageError(f"Parameter {value.name} of step {self.name} is in params already.")
        for value in flat(self.arguments):
            bound = self.params.get(value.name) if isinstance(value, PipelineParameter) else None
            if bound is not None and bound is not value and getattr(bound, "name", None) != value.name:
                raise UsageError(f"Step {self.name} binds the name {value.name} to two different things.")

    @property
    def place(self) -> str:
        """Where it was declared, for messages: ``prep.py (cell 3)``, else its name."""
        return place_of(self.script_name, self.source) if self.source else self.name

    @property
    def command_line(self) -> CommandLine:
        """What its arguments may speak of, and the words they become."""
        return CommandLine(self.name, self.inputs, self.outputs, self.params)

    def create_node(self, graph: Graph, default_datastore: Any = None, context: Any = None) -> Node:
        """Add this step to a graph as a node.

        Args:
            graph: where it goes; the producers of its inputs must be there.
            default_datastore, context: kept for Azure ML v1; ``context`` may be a ``Placement``.

        Raises:
            InvalidPipeline: an input has no producer in the graph.
        """
        del default_datastore
        placement = context if isinstance(context, Placement) else Placement.of(graph)
        node = self.to_node(graph, placement)
        for port in node.inputs:
            if port.source_port and port.source_id not in (*graph.node_dict, node.node_id):
                raise InvalidPipeline([self._nobody_makes(port.source_port, node.node_id)])
        graph.add_node(node)
        return node

    def to_node(self, graph: Graph, placement: Placement, known: Node | None = None) -> Node:
        """The node of this step, with its data sources and parameters put into the graph.

        Args:
            graph: where it goes.
            placement: of all steps in it.
            known: the node of this step in an earlier graph, if nobody has changed the step since; it is given again
                where what the step reads and waits for has the same names in both graphs.
        """
        node_id = placement.id_of(self, graph)
        for name, parameter in self._parameters().items():
            graph.parameters[name] = placement.value_of(parameter)
        inputs = tuple(self._input_port(each, node_id, graph, placement) for each in self.inputs.values())
        run_after = tuple(
            placement.id_of(step, graph) for step in self.run_after_steps if placement.holds(step)
        )
        target = self.target_name() or placement.default_target
        named = (node_id, inputs, run_after, target)
        if known is not None and (known.node_id, known.inputs, known.run_after, known.target) == named:
            return known
        return Node(
            node_id=node_id,
            name=self.name,
            script=self.script_name,
            source=self.source or FolderSource(self.source_directory or placement.source_directory),
            arguments=tuple(self.command_line.word(argument) for argument in self.arguments),
            inputs=inputs,
            outputs=tuple(_output_port(name, data, node_id) for name, data in self.outputs.items()),
            params={name: param_piece(value) for name, value in self.params.items()},
            run_after=run_after,
            target=target,
            environment=self._environment(placement),
            allow_reuse=self.allow_reuse,
            version=self.version or "",
        )

    def target_name(self) -> str:
        """Name of the compute target that the step asks for, or empty."""
        target = self.compute_target if self.compute_target is not None else self.runconfig.target
        if isinstance(target, tuple):
            return str(target[0])
        name = target if isinstance(target, str) else getattr(target, "name", "")
        return "" if name == LOCAL and self.compute_target is None else str(name)

    def target_is_declared(self) -> bool:
        """True for a ``(name, type)`` target, whose look-up v1 skips."""
        return isinstance(self.compute_target, tuple)

    def _environment(self, placement: Placement) -> EnvironmentSpec:
        spec = self.runconfig.spec()
        count = self.runconfig_pipeline_params.get("NodeCount")
        if count is None:
            return spec
        value = placement.value_of(count)
        if not isinstance(value, int) or value < 1:
            raise UsageError(f"Parameter {count.name} is the NodeCount of step {self.name} and is {value!r}.")
        return replace(spec, node_count=value)

    def _parameters(self) -> dict[str, PipelineParameter]:
        found = [value for value in flat(self.arguments) if isinstance(value, PipelineParameter)]
        found += [value for value in self.params.values() if isinstance(value, PipelineParameter)]
        found += self.runconfig_pipeline_params.values()
        return {each.name: each for each in found if isinstance(each.default_value, SIMPLE_TYPES)}

    def _input_port(self, given: StepInput, node_id: str, graph: Graph, placement: Placement) -> InputPort:
        data = given.data
        if isinstance(data, PipelineParameter):
            data = placement.value_of(data)
        if isinstance(data, PipelineData | OutputFileDatasetConfig):
            producer = placement.producer_of(data)
            if producer is None:
                raise InvalidPipeline([self._nobody_makes(port_name(data), node_id)])
            source_id = placement.id_of(producer, graph)
            return InputPort(node_id, given.name, given.mode, source_id, port_name(data), given.kind)
        paths, is_file = _local_paths(data)
        source = graph.add_data_source(_shown_name(paths), paths, is_file=is_file)
        return InputPort(node_id, given.name, given.mode, source.node_id, "", given.kind)

    def _nobody_makes(self, port: str, node_id: str) -> Problem:
        remedy = "Name it in the outputs of the step that writes it."
        return Problem(f"Nothing makes {{{port}}}. Step {self.name} wants it.", remedy, node_id)

    def __repr__(self) -> str:
        return f"PythonScriptStep({self.script_name!r}, name={self.name!r})"


def _once(values: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if not any(_same(value, other) for other in kept):
            kept.append(value)
    return kept


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, OutputFileDatasetConfig) and isinstance(other, OutputFileDatasetConfig):
        return one.origin is other.origin
    if isinstance(one, DatasetConsumptionConfig) and isinstance(other, DatasetConsumptionConfig):
        return (one.name, one.mode) == (other.name, other.mode) and source_of(one) is source_of(other)
    if _is_data_path(one) and _is_data_path(other):
        return one[0] is other[0]
    return one is other


def _is_data_path(value: Any) -> bool:
    """True for v1's ``(PipelineParameter(DataPath), DataPathComputeBinding)``."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], PipelineParameter)
        and isinstance(value[0].default_value, DataPath)
        and isinstance(value[1], DataPathComputeBinding)
    )


def _is_input_by_itself(value: Any) -> bool:
    """Datasets and data paths in ``arguments`` are inputs without being listed; v1 does the same."""
    return isinstance(value, DatasetConsumptionConfig) or _is_data_path(value)


def _output_port(name: str, data: Any, node_id: str) -> OutputPort:
    if isinstance(data, PipelineData):
        return OutputPort(node_id, name, data.form, data.file_name, data.output_mode)
    destination = data.destination[0].local_path(data.destination[1]) if data.destination else ""
    if "://" in destination:
        raise UsageError(
            f"Output {name} is to be copied to {data.destination[0].name}, which is no folder of this machine.",
            remedy="Share all results there, ws.share(...), or copy it in a step of its own.",
        )
    return OutputPort(
        node_id, name, "folder", name, data.mode, "dataset", destination, data.registered_as or ""
    )


def _local_paths(data: Any) -> tuple[tuple[str, ...], bool]:
    if isinstance(data, FileDataset):
        return data.paths, data.is_file
    if isinstance(data, DataReference | DataPath):
        path = data.path_on_datastore
        return (data.datastore.local_path(path) if data.datastore else path,), False
    raise UsageError(f"{data!r} is no data that a step can read.", remedy=_INPUT_TYPES)


def _shown_name(paths: tuple[str, ...]) -> str:
    first = re.split(r"[\\/]", paths[0].rstrip("\\/"))[-1] or paths[0]
    return first if len(paths) == 1 else f"{first} +{len(paths) - 1}"


_INPUT_TYPES = "Inputs are PipelineData, InputPortBinding, DataReference and named datasets."
_OUTPUT_TYPES = "Outputs are PipelineData and OutputFileDatasetConfig."
