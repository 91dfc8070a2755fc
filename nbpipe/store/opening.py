"""Opens the folder that a path or a URL names, with the driver that its protocol needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nbpipe.store.disk_folder import DiskFolder
from nbpipe.store.remote_folder import RemoteFolder, is_url


def local_folder(text: str) -> Path | None:
    """The folder of this machine that a path or a `file://` URL names; None for another URL."""
    if not is_url(text):
        return Path(text)
    parts = urlsplit(text)
    if parts.scheme not in ("file", "local"):
        return None
    from urllib.request import url2pathname

    return Path(url2pathname(unquote(parts.path)))


def open_folder(url: str, options: Mapping[str, Any] | None = None) -> RemoteFolder:
    """The folder behind a path or a URL; nothing is asked of it yet.

    Args:
        url: a path, or a URL of one of fsspec's protocols: `s3://`, `abfs://`, `gs://`, `ssh://` and others.
        options: what the protocol's driver is opened with, over its own settings.

    Raises:
        MissingExtra: the packages of the protocol are not installed.
        UsageError: nobody knows the protocol, or the driver does not take the options.
        Unreachable: the driver connects at once, and cannot.
    """
    folder = local_folder(url)
    if folder is not None:
        return DiskFolder(folder)
    if urlsplit(url).scheme.lower() in ("ssh", "sftp"):
        from nbpipe.store.ssh_folder import SshFolder

        return SshFolder(url, options or {})
    from nbpipe.store.url_folder import UrlFolder

    return UrlFolder(url, options or {})
