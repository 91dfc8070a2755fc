"""Watches one step: starts its process, obeys the backend, leaves nothing alive, reports how it ended."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself costs 3 ms of enum
import os
import select
import sys
import time
from resource import struct_rusage

from nbpipe.runtime import tree
from nbpipe.runtime.wire import KILL, TERMINATE, Report, Request

_FIRST_LOOK = 0.1  # seconds from the start until the memory of a step is first looked at
_SAMPLED = 1.0  # seconds between two looks
_LIMITED = 0.1  # the same, where there is a limit to keep
_SHARE = 10  # a look that took long is followed by a pause so many times as long


class Guard:
    """The small process between a backend and a step.

    It is forked by a zygote, so it holds next to nothing: `wait4` counts the memory of the process that
    forked into the peak of the one forked, which is why no backend, however large, forks a step itself. As
    the adopter of orphans it is, in the end, the parent of everything the step starts, daemons included; and
    when the backend's end of the channel closes, however that came about, it ends all of them.

    Args:
        request: what to run.
        channel: stream socket to the backend: commands in, one report out; its end of file means the backend
            is gone.
        prctl: how to adopt orphans.
    """

    def __init__(self, request: Request, channel: int, prctl: tree.Prctl) -> None:
        self._request = request
        self._channel = channel
        self._prctl = prctl
        self._step = 0
        self._status: int | None = None
        self._user = self._system = 0.0
        self._peak = 0
        self._ending = ""

    def start(self) -> bool:
        """Fork the step and return True in it; in the guard, False once all that came of it is gone."""
        self._prctl.adopt_orphans()
        wake = wake_on_child()
        started = time.monotonic()
        own = os.getpid()
        self._step = os.fork()
        if self._step == 0:
            self._prctl.die_with_parent()
            if os.getppid() != own:
                os._exit(1)  # the guard was killed before this process was bound to it
            return True
        self._watch(wake)
        wall = time.monotonic() - started
        for pid, status, usage in tree.end_children():
            self._count(pid, status, usage)
        report = Report(self._status or 0, wall, self._user, self._system, self._peak, self._ending)
        answer(self._channel, report)
        return False

    def _watch(self, wake: int) -> None:
        """Obey the backend until the step's own process has ended."""
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        look = time.monotonic() + _FIRST_LOOK
        while self._status is None:
            for fd, _ in poll.poll(max(0.0, look - time.monotonic()) * 1000):
                if fd == wake:
                    os.read(wake, 4096)
                    self._reap()
                elif not self._obey():
                    poll.unregister(fd)  # the end of a channel can be read again and again
            now = time.monotonic()
            if self._status is None and now >= look:
                self._sample()
                after = time.monotonic()
                look = after + max(_LIMITED if self._request.memory else _SAMPLED, (after - now) * _SHARE)

    def _obey(self) -> bool:
        """Carry out one command; False when there will be no more."""
        try:
            command = os.read(self._channel, 1)
        except OSError:
            command = b""
        if command == TERMINATE:
            tree.send(tree.descendants(os.getpid()), signal.SIGTERM)
        elif command in (KILL, b""):
            tree.send(tree.descendants(os.getpid()), signal.SIGKILL)
        return bool(command)

    def _sample(self) -> None:
        limit = self._request.memory
        pids = tree.descendants(os.getpid())
        held = tree.resident(pids, min(limit, self._peak) if limit else self._peak)
        self._peak = max(self._peak, held)
        if limit and held > limit:
            self._ending = "memory"
            tree.send(pids, signal.SIGKILL)

    def _reap(self) -> None:
        """Take note of every child that has ended, up to the step itself."""
        while self._status is None:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            self._count(pid, status, usage)

    def _count(self, pid: int, status: int, usage: struct_rusage) -> None:
        if pid == self._step:
            self._status = os.waitstatus_to_exitcode(status)
        self._user += usage.ru_utime
        self._system += usage.ru_stime
        # Of the largest process alone: the kernel does not sum a tree. Linux counts in kilobytes.
        self._peak = max(self._peak, usage.ru_maxrss * 1024)


def wake_on_child() -> int:
    """A descriptor that can be read whenever a child of this process has ended since it was last emptied."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # without a handler nothing is written
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def answer(channel: int, report: Report) -> None:
    """Tell the backend how a step ended, if it is still there."""
    try:
        os.write(channel, report.to_bytes())
    except OSError:
        return


def become(request: Request, stdout: int, stderr: int, modules: frozenset[str]) -> None:
    """Make this process what a fresh interpreter would be at the first line of the script.

    Args:
        request: what to become.
        stdout, stderr: descriptors of the pipes.
        modules: names of the modules a fresh interpreter has imported. Every other goes, so that a script
            finds its own `select.py` beside it; only those of C, whose names begin with an underscore, stay.
    """
    os.setsid()
    _reset_signals()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for fd in [int(entry) for entry in os.listdir("/proc/self/fd")]:
        if fd > 2:
            try:
                os.close(fd)
            except OSError:  # the listing's own, closed by now
                continue
    os.environ.clear()
    for name, value in request.env.items():
        os.environb[name] = value
    os.chdir(request.cwd)
    for module in set(sys.modules) - modules:
        if not module.startswith("_"):
            del sys.modules[module]


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    special = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGPIPE: signal.SIG_IGN,
        signal.SIGXFSZ: signal.SIG_IGN,
    }
    for number in range(1, signal.NSIG):
        wanted = special.get(number, signal.SIG_DFL)
        if signal.getsignal(number) not in (None, wanted) and number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
