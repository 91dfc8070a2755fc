"""A disk that fails, tears a write or loses power at its n-th change, and what it then has lost.

The functions by which files are changed are wrapped, for files below one folder. Names come to the disk in the
order in which they were given, as file systems with a journal do it; content comes when it is flushed. So a cut
keeps every name that was given, and of the files that were written and not flushed nothing can be trusted.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from nbpipe import platform

Fault = Literal["none", "fail", "tear", "cut"]
Loss = Literal["empty", "half", "zeros"]

_NAMING = ("rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir", "chmod")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class PowerCut(BaseException):
    """The machine is off: nothing of the process runs on, so nothing may catch this."""


class Disk:
    """What becomes of changes below a folder.

    Args:
        root: the folder.
        fault: what happens: an error ("fail"), half a write and then an error ("tear"), or darkness ("cut").
        at: number of the change at which it happens, from 1 on.
        off: called at a cut, in place of raising `PowerCut`.
    """

    def __init__(
        self, root: Path, fault: Fault = "none", at: int = 0, off: Callable[[Disk], None] | None = None
    ) -> None:
        self.root = str(root)
        self.changes = 0
        self.unflushed: set[tuple[int, int]] = set()
        self._fault = fault
        self._at = at
        self._off = off
        self._dark = False
        self._known: set[tuple[int, int]] = set()
        self._whole: dict[tuple[int, int], int] = {}  # bytes before what was appended

    @property
    def struck(self) -> bool:
        """Whether the fault has happened."""
        return 0 < self._at <= self.changes

    def written(self, paths: Iterable[Path]) -> None:
        """Take note that somebody wrote files and flushed none."""
        self.unflushed |= {_key(path.stat()) for path in paths}

    def lose(self, how: Loss, where: str = "") -> None:
        """Take from files that were not flushed what a power cut takes; from those with ``where`` in their path."""
        for path in sorted(Path(self.root).rglob("*")):
            if where not in str(path.relative_to(self.root)) or path.is_symlink() or not path.is_file():
                continue
            if _key(path.stat()) not in self.unflushed:
                continue
            mode, data = path.stat().st_mode, path.read_bytes()
            whole = self._whole.get(_key(path.stat()), 0)
            torn = data[whole:]
            left = {"empty": b"", "half": torn[: len(torn) // 2], "zeros": bytes(len(torn))}[how]
            path.chmod(0o600)
            path.write_bytes(data[:whole] + left)
            path.chmod(mode)

    @contextmanager
    def at_work(self, patch: pytest.MonkeyPatch) -> Iterator[Disk]:
        """Stand between the store and its files."""
        with patch.context() as during:
            for name in _NAMING:
                during.setattr(os, name, self._naming(getattr(os, name)))
            during.setattr(os, "open", self._opening(os.open))
            during.setattr(os, "write", self._writing(os.write))
            during.setattr(os, "fsync", self._flushing(os.fsync))
            for module in (builtins, io):
                during.setattr(module, "open", self._opening_file(io.open))
            during.setattr(os, "copy_file_range", _not_here)  # copies go through `write`
            during.setattr(shutil, "_USE_CP_SENDFILE", False)
            during.setattr(platform, "_flush_file_system", self._flush_all)
            yield self

    def _change(self) -> None:
        """Count a change that is about to be made; the fault is raised in its place."""
        if self._dark:
            raise PowerCut
        self.changes += 1
        if self.changes == self._at and self._fault != "none":
            self._strike()

    def _strike(self) -> None:
        if self._fault == "cut":
            self._dark = True
            if self._off:
                self._off(self)
            raise PowerCut
        number = errno.ENOSPC if self._fault == "tear" else errno.EIO
        raise OSError(number, os.strerror(number))

    def _below(self, *paths: Any) -> bool:
        texts = [os.fspath(path) for path in paths if isinstance(path, str | os.PathLike)]
        return any(str(text).startswith(self.root) for text in texts)

    def _naming(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def name(*args: Any, **options: Any) -> Any:
            if self._below(*args[:2]) or options.get("dir_fd") is not None:
                self._change()
            return real(*args, **options)

        return name

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
            ours = flags & _WRITING and self._below(path)
            if ours:
                self._change()
            fd = real(path, flags, *args, **options)
            if ours:
                status = os.fstat(fd)
                self._known.add(_key(status))
                if flags & os.O_APPEND and _key(status) not in self.unflushed:
                    self._whole[_key(status)] = status.st_size
            return fd

        return opened

    def _opening_file(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real(file, mode, *args, **options)
            if self._below(file):
                self._change()
                made = real(file, mode, *args, **options)
                self._known.add(_key(os.fstat(made.fileno())))
                return _Writer(made, self)
            made = real(file, mode, *args, **options)
            ours = isinstance(file, int) and _key(os.fstat(file)) in self._known
            return _Writer(made, self) if ours else made

        return opened

    def _writing(self, real: Callable[..., int]) -> Callable[..., int]:
        def write(fd: int, data: Any) -> int:
            if _key(os.fstat(fd)) in self._known:
                self.take(fd, lambda part: real(fd, part), data)
            else:
                real(fd, data)
            return len(data)

        return write

    def take(self, fd: int, write: Callable[[Any], Any], data: Any) -> None:
        """Write data, or half of them and then the fault."""
        self.unflushed.add(_key(os.fstat(fd)))
        try:
            self._change()
        except (OSError, PowerCut):
            if self._fault != "fail" and self.changes == self._at:
                write(data[: len(data) // 2])
            raise
        write(data)

    def _flushing(self, real: Callable[[Any], None]) -> Callable[[Any], None]:
        def flush(file: Any) -> None:
            key = _key(os.fstat(file))
            if key in self._known or key in self.unflushed:
                self._change()
                self.unflushed.discard(key)
            else:
                real(file)

        return flush

    def _flush_all(self, path: Path) -> bool:
        self._change()
        self.unflushed.clear()
        return True


class _Writer:
    """A file that is written through the disk."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def write(self, data: Any) -> int:
        self._disk.take(self._file.fileno(), self._file.write, data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(ValueError):
            self._file.close()


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _not_here(*_args: Any) -> int:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
