"""Places where data lie, and references to what lies there (Azure ML v1's ``Datastore``)."""

from __future__ import annotations

import re
from typing import Any

from nbpipe.core.port import MODES, PORT_NAME, Bindable, Mode, check_mode, check_name


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

    def local_path(self, path: str) -> str:
        """A path on this datastore as a path of this machine.

        Example:
            >>> Datastore(None, "lab", root="/data/lab").local_path("raw/penguins.csv")
            '/data/lab/raw/penguins.csv'
        """
        return f"{self.root.rstrip('/')}/{path.lstrip('/')}" if self.root else path

    def __repr__(self) -> str:
        return f"Datastore({self.name!r})"


class DataPath:
    """A path on a datastore (Azure ML v1's ``DataPath``)."""

    def __init__(
        self,
        datastore: Datastore | None = None,
        path_on_datastore: str | None = None,
        name: str | None = None,
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


class DataReference(Bindable):
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
        return self._with(mode="mount")

    def as_download(
        self, path_on_compute: str | None = None, overwrite: bool | None = False
    ) -> DataReference:
        """A copy that is handed to the script as a private copy of the data."""
        return self._with(mode="download", path_on_compute=path_on_compute, overwrite=overwrite)

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"
