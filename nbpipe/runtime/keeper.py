"""Watches one step where its backend cannot: on a machine of a cluster, with a folder as the only way between them.

In the folder of the attempt lie ``request`` (what to run), then ``started`` (the machine), ``stdout.0`` and
``stderr.0`` and further pieces of what was printed, named by the byte each begins with, ``taken`` (how many
bytes of each the backend has), and last ``report`` (how it ended).
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself costs 3 ms of enum
import _socket
import io
import os
import select
import sys

from nbpipe.runtime import tree
from nbpipe.runtime.guard import Guard, become, wake_on_child
from nbpipe.runtime.wire import HEAD, KILL, LOST, TERMINATE, Report, Request

PIECE = 16 * 2**20
"""Bytes of a stream in one file, at least, so that what was taken long ago can be removed."""

AHEAD = 256 * 2**20
"""Bytes that a step may be ahead of its reader; then it waits."""

SOFT, HARD = signal.SIGUSR1, signal.SIGUSR2
"""Signals to the keeper: SIGTERM to the step's processes, or SIGKILL."""

_CHUNK = 256 * 1024
_LOOK = 0.05  # seconds between two looks at what was taken, while a step waits


class Keeper:
    """The process that a cluster's queue starts: it forks a guard and its step, and writes down what comes of them.

    When it is killed, however that happens, its guard reads the end of their channel and kills the step's tree.

    Args:
        folder: the attempt's control folder.
        launcher: words of a program that starts the script on all machines of the step (``mpiexec -n 4``), or none.
        modules: names of the modules this interpreter had before.
    """

    def __init__(self, folder: str, launcher: list[str], modules: frozenset[str]) -> None:
        self._folder = folder
        self._launcher = launcher
        self._modules = modules
        self._prctl = tree.Prctl()
        with open(os.path.join(folder, "request"), "rb") as file:
            self._request = Request.from_bytes(file.read()[HEAD:])
        self._request.env = dict(os.environb)
        self._pieces: dict[int, _Pieces] = {}
        self._line = b""

    def run(self) -> Request | None:
        """Start the step and keep it to its end: None then; in the step's own process, what it is to become."""
        self._prctl.adopt_orphans()
        ours, theirs = _socket.socketpair()
        stdout, stdout_end = os.pipe()
        stderr, stderr_end = os.pipe()
        if os.fork() == 0:
            for descriptor in (ours.detach(), stdout, stderr):
                os.close(descriptor)
            return self._in_guard(theirs.detach(), stdout_end, stderr_end)
        for descriptor in (theirs.detach(), stdout_end, stderr_end):
            os.close(descriptor)
        self._write("started", os.environb.get(b"SLURMD_NODENAME") or os.uname().nodename.encode())
        for reader, name in ((stdout, "stdout"), (stderr, "stderr")):
            os.set_blocking(reader, False)
            self._pieces[reader] = _Pieces(self._folder, name)
        self._write("report", self._keep(ours).to_bytes())
        return None

    def _in_guard(self, channel: int, stdout: int, stderr: int) -> Request:
        try:
            if not Guard(self._request, channel, self._prctl).start():
                os._exit(0)
            become(self._request, stdout, stderr, self._modules)
            if self._launcher:
                self._launch()
        except BaseException:  # noqa: BLE001 - a guard must not go on as a keeper
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        return self._request

    def _launch(self) -> None:
        """Become the launcher, which starts the script everywhere."""
        entry = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
        script, argv = self._request.script, self._request.argv
        words = [*self._launcher, sys.executable, entry, "--launch", os.fsdecode(script)]
        os.execvp(  # noqa: S606 - a word is a word, no shell between
            words[0], [*words, *map(os.fsdecode, argv)]
        )

    def _keep(self, channel: _socket.socket) -> Report:
        """Pass on signals and write what comes, until the guard has reported or is gone."""
        wake = wake_on_child()
        for number, command in ((SOFT, TERMINATE), (signal.SIGTERM, TERMINATE), (HARD, KILL)):
            signal.signal(number, lambda _number, _frame, command=command: _tell(channel, command))
        report = None
        while report is None:
            for descriptor in self._ready(channel.fileno(), wake):
                if descriptor == channel.fileno():
                    report = self._receive(channel)
                elif descriptor == wake:
                    os.read(wake, 4096)
                else:
                    self._pieces[descriptor].take(descriptor)
        for reader, pieces in self._pieces.items():
            while pieces.take(reader):
                continue
        return report

    def _ready(self, channel: int, wake: int) -> list[int]:
        """Which of its descriptors have something; the pipes of a step that is too far ahead are left alone."""
        poll = select.poll()
        late = False
        for descriptor in (channel, wake, *self._pieces):
            pieces = self._pieces.get(descriptor)
            if pieces is not None and pieces.full():
                late = True
            elif pieces is None or not pieces.ended:
                poll.register(descriptor, select.POLLIN)
        return [descriptor for descriptor, _ in poll.poll(_LOOK * 1000 if late else None)]

    def _receive(self, channel: _socket.socket) -> Report | None:
        data = channel.recv(4096)
        self._line += data
        report = Report.from_bytes(self._line)
        if report is None and not data:  # the script killed its guard: what that watched is ours now
            tree.end_children()
            return LOST
        return report

    def _write(self, name: str, data: bytes) -> None:
        """Write a file that nobody sees half of."""
        place = os.path.join(self._folder, name)
        with open(_own(place + ".new"), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(place + ".new", place)


def _tell(channel: _socket.socket, command: bytes) -> None:
    try:
        channel.send(command)
    except OSError:  # it is on its way out
        return


class _Pieces:
    """One stream, written into files of a bounded size."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file = self._piece(0)
        self._begin = 0
        self._written = 0
        self._room = AHEAD
        self.ended = False

    def take(self, reader: int) -> bool:
        """Write what is in the pipe now; False when there is nothing, or nothing any more."""
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return False
        self.ended = not data
        if data:
            self._file.write(data)
            self._written += len(data)
            if self._written - self._begin >= PIECE:
                self._file.close()
                self._begin = self._written
                self._file = self._piece(self._begin)
        return bool(data)

    def _piece(self, begin: int) -> io.FileIO:
        """The file of what comes from this byte on."""
        return io.FileIO(_own(os.path.join(self._folder, f"{self._name}.{begin}")), "wb")

    def full(self) -> bool:
        """Whether the step has to wait for its reader."""
        if self.ended or self._written < self._room:
            return False
        self._room = taken_of(self._folder).get(self._name, 0) + AHEAD
        return self._written >= self._room


def _own(place: str) -> int:
    """A file that its user alone reads and writes, whatever the step's umask is."""
    return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def taken_of(folder: str) -> dict[str, int]:
    """Bytes of each stream that the backend has said it has."""
    try:
        with open(os.path.join(folder, "taken"), encoding="ascii") as file:
            stdout, stderr = file.read().split()
        return {"stdout": int(stdout), "stderr": int(stderr)}
    except (OSError, ValueError):
        return {}
