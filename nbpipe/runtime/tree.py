"""The processes below this one on Linux: who they are, how much memory they hold, how to end them all."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself costs 3 ms of enum
import os
import sys
from resource import struct_rusage

_CHILD_SUBREAPER, _PDEATHSIG = 36, 1  # linux/prctl.h
_PAGE = os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else 4096


class Prctl:
    """The two settings of prctl(2) that keep a step's processes together.

    Through `_ctypes`, because `ctypes` itself costs 10 ms and would stay imported in the step.

    Raises:
        ImportError: this interpreter was built without libffi.
        OSError: the C library has no prctl.
    """

    def __init__(self) -> None:
        import _ctypes

        self._call = _ctypes.call_function
        self._prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]

    def adopt_orphans(self) -> None:
        """Make this process the parent of every descendant whose own parent ends, daemons included."""
        if self._call(self._prctl, (_CHILD_SUBREAPER, 1, 0, 0, 0)) != 0:
            raise OSError("prctl(PR_SET_CHILD_SUBREAPER) failed")

    def die_with_parent(self) -> None:
        """Have this process killed when the one that forked it ends, however that ends."""
        self._call(self._prctl, (_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0))


def descendants(root: int, spared: dict[int, int] | None = None) -> list[int]:
    """Numbers of the processes below `root`, parents before their children, without the `spared` and what is
    below those.

    One look at /proc; the per-thread lists of children are missing from many kernels.
    """
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            parent = _parent(entry)
            if parent and int(entry) not in (spared or ()):
                children.setdefault(parent, []).append(int(entry))
    found = list(children.get(root, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _parent(pid: str) -> int:
    """The parent of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = file.read(512)
    except OSError:
        return 0
    return int(
        stat[stat.rindex(b")") + 2 :].split(b" ", 2)[1]
    )  # the name before it may hold blanks and brackets


def resident(pids: list[int], mind: int) -> int:
    """Bytes the processes hold together.

    The sum of what each has resident counts pages they share once for each of them (a pool of forked workers,
    many times). So where several processes come to more than `mind` bytes, the proportional share is read
    instead, which is exact but costs milliseconds.
    """
    total = sum(_statm(pid) for pid in pids)
    if len(pids) > 1 and total > mind:
        return sum(_proportional(pid) for pid in pids)
    return total


def _statm(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
            return int(file.read(256).split(b" ", 2)[1]) * _PAGE
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return _statm(pid)
    return 0


def send(pids: list[int], number: int) -> list[int]:
    """Send a signal to each process; those that are not ours to signal (another user's) are returned."""
    foreign = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError:
            foreign.append(pid)
    return foreign


def end_children(spared: dict[int, int] | None = None) -> list[tuple[int, int, struct_rusage]]:
    """Kill everything below this process and wait until it is gone; returns what `wait4` says of each child.

    Needs `Prctl.adopt_orphans`: what a killed process leaves behind then becomes a child of this one and is
    found by the next look, until there is none. Processes of another user are left alone.
    """
    ended: list[tuple[int, int, struct_rusage]] = []
    foreign: set[int] = set()
    while _has_children():
        pids = [pid for pid in descendants(os.getpid(), spared) if pid not in foreign]
        if not pids:
            break
        foreign.update(send(pids, signal.SIGKILL))
        for pid in pids:
            if pid not in foreign:
                try:
                    ended.append(os.wait4(pid, 0))
                except ChildProcessError:  # not yet a child of this process
                    continue
    return ended


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
