"""Data that a step leaves for others, and its bindings to ports (Azure ML v1's ``PipelineData``)."""

from __future__ import annotations

from typing import Any

from nbpipe.core.dataset import DatasetConsumptionConfig, OutputFileDatasetConfig
from nbpipe.core.datastore import Datastore
from nbpipe.core.port import MODES, OUTPUT_MODES, PORT_NAME, Form, Mode, check_mode, check_name


class PipelineData:
    r"""What a step leaves for others: a file or a folder (Azure ML v1's ``PipelineData``).

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
        """This data as a dataset input, mounted; ``as_named_input`` names it."""
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


def origin(data: Any) -> Any:
    """The object that v1's ``as_*`` copies stand for."""
    return data.origin if isinstance(data, OutputFileDatasetConfig) else data


def port_name(data: Any) -> str:
    """Name of the output port that a data object stands for."""
    return str(data.output_name if isinstance(data, PipelineData) else data.origin.name)
