"""Data that steps read and write, as declared: nothing here touches a disk."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any, Literal, Self, TypeVar

from nbpipe.errors import UsageError

T = TypeVar("T")
Mode = Literal["mount", "download", "direct"]
Form = Literal["file", "folder", "any"]
MODES = ("mount", "download", "direct")
OUTPUT_MODES = ("mount", "upload")
PORT_NAME = re.compile(r"\w+\Z", re.ASCII)
DATASET_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def check_name(name: str, pattern: re.Pattern[str], what: str) -> str:
    """Return ``name`` when it matches, else raise ``UsageError`` (rules of Azure ML v1's ports and datasets)."""
    if not isinstance(name, str) or not pattern.match(name):
        allowed = "letters, digits and _" + (", not first a digit" if pattern is DATASET_NAME else "")
        raise UsageError(f"{name!r} is no name for {what}.", remedy=f"A name has {allowed}.")
    return name


def check_mode(mode: str, allowed: tuple[str, ...], what: str) -> str:
    """Return ``mode`` when it is one of ``allowed``, else raise ``UsageError``."""
    if mode not in allowed:
        raise UsageError(f"{what} has the mode {mode!r}.", remedy=f"Modes are: {', '.join(allowed)}")
    return mode


class Datastore:
    """A named place where data lies: in this version a folder.

    Args:
        workspace: the workspace that knows it, or None.
        name: how it is called there.
        root: its folder, absolute or relative to the workspace.

    Example:
        >>> Datastore(None, "lab", root="/data/lab").path("raw/penguins.csv").path_on_datastore
        'raw/penguins.csv'
    """

    def __init__(self, workspace: Any, name: str, root: str = "") -> None:
        self.workspace = workspace
        self.name = name
        self.root = root

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> Datastore:
        """The datastore of that name in the workspace; ``UnknownName`` where there is none."""
        found: Datastore = workspace.get_datastore(datastore_name)
        return found

    @staticmethod
    def get_default(workspace: Any) -> Datastore:
        """The workspace's default datastore."""
        found: Datastore = workspace.get_default_datastore()
        return found

    def path(self, path: str = "", data_reference_name: str | None = None) -> DataReference:
        """A reference to a file or folder in this datastore."""
        return DataReference(self, data_reference_name, path)

    def __repr__(self) -> str:
        return f"Datastore({self.name!r})"


class DataPath:
    """A path on a datastore (Azure ML v1's ``DataPath``)."""

    def __init__(
        self, datastore: Datastore | None = None, path_on_datastore: str | None = None, name: str | None = None
    ) -> None:
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore or ""
        self.name = name

    @property
    def datastore_name(self) -> str | None:
        """Name of the datastore, or None."""
        return self.datastore.name if self.datastore else None


class DataPathComputeBinding:
    """How a ``DataPath`` parameter is handed to a script: as a mount or as a private copy."""

    def __init__(
        self, mode: Mode = "mount", path_on_compute: str | None = None, overwrite: bool | None = False
    ) -> None:
        self.mode = check_mode(mode, MODES, "DataPathComputeBinding")
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite


class DataReference:
    """A file or folder of a datastore as a step's input (Azure ML v1's ``DataReference``)."""

    def __init__(
        self,
        datastore: Datastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: Mode = "mount",
        path_on_compute: str | None = None,
        overwrite: bool | None = False,
    ) -> None:
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore or ""
        given = data_reference_name or re.sub(r"\W", "_", self.path_on_datastore or datastore.name)
        self.data_reference_name = check_name(given, PORT_NAME, "a data reference")
        self.mode = check_mode(mode, MODES, "DataReference")
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def as_mount(self) -> DataReference:
        """A copy that is handed to the script as a read-only path."""
        return _changed(self, mode="mount")

    def as_download(self, path_on_compute: str | None = None, overwrite: bool | None = False) -> DataReference:
        """A copy that is handed to the script as a private copy of the data."""
        return _changed(self, mode="download", path_on_compute=path_on_compute, overwrite=overwrite)

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"


class FileDataset:
    """Files by path: what ``Dataset.File.from_files`` makes.

    Args:
        paths: local files, folders or glob patterns, relative to the working directory of the pipeline's build; a
            leading ``datastore root`` has been put before paths that came with a datastore.
    """

    def __init__(self, paths: Iterable[str], *, is_file: bool = False) -> None:
        self.paths = tuple(paths)
        self.is_file = is_file

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """This dataset as the step input ``name``, handed over directly until a mode is said."""
        return DatasetConsumptionConfig(name, self)

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """This dataset as a read-only path; the input is named by its position in the step."""
        return DatasetConsumptionConfig(None, self, "mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """This dataset as a private copy; the input is named by its position in the step."""
        return DatasetConsumptionConfig(None, self, "download", path_on_compute)

    def __repr__(self) -> str:
        return f"FileDataset({', '.join(self.paths)})"


class FileDatasetFactory:
    """``Dataset.File``: makes file datasets."""

    @staticmethod
    def from_files(
        path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False
    ) -> FileDataset:
        """A dataset of local files.

        Args:
            path: a str or ``Path`` (file, folder or glob such as ``data/*.csv``), a ``(Datastore, path)`` tuple, a
                ``DataPath``, or a list of these.
            validate: kept for v1; existence is checked at each plan.
            partition_format: refused, since it makes columns that a FileDataset of plain paths has not.
            is_file: says that the path is one file, so that the script gets the path of that file.

        Raises:
            UsageError: an empty or unusable path.

        Example:
            >>> Dataset.File.from_files("data/penguins.csv").paths
            ('data/penguins.csv',)
        """
        del validate
        if partition_format is not None:
            raise UsageError("partition_format is not supported.", remedy="Read the parts of the path in the script.")
        several = path if isinstance(path, list) else [path]
        paths = [_path_text(one) for one in several]
        if not paths or not all(paths):
            raise UsageError("Dataset.File.from_files got no path.", remedy='Dataset.File.from_files("data/*.csv")')
        return FileDataset(paths, is_file=is_file)


def _path_text(path: Any) -> str:
    if isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore):
        return _under(path[0], str(path[1]))
    if isinstance(path, DataPath):
        return _under(path.datastore, path.path_on_datastore) if path.datastore else path.path_on_datastore
    if isinstance(path, DataReference):
        return _under(path.datastore, path.path_on_datastore)
    if isinstance(path, str) or hasattr(path, "__fspath__"):
        return str(path)
    raise UsageError(f"{path!r} is no path.", remedy='Dataset.File.from_files("data/*.csv")')


def _under(datastore: Datastore, path: str) -> str:
    return f"{datastore.root.rstrip('/')}/{path.lstrip('/')}" if datastore.root else path


class Dataset:
    """Entry to dataset factories, as in Azure ML v1: ``Dataset.File.from_files(...)``."""

    File = FileDatasetFactory


class DatasetConsumptionConfig:
    """A dataset, or the output of another step, as a named input of a step.

    Args:
        name: the input's name in the step; None lets the step name it by position, the same at every build.
        dataset: a ``FileDataset`` or an ``OutputFileDatasetConfig``.
        mode: ``direct``, ``mount`` or ``download``.
    """

    def __init__(
        self, name: str | None, dataset: Any, mode: Mode = "direct", path_on_compute: str | None = None
    ) -> None:
        self.name = None if name is None else check_name(name, DATASET_NAME, "a dataset input")
        self.dataset = dataset
        self.mode = check_mode(mode, MODES, "DatasetConsumptionConfig")
        self.path_on_compute = path_on_compute

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """A copy that is handed to the script as a read-only path."""
        return _changed(self, mode="mount", path_on_compute=path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """A copy that is handed to the script as a private copy of the data."""
        return _changed(self, mode="download", path_on_compute=path_on_compute)

    def as_direct(self) -> DatasetConsumptionConfig:
        """A copy that is handed to the script by its id only."""
        return _changed(self, mode="direct")


class OutputFileDatasetConfig:
    """A folder that a step writes and others read (Azure ML v1's ``OutputFileDatasetConfig``).

    Args:
        name: the output's name; None lets the producing step name it by position, the same at every build (in v1 a
            random name, the best-known reason why nothing is ever reused).
        destination: ``(Datastore, path)``: where a copy is kept besides; ``{run-id}`` and ``{output-name}`` stand
            for themselves. None keeps it in the store alone.

    Example:
        >>> out = OutputFileDatasetConfig("clean")
        >>> out.as_upload().origin is out
        True
    """

    def __init__(
        self,
        name: str | None = None,
        destination: tuple[Datastore, str] | None = None,
        source: str | None = None,
        partition_format: str | None = None,
    ) -> None:
        if name is not None:
            check_name(name, DATASET_NAME, "an output dataset")
        if partition_format is not None or source is not None:
            raise UsageError("source and partition_format are not supported on an output.")
        self.name = name
        self.destination = destination
        self.mode = "mount"
        self.registered_as: str | None = None
        self.origin: OutputFileDatasetConfig = self
        self.producer: Any = None

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """This output as a mounted input of another step, named ``name`` or as the output is."""
        return DatasetConsumptionConfig(name, self.origin, "mount")

    def as_mount(self, disable_metadata_cache: bool = False) -> Self:
        """A copy written in place."""
        del disable_metadata_cache
        return _changed(self, mode="mount")

    def as_upload(self, overwrite: bool = False, source_globs: str | None = None) -> Self:
        """A copy whose files are taken after the script has ended."""
        if source_globs is not None:
            raise UsageError("source_globs is not supported.", remedy="Write only the files to keep.")
        del overwrite
        return _changed(self, mode="upload")

    def register_on_complete(
        self, name: str, description: str | None = None, tags: dict[str, str] | None = None
    ) -> Self:
        """A copy whose result is noted under ``name`` when the step has ended well."""
        del description, tags
        return _changed(self, registered_as=name)


class PipelineData:
    """What a step leaves for others: a file or a folder (Azure ML v1's ``PipelineData``).

    Args:
        name: port and environment variable name, ``\\w+``.
        datastore: kept for v1; data lie in the workspace's store.
        output_mode: ``mount`` or ``upload``.
        is_directory: True makes the folder before the script starts; else the script gets a path whose parent
            exists and makes a file or a folder there.
        file_name: name of the file or folder the script is told to write (nbpipe's own); default ``name``.
        form: what is accepted afterwards, ``file``, ``folder`` or ``any`` (nbpipe's own).

    Example:
        >>> str(PipelineData("clean"))
        '$AZUREML_DATAREFERENCE_clean'
    """

    def __init__(
        self,
        name: str,
        datastore: Datastore | None = None,
        output_name: str | None = None,
        output_mode: str = "mount",
        output_path_on_compute: str | None = None,
        output_overwrite: bool | None = None,
        data_type: str | None = None,
        is_directory: bool | None = None,
        pipeline_output_name: str | None = None,
        training_output: Any = None,
        *,
        file_name: str | None = None,
        form: Form | None = None,
    ) -> None:
        del output_path_on_compute, output_overwrite, training_output
        self.name = check_name(name, PORT_NAME, "a PipelineData")
        self.datastore = datastore
        self.output_name = check_name(output_name or name, PORT_NAME, "an output")
        self.output_mode = check_mode(output_mode, OUTPUT_MODES, f"PipelineData {name}")
        self.data_type = data_type
        self.is_directory = bool(is_directory)
        self.pipeline_output_name = pipeline_output_name
        self.file_name = file_name or name
        self.form: Form = form or ("folder" if is_directory else "any")
        self.producer: Any = None

    def as_input(self, input_name: str) -> InputPortBinding:
        """This data as the input ``input_name`` of a step."""
        return self.create_input_binding(input_name)

    def as_mount(self, input_name: str | None = None) -> InputPortBinding:
        """This data as a read-only path."""
        return self.create_input_binding(input_name, "mount")

    def as_download(
        self, input_name: str | None = None, path_on_compute: str | None = None, overwrite: bool | None = None
    ) -> InputPortBinding:
        """This data as a private copy."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def create_input_binding(
        self,
        input_name: str | None = None,
        mode: Mode | None = None,
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
    ) -> InputPortBinding:
        """This data bound to an input port of that name and mode."""
        return InputPortBinding(input_name or self.name, self, mode or "mount", path_on_compute, overwrite)

    def as_dataset(self) -> DatasetConsumptionConfig:
        """This data as a dataset input, mounted; name it with ``DatasetConsumptionConfig``'s own methods."""
        return DatasetConsumptionConfig(None, self, "mount")

    def get_env_variable_name(self) -> str:
        """Name of the environment variable that holds its path in a step."""
        return f"AZUREML_DATAREFERENCE_{self.name}"

    def __str__(self) -> str:
        return "$" + self.get_env_variable_name()

    def __repr__(self) -> str:
        return f"PipelineData({self.name!r})"


class InputPortBinding:
    """An input port of a step, bound to data (Azure ML v1's ``InputPortBinding``)."""

    def __init__(
        self,
        name: str,
        bind_object: Any = None,
        bind_mode: Mode = "mount",
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
        is_resource: bool = False,
        additional_transformations: Any = None,
    ) -> None:
        del additional_transformations
        self.name = check_name(name, PORT_NAME, "an input")
        self.bind_object = bind_object
        self.bind_mode = check_mode(bind_mode, MODES, f"input {name}")
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.is_resource = is_resource


class OutputPortBinding:
    """An output port of a step (Azure ML v1's ``OutputPortBinding``)."""

    def __init__(
        self,
        name: str,
        datastore: Datastore | None = None,
        output_name: str | None = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        is_directory: bool | None = None,
        overwrite: bool | None = None,
        data_type: str | None = None,
        pipeline_output_name: str | None = None,
    ) -> None:
        self.name = check_name(name, PORT_NAME, "an output")
        self.data = PipelineData(
            name, datastore, output_name, bind_mode, path_on_compute, overwrite, data_type, is_directory,
            pipeline_output_name,
        )  # fmt: skip


def _changed(declared: T, **changes: Any) -> T:
    """A shallow copy with some attributes changed: v1's ``as_*`` methods never change their object."""
    fresh = copy.copy(declared)
    vars(fresh).update(changes)
    return fresh


def origin(data: Any) -> Any:
    """The object that v1's ``as_*`` copies stand for."""
    return data.origin if isinstance(data, OutputFileDatasetConfig) else data


def port_name(data: Any) -> str:
    """Name of the output port that a data object stands for."""
    return str(data.output_name if isinstance(data, PipelineData) else data.origin.name)
