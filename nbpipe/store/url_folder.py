"""A datastore's folder behind a URL, through fsspec and the driver of the protocol, with the user's own credentials."""

from __future__ import annotations

import asyncio
import errno
import importlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from nbpipe.errors import AccessRefused, MissingExtra, StoreError, Unreachable, UsageError
from nbpipe.store.patience import patiently
from nbpipe.store.remote_folder import RemoteFolder, Seen, Sent, SentSoFar, without_credentials

Answer = TypeVar("Answer")

_DRIVERS = {
    "s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "abfs": ("adlfs", "azure"), "abfss": ("adlfs", "azure"),
    "az": ("adlfs", "azure"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs"),
}  # fmt: skip
"""Protocol -> the package of its driver and the extra that brings it."""

_ONCE = {"s3", "s3a", "abfs", "abfss", "az", "gs", "gcs", "memory"}
"""Protocols whose drivers make a file only where there is none; others may silently write over it."""

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "s3fs": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 0}}},
    "adlfs": {"connection_timeout": 10, "read_timeout": 60},
    "gcsfs": {"timeout": 60},
}
"""Options under the user's own: seconds after which a silent server counts as away."""

_TAGS = (
    "etag", "generation", "versionid", "version_id", "md5hash", "content_md5", "lastmodified", "last_modified",
    "last-modified", "updated", "mtime", "modified", "created",
)  # fmt: skip
"""What changes with a file's content, the surest first, as drivers call it."""

_NETWORK = (
    "botocore",
    "aiobotocore",
    "azure",
    "aiohttp",
    "google",
    "gcsfs",
    "paramiko",
    "urllib3",
    "requests",
)
"""Packages whose errors speak of the network or the server."""

_LOCKED = threading.Lock()  # memory:// looks and then writes


class UrlFolder(RemoteFolder):
    """A folder of an object store or a server, by URL.

    Args:
        url: `s3://bucket/folder`, `abfs://container@account.dfs.core.windows.net/folder`, `gs://bucket/folder`,
            or what else fsspec knows.
        options: for the driver, such as `endpoint_url` or `account_name`.

    Raises:
        MissingExtra, UsageError, Unreachable: see `open_folder`.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self.url = without_credentials(url)
        self._protocol = urlsplit(url).scheme.lower()
        core = _import_driver(self._protocol)
        defaults = _DEFAULTS.get(_DRIVERS.get(self._protocol, ("", ""))[0], {})
        given = {**defaults, **options, "use_listings_cache": False, "skip_instance_cache": True}
        with self._telling():
            try:
                self._fs, root = core.url_to_fs(url, **given)
            except (ValueError, TypeError) as error:
                raise UsageError(f"{self.url} cannot be opened: {error}.") from error
        self._root = root.rstrip("/")
        _let_us_try(self._fs)

    def create(self, name: str, source: Path | bytes, sent: Sent) -> bool:
        """See `RemoteFolder.create`."""
        if self._protocol not in _ONCE:
            fact = f"{self._protocol}:// does not say whether a file is new, so nothing is shared through it."
            raise StoreError(
                fact, remedy="Share through s3://, abfs://, gs://, ssh:// or a folder, which may be mounted."
            )
        try:
            self._patiently(lambda: self._put(name, source, sent, "create"))
        except FileExistsError:
            return False
        return True

    def replace(self, name: str, source: Path | bytes, sent: Sent) -> None:
        """See `RemoteFolder.replace`."""
        self._patiently(lambda: self._put(name, source, sent, "overwrite"))

    def _put(self, name: str, source: Path | bytes, sent: Sent, mode: str) -> None:
        place = self._place(name)
        told = SentSoFar(sent)
        hooks = {"sent": lambda _size, value, **_: told.reach(value)}
        callback = importlib.import_module("fsspec.callbacks").Callback(hooks=hooks)
        alone = _LOCKED if self._protocol == "memory" else nullcontext()
        try:
            with alone:
                if isinstance(source, bytes):
                    self._fs.pipe_file(place, source, mode=mode)
                else:
                    self._fs.put_file(str(source), place, mode=mode, callback=callback)
        except BaseException:
            told.reach(0)
            raise
        told.reach(len(source) if isinstance(source, bytes) else source.stat().st_size)

    def read(self, name: str, start: int, end: int) -> bytes:
        """See `RemoteFolder.read`."""

        def ask() -> bytes:
            try:
                return bytes(self._fs.cat_file(self._place(name), start=start, end=end))
            except Exception as error:
                if _is_past_the_end(error):
                    return b""
                raise

        return self._patiently(ask)

    def look(self, name: str) -> Seen | None:
        """See `RemoteFolder.look`."""
        try:
            told = self._patiently(lambda: self._fs.info(self._place(name)))
        except FileNotFoundError:
            return None
        return _seen(told) if told.get("type") == "file" else None

    def find(self, folder: str) -> dict[str, Seen]:
        """See `RemoteFolder.find`."""
        place = self._place(folder)

        def ask() -> dict[str, dict[str, Any]]:
            self._fs.invalidate_cache()
            return dict(self._fs.find(place, detail=True))

        try:
            found = self._patiently(ask)
        except FileNotFoundError:
            return {}
        start = len(self._root) + 1
        return {
            path[start:]: _seen(told)
            for path, told in found.items()
            if told.get("type") == "file" and path.startswith(f"{self._root}/")
        }

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        def told() -> Answer:
            with self._telling():
                return ask()

        return patiently(told)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what drivers raise, each in its own way, into what `RemoteFolder` says."""
        try:
            yield
        except (FileNotFoundError, StoreError, UsageError, MissingExtra):
            raise
        except Exception as error:
            if _says_taken(error):
                raise FileExistsError(errno.EEXIST, "it is there already", self.url) from error
            if _says_refused(error):
                raise AccessRefused(
                    f"{self.url} refuses access: {_one_line(error)}", remedy=_credentials(self._protocol)
                ) from error
            if _says_absent(error):
                raise FileNotFoundError(errno.ENOENT, "there is no such file", self.url) from error
            if isinstance(error, (OSError, asyncio.TimeoutError)) or _package(error) in _NETWORK:
                fact = f"{self.url} does not answer: {_one_line(error)}"
                raise Unreachable(fact, remedy="Is the network there, and the URL right?") from error
            raise


def _import_driver(protocol: str) -> Any:
    package, extra = _DRIVERS.get(protocol, ("fsspec", "storage"))
    try:
        core = importlib.import_module("fsspec.core")
        importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(
            f"{protocol}:// needs the package {error.name or package}, which is not installed.",
            remedy=f'pip install "nbpipe-steps[{extra}]"',
        ) from error
    return core


def _let_us_try(fs: Any) -> None:
    """Take a driver's own patience away, which can be minutes: whoever waits here hears sooner, and may go on."""
    if hasattr(fs, "retries"):  # s3fs and gcsfs
        fs.retries = 1
    pipeline = getattr(getattr(fs, "service_client", None), "_pipeline", None)  # adlfs has no setting for it
    for policy in getattr(pipeline, "_impl_policies", ()):
        if hasattr(policy, "total_retries"):
            policy.total_retries = 0


def _seen(told: Mapping[str, Any]) -> Seen:
    known = {str(name).lower(): value for name, value in told.items()}
    tag = next((str(known[name]) for name in _TAGS if known.get(name)), "")
    return Seen(int(known.get("size") or 0), tag.strip('"'))


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _says(error: BaseException, pattern: str) -> bool:
    """Whether an error, or one that it came of, speaks of something."""
    seen: BaseException | None = error
    while seen is not None:
        status = getattr(seen, "status_code", None) or getattr(seen, "code", None)
        if re.search(pattern, f"{type(seen).__name__} {status} {seen}", re.IGNORECASE):
            return True
        seen = seen.__cause__
    return False


def _says_taken(error: BaseException) -> bool:
    """Whether the name is taken: each driver and each server says it in its own way."""
    if isinstance(error, FileExistsError):
        return True
    return _says(
        error, r"precondition|pre-condition|conditionNotMet|\b412\b|BlobAlreadyExists|ConditionalRequest"
    )


def _says_refused(error: BaseException) -> bool:
    if isinstance(error, PermissionError):
        return True
    return _says(
        error, r"credential|accessdenied|forbidden|unauthori|\b40[13]\b|authenticat|InvalidAccessKey"
    )


def _says_absent(error: BaseException) -> bool:
    return _says(error, r"\bNoSuch(Key|Bucket)\b|ResourceNotFound|BlobNotFound|ContainerNotFound|\b404\b")


def _is_past_the_end(error: BaseException) -> bool:
    return _says(error, r"InvalidRange|range is not satisfiable|not satisfiable|\b416\b")


def _credentials(protocol: str) -> str:
    """Where the driver of a protocol looks for credentials."""
    package = _DRIVERS.get(protocol, ("", ""))[0]
    return {
        "s3fs": "Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws or the machine's role.",
        "adlfs": "Credentials come from AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or _SAS_TOKEN,\n"
        "from AZURE_STORAGE_CONNECTION_STRING, or from `az login`.",
        "gcsfs": "Credentials come from GOOGLE_APPLICATION_CREDENTIALS or `gcloud auth application-default login`.",
    }.get(package, "Credentials come from the driver's own files and environment variables.")


def _one_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return without_credentials(text.splitlines()[0][:300])
