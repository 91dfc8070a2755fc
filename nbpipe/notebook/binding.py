"""Late binding: the names on magic lines become steps' outputs, data and parameters, when a plan is made."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from nbpipe.core.argument import Joined
from nbpipe.core.data import InputPortBinding, PipelineData
from nbpipe.core.dataset import Dataset, DatasetConsumptionConfig, FileDataset, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, DataReference
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.graph import CellSource
from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.pipeline import Pipeline, PipelineWorkspace
from nbpipe.core.step import PythonScriptStep
from nbpipe.core.validation import close_to
from nbpipe.errors import InvalidPipeline, NbpipeError, Problem
from nbpipe.notebook.declaration import Declaration
from nbpipe.notebook.settled import SettledPipeline
from nbpipe.notebook.words import Read, Word, Write

DATA_TYPES = (
    PipelineData,
    InputPortBinding,
    OutputFileDatasetConfig,
    DatasetConsumptionConfig,
    DataReference,
    FileDataset,
    DataPath,
    PurePath,
)
"""Types of notebook variables that are data."""


def bind(
    declarations: Sequence[Declaration],
    namespace: Mapping[str, Any],
    workspace: PipelineWorkspace,
    *,
    name: str,
    folder: Path,
) -> Pipeline:
    """Make the pipeline that declarations mean now.

    Args:
        declarations: its steps.
        namespace: the notebook's variables.
        workspace: where it is planned and run.
        name: the pipeline's name.
        folder: the notebook's folder, against which paths are read.

    Raises:
        InvalidPipeline: every problem of every step: names nobody makes, values no step can take, and all
            that ``Pipeline`` finds at build.
    """
    return Binding(declarations, namespace, folder).pipeline(workspace, name)


class _Refused(Exception):
    """A name that cannot be bound: what to say about it."""

    def __init__(self, fact: str, remedy: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.remedy = remedy


class Binding:
    """All names of one pipeline, each bound once, so that two mentions mean the same object.

    Args:
        declarations, namespace, folder: as for ``bind``.
        earlier: what was bound before: steps whose cell and whose names mean what they meant are taken from it.

    Attributes:
        taken: step name -> what its names mean, and the step.
    """

    def __init__(
        self,
        declarations: Sequence[Declaration],
        namespace: Mapping[str, Any],
        folder: Path,
        earlier: Binding | None = None,
    ) -> None:
        self.namespace = namespace
        self.folder = folder
        self.problems: list[Problem] = []
        self._declarations = declarations
        self.steps = {declaration.name: declaration for declaration in declarations}
        self.taken: dict[str, tuple[dict[str, Any], PythonScriptStep]] = {}
        self._earlier = earlier if earlier and earlier.folder == folder else None
        self.made = {
            (declaration.name, write.name): self._known_output(declaration, write)
            for declaration in declarations
            for write in declaration.line.writes()
        }
        self.makers: dict[str, list[str]] = {}
        for step, output in self.made:
            self.makers.setdefault(output, []).append(step)
        self.bound: dict[str, Any] = {}

    def pipeline(self, workspace: PipelineWorkspace, name: str, earlier: Pipeline | None = None) -> Pipeline:
        """The pipeline, whose nodes are those of an earlier one where nothing is new; raises as ``bind`` does."""
        steps = [made for each in self._declarations if (made := self.step(each)) is not None]
        self._earlier = None
        try:
            if all(each.line.settled for each in self._declarations):
                pipeline: Pipeline = SettledPipeline(workspace, steps, name=name, earlier=earlier)
            else:
                pipeline = Pipeline(workspace, steps, name=name)
        except InvalidPipeline as error:
            raise InvalidPipeline([*self.problems, *error.problems]) from None
        if self.problems:
            raise InvalidPipeline(self.problems)
        return pipeline

    def _is_known(self, declared: Declaration) -> bool:
        """True where the step's cell is the one that was bound before."""
        return self._earlier is not None and self._earlier.steps.get(declared.name) is declared

    def _known_output(self, declared: Declaration, write: Write) -> PipelineData:
        """An output; the object of before where it is written as before, so that who reads it need not be made anew."""
        known = self._earlier.made.get((declared.name, write.name)) if self._earlier else None
        if known is None or (known.file_name, known.form) != (write.file_name, write.form):
            return PipelineData(write.name, file_name=write.file_name, form=write.form)
        if not self._is_known(declared):
            known.producer = None  # until its new step is made
        return known

    def step(self, declared: Declaration) -> PythonScriptStep | None:
        """The step of a declaration, or None when it has a problem that leaves no step.

        It is the one of before where its cell is the same, and every name on its magic line means the same object.
        """
        line = declared.line
        bound = {text: self._bind(read, declared) for text, read in line.by_text.items()}
        known = self._earlier.taken.get(declared.name) if self._earlier else None
        if known and line.settled and self._is_known(declared) and _same_objects(known[0], bound):
            self.taken[declared.name] = known
            return known[1]
        step = self._new_step(declared, bound)
        if step is not None:
            self.taken[declared.name] = (bound, step)
        return step

    def _new_step(self, declared: Declaration, bound: dict[str, Any]) -> PythonScriptStep | None:
        line = declared.line
        names = _input_names(bound)
        data = {text: _named(found, names[text]) if text in names else found for text, found in bound.items()}
        try:
            step = PythonScriptStep(
                line.script,
                name=line.name,
                arguments=[_argument(word, data, self.made, declared.name) for word in line.words],
                compute_target=self._target(declared),
                runconfig=self._configuration(declared),
                inputs=[data[text] for text in names],
                outputs=[self.made[declared.name, write.name] for write in line.writes()],
                params={
                    name: data[value.text] if isinstance(value, Read) else value
                    for name, value in line.params
                },
                source_directory=self._whole(line.source_directory) if line.source_directory else None,
                allow_reuse=not line.no_reuse,
                version=line.version or None,
            )
        except (_Refused, NbpipeError) as error:
            self._report(declared, error.fact, error.remedy or "")
            return None
        if not line.source_directory:
            extra = tuple(self._whole(path) for path in line.with_paths)
            script = self._whole(declared.script_path(self.folder))
            step.source = CellSource(script, self._whole(self.folder), extra, declared.cell.label)
        return step

    def _report(self, declared: Declaration, fact: str, remedy: str = "") -> None:
        self.problems.append(Problem(fact, remedy, declared.name))

    def _whole(self, path: str | Path) -> str:
        """A path as the graph takes it: whole, so that it means the same in every working directory."""
        return os.path.normpath(self.folder / Path(path).expanduser())

    def _bind(self, read: Read, declared: Declaration) -> Any:
        """What a placeholder means; a text in its place, and a problem noted, where it means nothing."""
        try:
            return self._meaning(read, declared)
        except (_Refused, NbpipeError) as error:
            self._report(declared, error.fact, error.remedy or "")
            return str(read)

    def _meaning(self, read: Read, declared: Declaration) -> Any:
        if read.path:
            return self._once(read.text, lambda: self._files(read.path))
        if read.step:
            return self._output_of(read, declared)
        makers = [name for name in self.makers.get(read.name, ()) if name != declared.name]
        if len(makers) > 1:
            raise self._ambiguous(read.name, [self.steps[name] for name in makers])
        if makers:
            return self.made[makers[0], read.name]
        if read.name in self.namespace:
            return self._once(
                read.name, lambda: self._variable(read.name, self.namespace[read.name], declared)
            )
        if read.name in declared.outputs:
            raise _Refused(f"{declared.name} reads what it writes.", "Give the output another name.")
        raise self._unknown(read, declared)

    def _once(self, key: str, make: Any) -> Any:
        """A name's meaning, made at its first mention; the object of before where that means the same."""
        if key not in self.bound:
            made = make()
            before = self._earlier.bound.get(key) if self._earlier else None
            self.bound[key] = before if _means_the_same(before, made) else made
        return self.bound[key]

    def _files(self, path: str) -> FileDataset:
        return FileDataset([self._whole(path)])

    def _output_of(self, read: Read, declared: Declaration) -> PipelineData:
        found = self.made.get((read.step, read.name))
        if found is not None:
            return found
        if read.step in self.steps:
            outputs = self.steps[read.step].outputs
            meant = close_to(read.name, outputs)
            hint = f" Did you mean {{{read.step}.{meant}}}?" if meant else ""
            listed = ", ".join(f"{{{read.step}.{name}}}" for name in outputs)
            raise _Refused(
                f"Step {read.step} makes no {{{read.name}}}. Step {declared.called} wants it.{hint}",
                f"It makes: {listed}" if outputs else "It makes nothing: its magic line has no {>...}.",
            )
        raise self._unknown(read, declared)

    def _variable(self, name: str, value: Any, declared: Declaration) -> Any:
        """A notebook variable as data or as a parameter."""
        if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
            value = value.item()
        if isinstance(value, PurePath):
            return self._files(str(value))
        if isinstance(value, DataPath):
            return Dataset.File.from_files(value)
        if isinstance(value, (*DATA_TYPES, PipelineParameter)):
            return value
        if isinstance(value, str):
            self._check_text(name, value, declared)
        if isinstance(value, SIMPLE_TYPES):
            return PipelineParameter(name, value)
        raise _Refused(
            f"{name} is a {type(value).__name__}. Step {declared.called} wants {{{name}}}, and a script takes data "
            "by path and numbers or text by value.",
            "Save it in a step and pass the file, or pass what it was read from:  {./data/file.csv}",
        )

    def _check_text(self, name: str, value: str, declared: Declaration) -> None:
        """Refuse a text that names a file: its content would not be tracked."""
        with suppress(OSError, ValueError):
            path = self.folder / value
            is_folder = path.is_dir() and ("/" in value or os.sep in value)
            if value.strip() and (path.is_file() or is_folder):
                shown = (
                    value if value.startswith((".", "/")) or PurePath(value).is_absolute() else f"./{value}"
                )
                raise _Refused(
                    f"{name} is a text that names {'a folder' if is_folder else 'a file'}, {value}; its content "
                    f"would not be tracked. Step {declared.called} wants {{{name}}}.",
                    f"Pass it by content:  {{{shown}}}   or:  {name} = pathlib.Path({value!r})",
                )

    def _ambiguous(self, output: str, makers: Sequence[Declaration]) -> _Refused:
        first, last = makers[0], makers[-1]
        listed = ", ".join(each.place for each in makers[:-1]) + f" and {last.place}"
        count = {2: "Two", 3: "Three"}.get(len(makers), str(len(makers)))
        return _Refused(
            f"{count} steps make {{{output}}}: {listed}.",
            f"If {last.line.script} replaces {first.line.script}:  %pipeline_remove {first.name}\n"
            f"If both are meant, say which:  {{{first.name}.{output}}}  or  {{{last.name}.{output}}}",
        )

    def _unknown(self, read: Read, declared: Declaration) -> _Refused:
        fact = f"Nothing makes {read}. Step {declared.called} wants it."
        if (self.folder / read.text).exists():
            return _Refused(fact, f"There is a file of that name; pass it by content:  {{./{read.text}}}")
        makers = {name: f"{{{name}}}, made by {step}" for step, name in self.made if step != declared.name}
        makers |= {
            f"{step}.{name}": f"{{{step}.{name}}}" for step, name in self.made if step != declared.name
        }
        variables = {
            name: f"{{{name}}}, a variable of this notebook"
            for name, value in self.namespace.items()
            if not name.startswith("_") and isinstance(value, (*DATA_TYPES, *SIMPLE_TYPES, PipelineParameter))
        }
        meant = close_to(read.text, makers) or close_to(read.text, variables)
        if meant:
            return _Refused(f"{fact} Did you mean {(makers | variables)[meant]}?")
        known = ", ".join(f"{{{name}}}" for name in makers if "." not in name)
        listed = f"Steps make: {known}\n" if known else ""
        return _Refused(fact, f"{listed}Run the cell that sets it, or write {{{read}}} for the text itself.")

    def _target(self, declared: Declaration) -> Any:
        target = declared.line.compute_target
        if not isinstance(target, Read):
            return target or None
        if target.name not in self.namespace or target.step:
            raise _Refused(
                f"No variable {target.text}. Step {declared.called} wants it as its compute target."
            )
        return self.namespace[target.name]

    def _configuration(self, declared: Declaration) -> RunConfiguration:
        line = declared.line
        made = copy.deepcopy(self.namespace.get(line.runconfig)) if line.runconfig else RunConfiguration()
        if not isinstance(made, RunConfiguration):
            meant = [name for name, value in self.namespace.items() if isinstance(value, RunConfiguration)]
            raise _Refused(
                f"No RunConfiguration {line.runconfig}. Step {declared.called} wants it.",
                f"This notebook has: {', '.join(meant) or 'none'}",
            )
        if line.python:
            beside = self.folder / Path(line.python).expanduser()
            made.environment.python.interpreter_path = str(beside) if beside.exists() else line.python
        made.environment_variables |= {name: value for name, value in line.env if value is not None}
        made.inherited_variables += [name for name, value in line.env if value is None]
        made.secret_variables += line.secret
        resources = made.resources
        resources.gpus = line.gpus or resources.gpus
        resources.memory = line.memory or resources.memory
        resources.timeout = line.timeout or resources.timeout
        resources.retries = line.retries or resources.retries
        return made


def _same_objects(known: Mapping[str, Any], bound: Mapping[str, Any]) -> bool:
    return known.keys() == bound.keys() and all(value is bound[text] for text, value in known.items())


def _means_the_same(before: Any, made: Any) -> bool:
    """True for the same file, and for a parameter of the same value and type."""
    if isinstance(before, PipelineParameter) and type(before) is type(made):
        was, now = before.default_value, made.default_value
        return (
            before.name == made.name
            and type(was) is type(now)
            and isinstance(now, SIMPLE_TYPES)
            and was == now
        )
    if type(before) is FileDataset and type(made) is FileDataset:
        return vars(before) == vars(made)
    return False


def _input_names(bound: Mapping[str, Any]) -> dict[str, str]:
    """Placeholder -> name of the input port, for those that are data; a name stands for one thing only."""
    plain = {
        text: _plain_name(found, text)
        for text, found in bound.items()
        if isinstance(found, DATA_TYPES) or _is_data_parameter(found)
    }
    names = {}
    for text, name in plain.items():
        shared = any(plain[other] == name and bound[other] is not bound[text] for other in plain)
        names[text] = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") if shared else name
    return names


def _is_data_parameter(found: Any) -> bool:
    return isinstance(found, PipelineParameter) and not isinstance(found.default_value, SIMPLE_TYPES)


def _plain_name(found: Any, text: str) -> str:
    if isinstance(found, PipelineData):
        return found.output_name
    named = found.data_reference_name if isinstance(found, DataReference) else getattr(found, "name", None)
    stem = PurePath(text.rstrip("/\\")).name.partition(".")[0] if "/" in text or "\\" in text else text
    name = re.sub(r"\W", "_", named or stem, flags=re.ASCII) or "data"
    return f"_{name}" if name[0].isdigit() else name


def _named(found: Any, name: str) -> Any:
    """Data as an input of that name."""
    if isinstance(found, PipelineData):
        return found if found.output_name == name else found.create_input_binding(name)
    if isinstance(found, OutputFileDatasetConfig):
        return found.as_input(name)
    if isinstance(found, FileDataset):
        return found.as_named_input(name).as_mount()
    if _is_data_parameter(found):
        return DatasetConsumptionConfig(name, found, "mount")
    if isinstance(found, DatasetConsumptionConfig) and found.name is None:
        return found.as_named_input(name)
    return found


def _argument(
    word: Word, data: Mapping[str, Any], made: Mapping[tuple[str, str], PipelineData], step: str
) -> Any:
    """One word of the command line as ``PythonScriptStep`` takes it."""
    parts = tuple(_part(part, data, made, step) for part in word.parts)
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else Joined(parts)


def _part(part: Any, data: Mapping[str, Any], made: Mapping[tuple[str, str], PipelineData], step: str) -> Any:
    if isinstance(part, str):
        return part
    return data[part.text] if isinstance(part, Read) else made[step, part.name]
