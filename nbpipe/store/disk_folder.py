"""A datastore's folder on a disk of this machine, or on one that is shared over the network."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbpipe.errors import AccessRefused, StoreError, Unreachable
from nbpipe.platform import copy_file
from nbpipe.store.files import TEMPORARY
from nbpipe.store.remote_folder import RemoteFolder, Seen, Sent

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)

_AWAY = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH)
"""What the system says of a network disk whose server is gone."""

_REFUSED = (errno.EACCES, errno.EPERM)


class DiskFolder(RemoteFolder):
    """A folder of a file system. Who may read and write in it is the folder's own matter, not the state's 0700.

    Args:
        path: the folder. It is never made: where it is gone, its disk may just not be mounted.

    Example:
        >>> Path("shared").mkdir()
        >>> folder = DiskFolder(Path("shared"))
        >>> folder.create("a/b", b"content", lambda count: None), folder.read("a/b", 3, 99)
        (True, b'tent')
        >>> folder.create("a/b", b"another", lambda count: None), folder.read("a/b", 0, 99)
        (False, b'content')
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.url = str(self.path)

    def create(self, name: str, source: Path | bytes, sent: Sent) -> bool:
        """See `RemoteFolder.create`."""
        place = self._place(name)
        if os.path.lexists(place):
            return False
        with self._made(place, source) as made:
            try:
                os.link(made, place)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if not _take_name(place):
                    return False
                os.replace(made, place)
        sent(os.stat(place).st_size)
        return True

    def replace(self, name: str, source: Path | bytes, sent: Sent) -> None:
        """See `RemoteFolder.replace`."""
        place = self._place(name)
        with self._made(place, source) as made:
            os.replace(made, place)
        sent(os.stat(place).st_size)

    def read(self, name: str, start: int, end: int) -> bytes:
        """See `RemoteFolder.read`."""
        place = self._place(name)
        with _telling(place):
            fd = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe lets nobody wait
            with open(fd, "rb") as file:
                file.seek(start)
                return file.read(end - start)

    def look(self, name: str) -> Seen | None:
        """See `RemoteFolder.look`."""
        place = self._place(name)
        try:
            with _telling(place):
                status = os.stat(place)
        except FileNotFoundError:
            return None
        return _seen(status) if stat.S_ISREG(status.st_mode) else None

    def find(self, folder: str) -> dict[str, Seen]:
        """See `RemoteFolder.find`."""
        found: dict[str, Seen] = {}
        self._place(folder)
        for inner, _, names in os.walk(self.path / folder):
            for name in names:
                path = Path(inner, name)
                seen = None if name.startswith(TEMPORARY) else self.look(str(path.relative_to(self.path)))
                if seen is not None:
                    found[path.relative_to(self.path).as_posix()] = seen
        return found

    def _place(self, name: str) -> Path:
        if not self.path.exists():
            raise Unreachable(f"There is no {self.path} now.", remedy="Is its disk mounted?")
        return self.path / name

    @contextmanager
    def _made(self, place: Path, source: Path | bytes) -> Iterator[Path]:
        """A whole file beside its place, on the disk, with the permissions that the user's umask gives."""
        with _telling(place):
            os.makedirs(place.parent, exist_ok=True)
            made = place.with_name(TEMPORARY + secrets.token_hex(8))
            try:
                fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                with open(fd, "wb") as file:
                    if isinstance(source, bytes):
                        file.write(source)
                if isinstance(source, Path):
                    copy_file(source, made)
                fd = os.open(made, os.O_RDWR)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
                yield made
            finally:
                made.unlink(missing_ok=True)


@contextmanager
def _telling(place: Path) -> Iterator[None]:
    """Turn what the system says into an error of ours; that a file is not there stays what it is."""
    try:
        yield
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, error.strerror, str(place)) from error
    except (FileNotFoundError, StoreError):
        raise
    except OSError as error:
        fact = f"{place}: {error.strerror}."
        if error.errno in _REFUSED:
            raise AccessRefused(fact, remedy="Ask whoever owns the folder for access.") from error
        raise (Unreachable if error.errno in _AWAY else StoreError)(fact) from error


def _take_name(place: Path) -> bool:
    """Take a free name where there are no hard links; a crash now leaves an empty file, which counts as nothing."""
    try:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        return True
    except FileExistsError:
        return False


def _seen(status: os.stat_result) -> Seen:
    return Seen(status.st_size, f"{status.st_mtime_ns}-{status.st_size}")
