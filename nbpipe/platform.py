"""The one module that knows operating systems: locks, process trees, private files, copies that share blocks.

Everything here works on Linux, macOS and Windows; what a system lacks is left out quietly where nothing is
lost by it (a folder cannot be flushed on Windows) and done another way where something would be.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

if sys.platform == "win32":
    import ctypes
    import msvcrt
    import subprocess
    from ctypes import wintypes
else:
    import fcntl

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of one file with another
_CHUNK = 1 << 20
_MANY = 16  # files from which on it is faster to flush all of their file system
_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    device + number for device in ("COM", "LPT") for number in "0123456789¹²³"
}
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows knows one way to end a process
_SAME = 0.05  # seconds between two answers to when one process was born
_POLL = 0.02  # seconds between two looks at processes that were told to end
_KILL_ROUNDS = 50  # looks after SIGKILL; a process in uninterruptible sleep outlives any number of them


# Locks. The kernel drops them when their holder dies, however it dies.

if sys.platform == "win32":

    class _Overlapped(ctypes.Structure):
        _fields_ = [
            ("internal", ctypes.c_void_p),
            ("internal_high", ctypes.c_void_p),
            ("offset", wintypes.DWORD),
            ("offset_high", wintypes.DWORD),
            ("event", wintypes.HANDLE),
        ]

    # Windows locks keep others from reading the locked bytes, so the byte locked lies far behind any content.
    _FAR = 0x7FFFFFFF

    def lock_file(fd: int, *, shared: bool = False, wait: bool = False) -> bool:
        """Lock an open file; see the POSIX version."""
        flags = (0 if shared else 2) | (0 if wait else 1)
        region = _Overlapped(offset=_FAR)
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(fd))
        if ctypes.windll.kernel32.LockFileEx(handle, flags, 0, 1, 0, ctypes.byref(region)):
            return True
        if ctypes.windll.kernel32.GetLastError() == 33:  # ERROR_LOCK_VIOLATION
            return False
        raise ctypes.WinError()

    def unlock_file(fd: int) -> None:
        """Give back what `lock_file` took; see the POSIX version."""
        region = _Overlapped(offset=_FAR)
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(fd))
        ctypes.windll.kernel32.UnlockFileEx(handle, 0, 1, 0, ctypes.byref(region))

else:

    def lock_file(fd: int, *, shared: bool = False, wait: bool = False) -> bool:
        """Lock an open file; True when the lock was taken, False when another holds it and `wait` is false.

        The lock belongs to the open file: it ends with `unlock_file`, when the last copy of `fd` is closed,
            or when
        the process dies. Two opens of one file in one process exclude each other too.

        Raises:
            OSError: the file system knows no locks.

        Example:
            >>> with open("lock", "a") as one, open("lock", "a") as two:
            ...     lock_file(one.fileno()), lock_file(two.fileno())
            (True, False)
        """
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(fd, operation)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES) and not wait:
                return False
            raise
        return True

    def unlock_file(fd: int) -> None:
        """Give back what `lock_file` took."""
        fcntl.flock(fd, fcntl.LOCK_UN)


# Processes.


def detached() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` that give a child a session of its own, so that what ends us spares it.

    Example:
        >>> import subprocess
        >>> subprocess.Popen([sys.executable, "-c", "pass"], **detached()).wait()
        0
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def end_tree(pid: int, *, grace: float, born: float | None = None) -> None:
    """End a process and all that came of it: SIGTERM, at most `grace` seconds of patience, then SIGKILL.

    The tree is the process, its descendants, and the members of its session if it leads one, which finds
    orphans too. It is listed before anything is signalled and looked at again until nothing of it lives.
    Processes that are gone, or not ours to end, raise nothing. The exit status stays with whoever waits for
    the process.

    Args:
        pid: the root of the tree; it may have ended already.
        grace: seconds between SIGTERM and SIGKILL.
        born: the root's start (`psutil.Process.create_time()`), so that a number given to another process
            since is spared.
    """
    deadline = time.monotonic() + grace
    living = _tree(pid, born)
    for process in living:
        _tell(process, signal.SIGTERM)
    while living and time.monotonic() < deadline:
        time.sleep(_POLL)
        living = [process for process in living if _lives(process)] or _tree(pid, born)
    for _ in range(_KILL_ROUNDS):
        living = _tree(pid, born, living)
        if not living:
            return
        for process in living:
            _tell(process, _KILL)
        time.sleep(_POLL)


def tree_memory(pid: int) -> int:
    """Bytes of memory in use (resident) by a process and its descendants; 0 when it is gone."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _tree(pid: int, born: float | None, known: Iterable[psutil.Process] = ()) -> list[psutil.Process]:
    """The living processes of a tree without ourselves: root, session, those known, who came of them."""
    import psutil

    parents: dict[int, tuple[psutil.Process, int]] = {}
    for number in psutil.pids():
        with suppress(psutil.Error):
            process = psutil.Process(number)
            parents[number] = process, process.ppid()
    members = {process.pid for process in known if _lives(process)}
    if pid not in parents or born is None or abs(parents[pid][0].create_time() - born) < _SAME:
        members |= {pid, *(number for number in parents if _session(number) == pid)}
    while more := {number for number, (_, parent) in parents.items() if parent in members} - members:
        members |= more
    found = (parents[number][0] for number in members & parents.keys() - {os.getpid()})
    return [process for process in found if _lives(process)]


def _session(pid: int) -> int | None:
    """Number of the session's leader; it is given to no other process while the session has members."""
    if sys.platform == "win32":
        return None
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _lives(process: psutil.Process) -> bool:
    """Whether a process still runs. Not by `wait`, which takes the exit status from whoever started it."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _tell(process: psutil.Process, number: int) -> None:
    import psutil

    with suppress(psutil.Error, OSError):
        process.send_signal(number)


# Files and folders.


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; its parents, where missing, as the user's umask says."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)


_PRIVATELY = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOINHERIT", "O_NOFOLLOW", "O_NONBLOCK"))


def open_private(path: str | Path, flags: int, mode: int = 0o600) -> int:
    """Open a file of ours; children do not inherit it, and a new one is for its owner only.

    Never waits for the other end of a pipe that somebody put there, and never follows a link.

    Raises:
        FileNotFoundError: it is not there, or one of its folders is none.
        OSError: it cannot be opened, or is a folder, a link, a pipe, a socket or a device.
    """
    try:
        fd = os.open(path, flags | _PRIVATELY, mode)
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    kind = os.fstat(fd).st_mode
    if not stat.S_ISREG(kind):
        os.close(fd)
        code = errno.EISDIR if stat.S_ISDIR(kind) else errno.EINVAL
        raise OSError(code, os.strerror(errno.EISDIR) if stat.S_ISDIR(kind) else "Not a file", str(path))
    return fd


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes of a file, not its mode, sharing blocks where the file system can (btrfs, XFS).

    Holes stay holes: a file of 50 GB that takes 4 KB is copied as fast as one of 4 KB.
    """
    if sys.platform != "linux":
        shutil.copyfile(source, target)
        return
    with open(source, "rb", buffering=0) as reader, open(target, "wb") as writer:
        with suppress(OSError):  # a file system that shares nothing
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
            return
        size = os.fstat(reader.fileno()).st_size
        for start, end in data_ranges(reader.fileno(), size):
            _copy_range(reader, writer, start, end)
        writer.truncate(size)
        reader.seek(size)
        writer.seek(size)
        shutil.copyfileobj(reader, writer)  # what has come since, or has no size, as in /proc


def _copy_range(reader: IO[bytes], writer: IO[bytes], start: int, end: int) -> None:
    """Copy a stretch of a file to the same place in another."""
    with suppress(OSError):  # two file systems, or one that cannot copy by itself
        while start < end:
            count = os.copy_file_range(reader.fileno(), writer.fileno(), end - start, start, start)
            if not count:
                return
            start += count
    reader.seek(start)
    writer.seek(start)
    while start < end and (data := reader.read(min(_CHUNK, end - start))):
        writer.write(data)  # tells its troubles
        start += len(data)
    writer.flush()


def data_ranges(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file has data, as starts and ends; between them are holes, which read as zeros and take no room.

    The whole file where a system does not tell.
    """
    at = 0
    while at < size:
        start = _seek(fd, at, "SEEK_DATA")
        if start is None:
            return
        at = _seek(fd, start, "SEEK_HOLE") or size
        yield start, at


def _seek(fd: int, at: int, what: str) -> int | None:
    """The next data or hole of a file; None where there is none, and data throughout where nobody can tell."""
    if not hasattr(os, what):
        return at if what == "SEEK_DATA" else None
    try:
        return os.lseek(fd, at, getattr(os, what))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        return at if what == "SEEK_DATA" else None


def nobody_writes(path: Path) -> bool:
    """True when surely nobody has a file open for writing, or mapped so; False where that cannot be known.

    Linux tells it by a read lease, which only the owner of a file may take. It is given back at once; a
    writer who comes in between waits that long.
    """
    if sys.platform != "linux":
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A lease that is asked back tells so by a signal; by default by one that ends the process, this one is ignored.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def flush_files(paths: Sequence[Path]) -> None:
    """Bring the content of files to the disk, one after another or, of many, all their file system holds.

    1,000 files of 1 MiB: 1.4 s one by one, 0.2 s together. A few are flushed alone, so that what another
    process writes meanwhile does not count.
    """
    if len(paths) > _MANY and _flush_file_system(paths[0]):
        return
    for path in paths:
        with suppress(PermissionError):  # Windows flushes only what may be written
            fd = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _flush_file_system(path: Path) -> bool:
    """Flush all that a file system holds; False where a system cannot, or says that it failed."""
    if sys.platform != "linux":
        return False
    import ctypes

    flush = getattr(ctypes.CDLL(None), "syncfs", None)
    if flush is None:
        return False
    fd = os.open(path, os.O_RDONLY)
    try:
        return bool(flush(fd) == 0)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk; where a system cannot do this for folders, nothing happens."""
    if sys.platform == "win32":
        return
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def windows_reserved(name: str) -> bool:
    """Whether Windows keeps a file name for a device, with any extension: `nul`, `COM1.csv`.

    A rule of Windows' file naming; asked on every system, since a project is shared between them.
    """
    return name.partition(":")[0].partition(".")[0].rstrip(" ").upper() in _RESERVED


# The machine.


def host_name() -> str:
    """This machine's name in its network, for people to read."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def boot_id() -> str:
    """A text that is another after each start of the machine: process numbers of before mean nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def oom_kills() -> int:
    """How many processes the system has killed for want of memory since its start; 0 where it does not tell."""
    try:
        counters = Path("/proc/vmstat").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"^oom_kill (\d+)$", counters, re.MULTILINE)
    return int(found[1]) if found else 0
