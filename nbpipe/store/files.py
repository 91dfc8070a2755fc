"""Files that are whole or absent: atomic writes, create-if-absent, append-only lines, damaged ones set aside.

A file gets its name only when its bytes are all there, so a crash leaves the old file, the new one, or a
stray `.tmp-...` that the collector removes. Whether it also survives a power cut is the caller's choice
(`durable`).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from nbpipe.errors import StoreError
from nbpipe.platform import copy_file, open_private, sync_folder

STATE_NAME = ".nbpipe"
TEMPORARY = ".tmp-"
"""How the name of a file that is being written begins."""

DAMAGED = ".damaged-"
"""What stands in the name of something that was set aside where it was."""

_REMEDIES = {
    errno.ENOSPC: "Free some space; what old runs left behind goes with:  nbpipe gc",
    errno.EDQUOT: "Free some space; what old runs left behind goes with:  nbpipe gc",
    errno.EROFS: "The file system is read-only; open the workspace in a folder of your own.",
    errno.EACCES: "Make the folder writable for you, or open the workspace in a folder of your own.",
    errno.EPERM: "Make the folder writable for you, or open the workspace in a folder of your own.",
    errno.ELOOP: "It is a link, which may lead anywhere; remove it.",
    errno.ENOLCK: "The file system knows no locks; open the workspace on a local disk.",
}
_NO_FILE = {errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO}
"""What the system says of a name that a folder, a link, a pipe or a socket has."""
_INSIDE = f"{os.sep}{STATE_NAME}{os.sep}"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what the system says about a write into a `StoreError` that names the file and the remedy."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        clear = StoreError(f"Cannot write {path}: {reason}.", remedy=_REMEDIES.get(error.errno or 0))
        clear.errno = error.errno
        raise clear from error


def write_bytes(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Write a file as a whole, in place of what was there.

    Args:
        path: the file; its folder exists.
        data: the whole content.
        mode: permission bits.
        durable: flush file and folder to the disk before returning.

    Raises:
        StoreError: the file cannot be written; what was there is still there.
    """
    with storing(path), _temporary(path, data, mode=mode, flush=durable) as temporary:
        put_in_place(temporary, path)
        if durable:
            sync_folder(path.parent)


def write_json(path: Path, data: Any, *, durable: bool = False) -> None:
    """Write data as JSON, as a whole, in place of what was there; see `write_bytes`."""
    write_bytes(path, json.dumps(data, indent=1).encode() + b"\n", durable=durable)


def create_json(path: Path, data: Any, *, durable: bool = False) -> bool:
    """Write data as JSON unless the file is there already; True when this call made it.

    Of many that create the same file at once exactly one wins, and readers see its whole content or nothing.
    A power cut may leave it damaged, which `read_json` tells; with `durable` it outlasts one.

    Raises:
        StoreError: the file cannot be written.

    Example:
        >>> create_json(Path("14.json"), {"status": "finished"})
        True
        >>> create_json(Path("14.json"), {"status": "failed"})
        False
    """
    content = json.dumps(data, indent=1).encode() + b"\n"
    with storing(path), _temporary(path, content, mode=0o600, flush=durable) as temporary:
        created = _link(temporary, path, content)
        if created and durable:
            sync_folder(path.parent)
    return created


def open_to_read(path: Path, *, buffering: int = -1) -> BinaryIO:
    """Open a file of the state; see `open_private` for what is no file of ours.

    Raises:
        FileNotFoundError: it is not there.
        StoreError: it cannot be read.
    """
    try:
        return open(open_private(path, os.O_RDONLY), "rb", buffering=buffering)
    except FileNotFoundError:
        raise
    except OSError as error:
        clear = StoreError(f"{path.name} cannot be read: {error.strerror}.", place=str(path))
        clear.errno = error.errno
        raise clear from error


def read_bytes(path: Path) -> bytes:
    """All of a file of the state; raises as `open_to_read` does."""
    with open_to_read(path, buffering=0) as file:
        return file.read()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: it is not there.
        StoreError: it is there and is not JSON, or cannot be read.
    """
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path.name} is damaged: it is not JSON ({error}).", place=str(path)) from error


def keep_inside(path: Path) -> None:
    """See that no folder of the state on the way to a path is a link; through one a change would hit anything.

    Whoever copies a state folder from somebody else has not looked for that, so it is asked before every change.

    Raises:
        OSError: one is.
    """
    text = os.fspath(path)
    end = text.rfind(_INSIDE) + len(_INSIDE)
    while end >= len(_INSIDE) and (end := text.find(os.sep, end)) > 0:
        with suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISLNK(os.lstat(text[:end]).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), text[:end])
        end += 1


def put_in_place(made: Path, path: Path) -> None:
    """Give what was made its name. A file takes the place of what has it; a folder that has it is set aside."""
    try:
        os.replace(made, path)
    except IsADirectoryError:
        set_aside(path)
        os.replace(made, path)


def own_folder(path: Path) -> None:
    """Make a folder of the state, and those above it, for their owner only; what else has its name is set aside.

    Raises:
        OSError: it cannot be made.
    """
    keep_inside(path)
    try:
        os.mkdir(path, 0o700)
    except (FileNotFoundError, NotADirectoryError):
        own_folder(path.parent)
        own_folder(path)
    except FileExistsError:
        if not is_folder(path):
            set_aside(path)
            own_folder(path)


def is_folder(path: Path) -> bool:
    """Whether a folder is there itself: no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def append_line(path: Path, entry: Any, *, anew: bool = False) -> None:
    """Append one JSON line in one write, so that lines of several processes never mix.

    A line that a crash left without its end is closed first, and is lost alone.

    Args:
        path: the file; its folder exists.
        entry: what goes to JSON.
        anew: set aside what stands there and is no file, and begin a new one.

    Raises:
        StoreError: the line cannot be written whole.
    """
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    with storing(path):
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        fd = open_anew(path, flags) if anew else _open_alone(path, flags)
        try:
            if size := os.fstat(fd).st_size:
                os.lseek(fd, size - 1, os.SEEK_SET)
                if os.read(fd, 1) != b"\n":
                    line = b"\n" + line
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)


def open_anew(path: Path, flags: int) -> int:
    """Open a file of the state to write; where something stands that is no file, it is set aside.

    Raises:
        OSError: see `open_private` and `keep_inside`.
    """
    keep_inside(path)
    try:
        return _open_alone(path, flags)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
    set_aside(path)
    return open_private(path, flags)


def _open_alone(path: Path, flags: int) -> int:
    """Open a file of ours; one with a second name, which may lie anywhere, gets bytes of its own first."""
    fd = open_private(path, flags)
    if os.fstat(fd).st_nlink > 1:
        os.close(fd)
        part(path)
        fd = open_private(path, flags)
    return fd


def part(path: Path) -> None:
    """Give a file bytes of its own; through a second name of the old ones somebody else could change them."""
    copy = path.with_name(TEMPORARY + secrets.token_hex(8))
    copy_file(path, copy)
    os.chmod(copy, 0o600)
    os.replace(copy, path)


def listing(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder of the state; nothing where there is none, or a link to one.

    Raises:
        StoreError: it may not be looked into. To take that for nothing would have the collector remove much.
    """
    if not is_folder(folder):
        return []
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        fact = f"{folder} cannot be read: {error.strerror}."
        raise StoreError(fact, remedy=f"Make it yours:  chmod -R u+rwX {folder}") from error


class Lines(list[Any]):
    """The entries of a file of lines.

    Attributes:
        damaged: how many lines were skipped because they are not JSON.
    """

    damaged = 0

    @classmethod
    def parse(cls, data: bytes) -> Lines:
        """Read JSON lines; blank ones are skipped, damaged ones skipped and counted."""
        lines = cls()
        for line in data.split(b"\n"):
            if not line.strip(b" \r\0"):  # zeros are what a power cut leaves of a line
                continue
            try:
                lines.append(json.loads(line))
            except (ValueError, RecursionError):
                lines.damaged += 1
        return lines


def read_lines(path: Path, offset: int = 0) -> tuple[Lines, int]:
    """Read the whole lines of a file from a byte offset on, and the offset to go on from.

    A last line without its end is left for the next call; a file that is not there has no lines.

    Raises:
        StoreError: it cannot be read.

    Example:
        >>> append_line(Path("events.jsonl"), {"event": "run_started"})
        >>> events, offset = read_lines(Path("events.jsonl"))
        >>> read_lines(Path("events.jsonl"), offset)
        ([], 24)
    """
    try:
        with open_to_read(path) as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return Lines(), offset
    whole = data.rfind(b"\n") + 1
    return Lines.parse(data[:whole]), offset + whole


def set_aside(path: Path) -> Path | None:
    """Move what is damaged to `.nbpipe/tmp/damaged/`; its new place, or None when it is gone already.

    What lies outside a state folder gets `.damaged-...` added to its name instead.
    """
    state = next((folder for folder in path.parents if folder.name == STATE_NAME), None)
    mark = secrets.token_hex(4)
    folder = path.parent if state is None else state / "tmp" / "damaged"
    if state is None or path in (folder, folder.parent):
        target = path.with_name(f"{path.name}{DAMAGED}{mark}")
    else:
        with storing(path):
            keep_inside(path)
            own_folder(folder)
        target = folder / f"{'-'.join(path.relative_to(state).parts)[-180:]}-{mark}"
    with storing(path):
        try:
            os.rename(path, target)
        except FileNotFoundError:
            return None
    return target


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with all it holds, read-only parts too; what is gone already is no error."""
    keep_inside(path)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError:
        if not is_folder(path):
            _make_writable(path)
            os.unlink(path)
            return
        shutil.rmtree(path, onerror=_retry_writable)


def _retry_writable(call: Callable[..., Any], path: str, info: Any) -> None:
    """Give a folder or file its write permission back and try again; what vanished meanwhile is as wanted."""
    if isinstance(info[1], FileNotFoundError):
        return
    _make_writable(os.path.dirname(path))
    _make_writable(path)
    if call in (os.open, os.scandir, os.lstat):
        shutil.rmtree(path)
    else:
        call(path)


def _make_writable(path: str | Path) -> None:
    """Let the owner change a folder, or a file of no other name: what else there is may be somewhere else."""
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
        os.chmod(path, stat.S_IRWXU)


@contextmanager
def _temporary(path: Path, data: bytes, *, mode: int, flush: bool) -> Iterator[Path]:
    """A whole file beside `path` that is about to become it, removed if it does not."""
    keep_inside(path)
    temporary = path.with_name(TEMPORARY + secrets.token_hex(8))
    fd = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            if flush:
                os.fsync(fd)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _link(temporary: Path, path: Path, content: bytes) -> bool:
    """Give a whole file its name if the name is free."""
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL):
            raise
    try:  # a file system without hard links: the name comes first, then the content in one write
        fd = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    with open(fd, "wb", buffering=0) as file:
        file.write(content)
    return True
