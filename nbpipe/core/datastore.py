"""Places where data lie, and references to what lies there (Azure ML v1's ``Datastore``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nbpipe.core.port import MODES, PORT_NAME, Bindable, Mode, check_mode, check_name

DEFAULT_DATASTORE = "workspaceblobstore"
"""Name of the datastore every workspace has: its own folder (v1's name)."""


class Datastore:
    """A named place where data lies: a folder, or what is behind a URL that fsspec knows.

    Args:
        workspace: the workspace that knows it, or None.
        name: how it is called there.
        root: its folder, absolute or relative to the workspace, or its URL. Left out, the datastore is looked up
            in the workspace, as in v1.
        options: what the driver of the URL is opened with; no secrets.

    Raises:
        UnknownName: it is looked up, and the workspace has no such datastore.

    Example:
        >>> Datastore(None, "lab", root="/data/lab").path("raw/penguins.csv").path_on_datastore
        'raw/penguins.csv'
    """

    def __init__(
        self,
        workspace: Any,
        name: str | None = None,
        root: str = "",
        *,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if workspace is not None and not root:
            found = workspace.get_datastore(name) if name else workspace.get_default_datastore()
            name, root, options = found.name, found.root, found.options
        self.workspace = workspace
        self.name = name or DEFAULT_DATASTORE
        self.root = root
        self.options = dict(options or {})

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

    @staticmethod
    def register(
        workspace: Any,
        name: str,
        url: str,
        options: Mapping[str, Any] | None = None,
        *,
        overwrite: bool = True,
    ) -> Datastore:
        """Make a folder or a URL known to a workspace under a name. Nothing is connected to.

        Credentials come from the user's environment and files. A secret among the options is used by this process
        and the runs it starts, and is not written.

        Args:
            workspace: the workspace.
            name: letters, digits, ``-``, ``_`` and ``.``.
            url: a folder, or ``s3://bucket/folder``, ``abfs://container@account.dfs.core.windows.net/folder``,
                ``gs://bucket/folder``, or what else fsspec knows: what is behind others can be read.
            options: for the driver of the URL, such as ``{"endpoint_url": "https://s3.lab"}``.
            overwrite: take the place of one of that name.

        Raises:
            UsageError: the name cannot be one or is taken, or the URL holds a password.
            MissingExtra: the packages of the URL's protocol are not installed; the remedy is the install line.
            StoreError: the workspace cannot be written.

        Example:
            ``Datastore.register(ws, "lab", "s3://lab-results/penguins")``
        """
        made: Datastore = workspace.stores.register(name, url, options, overwrite=overwrite)
        return made

    @staticmethod
    def register_azure_blob_container(
        workspace: Any,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
        blob_cache_timeout: int | None = None,
        grant_workspace_access: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
    ) -> Datastore:
        """Make a container of Azure's blob storage known (Azure ML v1).

        Args:
            workspace: the workspace.
            datastore_name: how it is called there.
            container_name: the container; it is there.
            account_name: the storage account.
            sas_token, account_key: used by this process and the runs it starts, and not written.
            protocol: kept for v1; it is ``https``.
            endpoint: of another Azure than the public one, such as ``core.usgovcloudapi.net``.
            overwrite: take the place of one of that name.
            create_if_not_exists, skip_validation, blob_cache_timeout, grant_workspace_access, subscription_id,
                resource_group: kept for v1; nothing is looked at or made.

        Raises:
            UsageError, MissingExtra, StoreError: see ``register``.
        """
        del protocol, create_if_not_exists, skip_validation, blob_cache_timeout, grant_workspace_access
        del subscription_id, resource_group
        given = {"account_name": account_name, "sas_token": sas_token, "account_key": account_key}
        if endpoint:
            given["account_host"] = f"{account_name}.blob.{endpoint}"
        options = {name: value for name, value in given.items() if value}
        return Datastore.register(
            workspace, datastore_name, f"abfs://{container_name}", options, overwrite=overwrite
        )

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Any,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
    ) -> Datastore:
        """Make a file system of Azure Data Lake Storage Gen2 known (Azure ML v1).

        Args:
            workspace, datastore_name, account_name, endpoint, overwrite: as in ``register_azure_blob_container``.
            filesystem: the file system, which is a container.
            tenant_id, client_id: of a service principal.
            client_secret: used by this process and the runs it starts, and not written.
            resource_url, authority_url, protocol, subscription_id, resource_group, grant_workspace_access: kept for
                v1.

        Raises:
            UsageError, MissingExtra, StoreError: see ``register``.
        """
        del resource_url, authority_url, protocol, subscription_id, resource_group, grant_workspace_access
        given = {
            "account_name": account_name, "tenant_id": tenant_id, "client_id": client_id,
            "client_secret": client_secret,
        }  # fmt: skip
        if endpoint:
            given["account_host"] = f"{account_name}.blob.{endpoint}"
        options = {name: value for name, value in given.items() if value}
        return Datastore.register(
            workspace, datastore_name, f"abfs://{filesystem}", options, overwrite=overwrite
        )

    def set_as_default(self) -> None:
        """Make it the workspace's default datastore."""
        self.workspace.set_default_datastore(self.name)

    def unregister(self) -> None:
        """Take it out of the workspace; what lies there stays."""
        self.workspace.stores.unregister(self.name)

    @property
    def datastore_type(self) -> str:
        """What it is: ``Folder``, or the protocol of its URL.

        Example:
            >>> Datastore(None, "lab", root="s3://lab/raw").datastore_type
            's3'
        """
        protocol, found, _ = self.root.partition("://")
        return protocol if found else "Folder"

    def path(self, path: str = "", data_reference_name: str | None = None) -> DataReference:
        """A reference to a file or folder in this datastore."""
        return DataReference(self, data_reference_name, path)

    def local_path(self, path: str) -> str:
        """A path on this datastore as a path of this machine, or as a URL.

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
