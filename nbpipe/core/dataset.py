"""Datasets as declared: files by path that a step reads, and folders that a step writes."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any, Self

from nbpipe.core.datastore import DataPath, DataReference, Datastore
from nbpipe.core.port import DATASET_NAME, MODES, Bindable, Mode, check_mode, check_name
from nbpipe.errors import UsageError


class FileDataset:
    """Files by path: what ``Dataset.File.from_files`` makes.

    Args:
        paths: local files, folders or glob patterns, relative to the working directory of the pipeline's
            build; a leading ``datastore root`` has been put before paths that came with a datastore.
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
            path: a str or ``Path`` (file, folder or glob such as ``data/*.csv``), a ``(Datastore, path)``
                tuple, a ``DataPath``, or a list of these.
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
            raise UsageError(
                "partition_format is not supported.", remedy="Read the parts of the path in the script."
            )
        several = path if isinstance(path, list) else [path]
        paths = [_path_text(one) for one in several]
        if not paths or not all(paths):
            raise UsageError(
                "Dataset.File.from_files got no path.", remedy='Dataset.File.from_files("data/*.csv")'
            )
        return FileDataset(paths, is_file=is_file)


def _path_text(path: Any) -> str:
    if isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore):
        return path[0].local_path(str(path[1]))
    if isinstance(path, DataPath | DataReference):
        return path.datastore.local_path(path.path_on_datastore) if path.datastore else path.path_on_datastore
    if isinstance(path, str | PathLike):
        return str(path)
    raise UsageError(f"{path!r} is no path.", remedy='Dataset.File.from_files("data/*.csv")')


class Dataset:
    """Entry to dataset factories, as in Azure ML v1: ``Dataset.File.from_files(...)``."""

    File = FileDatasetFactory


class DatasetConsumptionConfig(Bindable):
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

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """A copy whose input is named ``name``."""
        return self._with(name=check_name(name, DATASET_NAME, "a dataset input"))

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """A copy that is handed to the script as a read-only path."""
        return self._with(mode="mount", path_on_compute=path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """A copy that is handed to the script as a private copy of the data."""
        return self._with(mode="download", path_on_compute=path_on_compute)

    def as_direct(self) -> DatasetConsumptionConfig:
        """A copy that is handed to the script by its id only."""
        return self._with(mode="direct")


class OutputFileDatasetConfig(Bindable):
    """A folder that a step writes and others read (Azure ML v1's ``OutputFileDatasetConfig``).

    Args:
        name: the output's name; None lets the producing step name it by position, the same at every build
            (in v1 a random name, the best-known reason why nothing is ever reused).
        destination: ``(Datastore, path)``: where a copy is kept besides; ``{run-id}`` and ``{output-name}``
            stand for themselves. None keeps it in the store alone.

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
        return self._with(mode="mount")

    def as_upload(self, overwrite: bool = False, source_globs: str | None = None) -> Self:
        """A copy whose files are taken after the script has ended."""
        if source_globs is not None:
            raise UsageError("source_globs is not supported.", remedy="Write only the files to keep.")
        del overwrite
        return self._with(mode="upload")

    def register_on_complete(
        self, name: str, description: str | None = None, tags: dict[str, str] | None = None
    ) -> Self:
        """A copy whose result is noted under ``name`` when the step has ended well."""
        del description, tags
        return self._with(registered_as=name)
