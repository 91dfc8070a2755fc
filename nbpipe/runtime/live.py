"""Brings what a script prints to its reader within a tenth of a second, at no cost to the printing.

Output to a pipe is buffered in blocks: without help, nothing arrives until 8 KiB have been written, and
`python -u` costs 4.6 times the CPU of a script that prints much. Here a thread of the interpreter flushes the
standard streams ten times a second, which writes only what has been waiting.

The thread is kept out of the script's way: `threading` does not list it; it is away while a process forks, so
that no lock of a stream is copied in a locked state and Python 3.12 sees no thread to warn of (3.13 looks a
moment too late for that, and may warn of an `os.fork()` that a script itself calls); and it ends before the
interpreter does, which would otherwise die of finding a stream locked.
"""

from __future__ import annotations

import _thread
import atexit
import io
import os
import sys
import time

_INTERVAL = 0.1  # seconds
_WARNS_OF_THREADS = sys.version_info >= (3, 12)  # os.fork() does, counting what /proc shows


class Flusher:
    """The thread, one a process; forked processes get their own."""

    def __init__(self) -> None:
        self._turn = _thread.allocate_lock()  # held while a process forks
        self._stop = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._native = 0
        self._wanted = False

    def start(self) -> None:
        """Flush from now on, until the interpreter ends; to be called once."""
        self._wanted = True
        atexit.register(self._close)  # registered first, so it runs last
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._after_fork
            )
        self._begin()

    def _begin(self) -> None:
        self._stop = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._stop.acquire()
        self._ended.acquire()
        self._native = 0
        try:
            _thread.start_new_thread(self._run, (self._stop, self._ended))
        except RuntimeError:  # no more threads: the output comes in blocks then
            self._ended.release()

    def _run(self, stop: _thread.LockType, ended: _thread.LockType) -> None:
        self._native = _thread.get_native_id()
        while not stop.acquire(True, _INTERVAL):
            self._flush()
        ended.release()

    def _flush(self) -> None:
        streams = {id(stream): stream for stream in (sys.__stdout__, sys.stdout, sys.stderr)}
        for stream in streams.values():
            if type(stream) is not io.TextIOWrapper:  # a script's own kind may not bear a second thread
                continue
            try:
                stream.flush()
            except (
                OSError,
                ValueError,
            ):  # closed, detached or nobody reads: the script's own write will say so
                continue

    def _end(self) -> None:
        """Stop the thread and wait until it is gone."""
        self._stop.release()
        self._ended.acquire()
        if _WARNS_OF_THREADS and self._native:
            task = f"/proc/self/task/{self._native}"
            deadline = time.monotonic() + 0.1
            while os.path.exists(task) and time.monotonic() < deadline:
                time.sleep(0.0001)  # it still needs the interpreter's lock to go

    def _before_fork(self) -> None:
        self._turn.acquire()
        if self._wanted:
            self._end()
            self._flush()  # else what waits would be written twice, or not, as the thread had just run or not

    def _after_fork(self) -> None:
        if self._wanted:
            self._begin()
        self._turn.release()

    def _close(self) -> None:
        with self._turn:
            if self._wanted:
                self._wanted = False
                self._end()
