"""Forks the processes of steps from an interpreter that has started already, so that they start fast."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself costs 3 ms of enum
import _socket
import gc
import os
import select
import sys

from nbpipe.runtime import tree
from nbpipe.runtime.guard import Guard, answer, become, wake_on_child
from nbpipe.runtime.wire import HEAD, LOST, READY, Request

_DESCRIPTORS = 3  # of a step: its channel, its stdout, its stderr
_INT = 4  # bytes of a descriptor in a message


class Zygote:
    """One interpreter that turns each message of the backend into a guard and its step.

    It is started once for each interpreter and each set of the variables that an interpreter reads at its
    start, and it imports next to nothing, so that a fork is cheap and small. When a guard is killed (a script
    may kill its parent), what the guard watched falls to the zygote, which ends it and tells the backend.

    Args:
        control: stream socket to the backend: one byte and three descriptors a step; its end of file means
            the backend is gone.
        modules: names of the modules this interpreter had before it became a zygote.
    """

    def __init__(self, control: int, modules: frozenset[str]) -> None:
        self._control = _socket.socket(fileno=control)
        self._modules = modules
        self._prctl = tree.Prctl()
        self._channels: dict[int, int] = {}  # of the guards that live, by their process number

    def serve(self) -> Request | None:
        """Fork steps until the backend is gone: None then; in a step's process, what it is to run."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._prctl.adopt_orphans()
        wake = wake_on_child()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        poll.register(self._control.fileno(), select.POLLIN)
        gc.freeze()  # a collection in a step would else copy the pages of all that was here before
        self._control.sendall(READY)
        served = True
        while served or self._channels:
            for fd, _ in poll.poll():
                if fd == wake:
                    os.read(wake, 4096)
                    self._reap()
                    continue
                descriptors = self._receive()
                if descriptors is None:
                    poll.unregister(fd)
                    served = False
                elif len(descriptors) == _DESCRIPTORS:
                    request = self._fork(*descriptors)
                    if request is not None:
                        return request
                else:  # there was no room for them: what is closed here tells the backend
                    for descriptor in descriptors:
                        os.close(descriptor)
        return None

    def _receive(self) -> list[int] | None:
        """The descriptors of the next step; None when the backend is gone."""
        try:
            message, control, _, _ = self._control.recvmsg(1, _socket.CMSG_SPACE(_DESCRIPTORS * _INT))
        except OSError:
            return None
        if not message:
            return None
        packed = control[0][2] if control else b""
        return [int.from_bytes(packed[at : at + _INT], sys.byteorder) for at in range(0, len(packed), _INT)]

    def _fork(self, channel: int, stdout: int, stderr: int) -> Request | None:
        """Fork a guard; None in the zygote, in the step what it is to run. The guard itself ends in here."""
        try:
            guard = os.fork()
        except OSError as error:  # no more processes
            sys.stderr.write(f"{error.strerror}\n")
            answer(channel, LOST)
            guard = -1
        if guard:
            os.close(stdout)
            os.close(stderr)
            if guard > 0:
                self._channels[guard] = channel
            else:
                os.close(channel)
            return None
        try:
            os.close(self._control.detach())
            for other in self._channels.values():
                os.close(other)
            request = _read(channel)
            if request is None or not Guard(request, channel, self._prctl).start():
                os._exit(0)
            become(request, stdout, stderr, self._modules)
        except BaseException:  # noqa: BLE001 - a guard must not go on as a zygote, nor a step that cannot be made ready
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        return request

    def _reap(self) -> None:
        """Take note of the guards that have ended, and clear up after one that was killed."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            channel = self._channels.pop(pid, None)
            if channel is None:
                continue
            if status:
                tree.end_children(self._channels)
                answer(channel, LOST)
            os.close(channel)


def _read(channel: int) -> Request | None:
    """Take the request off a guard's channel; None when the backend ended before it was whole."""

    def exactly(size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(channel, size - len(parts))
            if not part:
                break
            parts += part
        return bytes(parts)

    size = int.from_bytes(exactly(HEAD), "big")
    body = exactly(size)
    return Request.from_bytes(body) if size and len(body) == size else None
