"""A datastore's folder on a machine that has an SSH server, over SFTP, with the user's own keys and known hosts."""

from __future__ import annotations

import asyncio
import importlib
import posixpath
import secrets
import stat
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from nbpipe.errors import AccessRefused, MissingExtra, StoreError, Unreachable, UsageError
from nbpipe.store.files import TEMPORARY
from nbpipe.store.patience import patiently
from nbpipe.store.remote_folder import RemoteFolder, Seen, Sent, SentSoFar, without_credentials

Answer = TypeVar("Answer")

_CONNECTING = 10.0  # seconds in which a machine lets one in
_SILENCE = (
    15.0  # seconds without a word after which it is asked for a sign of life; three times, then it is away
)


class SshFolder(RemoteFolder):
    """A folder of another machine, reached as `ssh` reaches it: `~/.ssh/config`, `known_hosts`, keys and agent.

    A file gets its name by a hard link, which one of many makes. The folder is never made: where it is gone, its
    disk may just not be mounted.

    Args:
        url: `ssh://[user@]host[:port]/folder`; `ssh://host/~/folder` begins at the user's home there.
        options: for `asyncssh.connect`, such as `client_keys` or `known_hosts`.

    Raises:
        MissingExtra: asyncssh is not installed.
        UsageError: the URL names no machine.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._ssh = _import_asyncssh()
        parts = urlsplit(url)
        if not parts.hostname:
            raise UsageError(f"{url} names no machine.", remedy="ssh://host/folder does.")
        self.url = without_credentials(url)
        path = unquote(parts.path)
        self._root = (path.removeprefix("/~/")).rstrip("/") or "/"
        told = {"port": parts.port, "username": parts.username, "password": parts.password}
        given = {
            name: unquote(value) if isinstance(value, str) else value for name, value in told.items() if value
        }
        patience = {"connect_timeout": _CONNECTING, "keepalive_interval": _SILENCE}
        self._options = {"host": parts.hostname, **patience, **given, **options}
        self._client: Any = None
        self._connecting: asyncio.Lock | None = None

    def create(self, name: str, source: Path | bytes, sent: Sent) -> bool:
        """See `RemoteFolder.create`."""
        return self._asked(lambda: self._create(self._place(name), source, sent))

    def replace(self, name: str, source: Path | bytes, sent: Sent) -> None:
        """See `RemoteFolder.replace`."""
        self._asked(lambda: self._replace(self._place(name), source, sent))

    def read(self, name: str, start: int, end: int) -> bytes:
        """See `RemoteFolder.read`."""
        return self._asked(lambda: self._read(self._place(name), start, end - start))

    def look(self, name: str) -> Seen | None:
        """See `RemoteFolder.look`."""
        try:
            return self._asked(lambda: self._look(self._place(name)))
        except FileNotFoundError:
            return None

    def find(self, folder: str) -> dict[str, Seen]:
        """See `RemoteFolder.find`."""
        try:
            return self._asked(lambda: self._find(folder))
        except FileNotFoundError:
            return {}

    def _place(self, name: str) -> str:
        return posixpath.join(self._root, name) if name else self._root

    async def _create(self, place: str, source: Path | bytes, sent: Sent) -> bool:
        sftp = await self._sftp()
        if await sftp.lexists(place):
            return False
        async with self._made(place, source, sent) as made:
            try:
                await sftp.link(made, place)
            except self._ssh.SFTPError:
                if await sftp.lexists(place):
                    return False
                if not await self._take_name(place):  # there are no hard links
                    return False
                await sftp.posix_rename(made, place)
        return True

    async def _take_name(self, place: str) -> bool:
        """Take a free name; a line that breaks now leaves an empty file, which counts as nothing."""
        sftp = await self._sftp()
        try:
            async with sftp.open(place, "xb"):
                return True
        except self._ssh.SFTPError:
            if await sftp.lexists(place):
                return False
            raise

    async def _replace(self, place: str, source: Path | bytes, sent: Sent) -> None:
        sftp = await self._sftp()
        async with self._made(place, source, sent) as made:
            await sftp.posix_rename(made, place)

    @asynccontextmanager
    async def _made(self, place: str, source: Path | bytes, sent: Sent) -> AsyncIterator[str]:
        """A whole file beside its place, on the disk there."""
        sftp = await self._sftp()
        await sftp.stat(self._root)
        await sftp.makedirs(posixpath.dirname(place), exist_ok=True)
        made = posixpath.join(posixpath.dirname(place), TEMPORARY + secrets.token_hex(8))
        told = SentSoFar(sent)
        try:
            if isinstance(source, Path):
                await sftp.put(
                    str(source), made, progress_handler=lambda _from, _to, done, _all: told.reach(done)
                )
            async with sftp.open(made, "ab") as file:
                if isinstance(source, bytes):
                    await file.write(source)
                with suppress(self._ssh.SFTPOpUnsupported):
                    await file.fsync()
            yield made
            told.reach(len(source) if isinstance(source, bytes) else source.stat().st_size)
        except BaseException:
            told.reach(0)
            raise
        finally:
            with suppress(self._ssh.SFTPError, OSError):
                await sftp.unlink(made)

    async def _read(self, place: str, offset: int, count: int) -> bytes:
        sftp = await self._sftp()
        async with sftp.open(place, "rb") as file:
            return bytes(await file.read(count, offset))

    async def _look(self, place: str) -> Seen | None:
        sftp = await self._sftp()
        return _seen(await sftp.stat(place))

    async def _find(self, folder: str) -> dict[str, Seen]:
        sftp = await self._sftp()
        found: dict[str, Seen] = {}
        waiting = [folder]
        while waiting:
            inner = waiting.pop()
            for entry in await sftp.readdir(self._place(inner)):
                name = posixpath.join(inner, entry.filename)
                if entry.filename in (".", "..") or entry.filename.startswith(TEMPORARY):
                    continue
                status = entry.attrs
                if stat.S_ISDIR(status.permissions):
                    waiting.append(name)
                    continue
                if stat.S_ISLNK(status.permissions):
                    with suppress(self._ssh.SFTPError):
                        status = await sftp.stat(self._place(name))
                seen = _seen(status)
                if seen is not None:
                    found[name] = seen
        return found

    def _asked(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Ask in the thread that speaks with all machines."""

        def ask() -> Answer:
            with self._telling():
                return asyncio.run_coroutine_threadsafe(self._answered(question), _loop()).result()

        return patiently(ask)

    async def _answered(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        try:
            return await question()
        except (self._ssh.SFTPNoSuchFile, self._ssh.SFTPNoSuchPath):
            sftp = await self._sftp()
            if not await sftp.exists(self._root):
                fact = f"There is no {self.url} now."
                raise Unreachable(fact, remedy="Is its disk mounted?") from None
            raise
        except (OSError, asyncio.TimeoutError, self._ssh.DisconnectError, *self._lost):
            self._client = None
            raise

    @property
    def _lost(self) -> tuple[type[Exception], ...]:
        return (self._ssh.SFTPConnectionLost, self._ssh.SFTPNoConnection)

    async def _sftp(self) -> Any:
        """The connection there is, or a new one."""
        self._connecting = (
            self._connecting or asyncio.Lock()
        )  # before Python 3.10 it belongs to a loop at once
        async with self._connecting:
            if self._client is None:
                connection = await self._ssh.connect(**self._options)
                self._client = await connection.start_sftp_client()
        return self._client

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what asyncssh raises into what `RemoteFolder` says."""
        ssh = self._ssh
        try:
            yield
        except StoreError:
            raise
        except (ssh.SFTPNoSuchFile, ssh.SFTPNoSuchPath, ssh.SFTPNotADirectory) as error:
            raise FileNotFoundError(2, "there is no such file", self.url) from error
        except (ssh.PermissionDenied, ssh.HostKeyNotVerifiable, ssh.SFTPPermissionDenied) as error:
            raise AccessRefused(
                f"{self.url} refuses access: {_reason(error)}.", remedy="Does `ssh` get there by itself?"
            ) from error
        except (OSError, asyncio.TimeoutError, ssh.DisconnectError, *self._lost) as error:
            fact = f"{self.url} does not answer: {_reason(error)}."
            raise Unreachable(fact, remedy="Is the network there, and the URL right?") from error
        except ssh.Error as error:
            raise StoreError(f"{self.url}: {_reason(error)}.") from error
        except TypeError as error:
            raise UsageError(f"{self.url} cannot be opened: {error}.") from error


def _import_asyncssh() -> Any:
    try:
        return importlib.import_module("asyncssh")
    except ImportError as error:
        raise MissingExtra(
            "ssh:// needs the package asyncssh, which is not installed.",
            remedy='pip install "nbpipe-steps[ssh]"',
        ) from error


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of a thread that speaks with machines as long as this process lives."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="nbpipe-ssh", daemon=True).start()
    return loop


def _seen(status: Any) -> Seen | None:
    if not stat.S_ISREG(status.permissions):
        return None
    return Seen(status.size, f"{status.mtime}-{status.mtime_ns or 0}-{status.size}")


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error) or type(error).__name__
    return text.splitlines()[0][:300].rstrip(".")
