"""The two pipes a forked job prints into, read in the event loop."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

from nbpipe.compute.base import Sink, Stream

_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux, which Python names from 3.10 on
_CHUNK = 256 * 1024  # bytes a read takes at most, and what a pipe is asked to hold
_LAST_READS = 64  # of what a job left in a pipe; more can only come from a process that is not the job's


class Output:
    """The stdout and stderr of one job.

    Args:
        sink: takes what is read.
        failed: is told what the sink raised; nothing is handed on after that.
    """

    def __init__(self, sink: Sink, failed: Callable[[Exception], None]) -> None:
        self._sink = sink
        self._failed = failed
        self._readers: dict[int, Stream] = {}
        self._held: set[Stream] = set()
        self.writers: list[int] = []
        streams: tuple[Stream, ...] = ("stdout", "stderr")
        for stream in streams:
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            with suppress(OSError):  # beyond the user's allowance; the pipe stays as it is
                fcntl.fcntl(writer, _SET_PIPE_SIZE, _CHUNK)
            self._readers[reader] = stream
            self.writers.append(writer)

    def start(self) -> None:
        """Read from now on; the writers have been handed over and are closed here."""
        loop = asyncio.get_running_loop()
        self._close_writers()
        for reader in self._readers:
            loop.add_reader(reader, self._read, reader)

    def hold(self, stream: Stream) -> None:
        """Read no more of a stream for now: the job waits once its pipe is full."""
        if stream not in self._held:
            self._held.add(stream)
            for reader in self._of(stream):
                asyncio.get_running_loop().remove_reader(reader)

    def go_on(self, stream: Stream) -> None:
        """Read a stream again that was held."""
        if stream in self._held:
            self._held.discard(stream)
            for reader in self._of(stream):
                asyncio.get_running_loop().add_reader(reader, self._read, reader)

    def _of(self, stream: Stream) -> list[int]:
        return [reader for reader, its in self._readers.items() if its == stream]

    def drain(self) -> None:
        """Read what is left, now that the job is gone, and close the pipes."""
        self._close_writers()
        for reader in tuple(self._readers):
            for _ in range(_LAST_READS):
                if not self._read(reader):
                    break
            self._close(reader)

    def _close_writers(self) -> None:
        while self.writers:
            os.close(self.writers.pop())

    def _read(self, reader: int) -> bool:
        """Take one chunk; False when there is none now."""
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(reader)
            return False
        try:
            self._sink(self._readers[reader], data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the job and reaches who waits for it
            self._sink = _discard
            self._failed(error)
        return True

    def _close(self, reader: int) -> None:
        asyncio.get_running_loop().remove_reader(reader)
        del self._readers[reader]
        os.close(reader)


def _discard(_stream: Stream, _data: bytes) -> None:
    """Takes the place of a sink that failed."""
