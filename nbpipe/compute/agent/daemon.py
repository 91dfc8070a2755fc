"""The agent as a process of its own, which outlives the connections to it: found or started by `connect`."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nbpipe.compute.agent import frames
from nbpipe.compute.agent.agent import PROTOCOL, Agent
from nbpipe.compute.agent.refusal import Refusal

IDLE = 60.0
"""Seconds without a connection and a job after which a daemon ends."""

_SOCKET = f"agent-{PROTOCOL}.sock"
_LOCK = f"agent-{PROTOCOL}.lock"
_LOG = f"agent-{PROTOCOL}.log"
_LOOK = 1.0  # seconds between two looks whether there is anything to do
_STARTING = 30.0  # seconds in which a daemon is up
_PIECE = 1 << 16  # bytes that are written at once


def connect(root: str) -> socket.socket:
    """A connection to the daemon of a folder, which is started if there is none.

    Args:
        root: the agent's folder; this process works in it from then on, since the path of a socket must be short.

    Raises:
        Refusal: the folder is not the user's alone, or no daemon can be started.
    """
    _enter(root)
    found = _try()
    if found is not None:
        return found
    with _locked(wait=True):
        found = _try()
        if found is None:
            with suppress(FileNotFoundError):
                os.unlink(_SOCKET)
            _start(os.getcwd())
            found = _try()
    if found is None:
        raise Refusal("refused", f"The agent in {root} does not start.", place=_last_words())
    return found


def _enter(root: str) -> None:
    root = os.path.abspath(os.path.expanduser(root))
    try:
        os.makedirs(root, 0o700, exist_ok=True)
        os.chdir(root)
        status = os.stat(".")
    except OSError as error:
        raise Refusal(
            "refused", f"{root}: {error.strerror}.", remedy="Name another folder as its root."
        ) from error
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise Refusal("refused", f"Others may write to {root}.", remedy=f"chmod 700 {root}")


def _try() -> socket.socket | None:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.connect(_SOCKET)
    except OSError:
        made.close()
        return None
    return made


@contextmanager
def _locked(*, wait: bool) -> Iterator[bool]:
    """Hold the lock of starting and ending a daemon; yields whether it is held."""
    with open(os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _start(root: str) -> None:
    """Fork the daemon, twice so that it is nobody's child, and wait until it listens."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.setsid()
            if os.fork() == 0:
                _become_daemon(root, writer)
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb") as ready:
        ready.read(1)  # or its end, when it failed


def _become_daemon(root: str, ready: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    for descriptor, place in ((null, 0), (null, 1), (log, 2)):
        os.dup2(descriptor, place)
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) > 2 and int(entry) != ready:
            with suppress(OSError):
                os.close(int(entry))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    try:
        asyncio.run(_Daemon(root).serve(ready))
    except BaseException:  # noqa: BLE001 - its log is all that is left of it
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _last_words() -> str:
    try:
        with open(_LOG, encoding="utf-8", errors="replace") as file:
            return file.read().strip().rpartition("\n")[2][-500:]
    except OSError:
        return ""


class _Daemon:
    """Serves one agent on a socket of its folder."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, ready: int) -> None:
        """Serve until there is nothing to do for a while."""
        self._agent = Agent(self._root)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        listening.bind(_SOCKET)
        os.umask(before)
        server = await asyncio.start_unix_server(self._connected, sock=listening)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        os.write(ready, b"R")
        os.close(ready)
        self._agent.keep_tidy()
        await self._until_idle(ended)
        server.close()
        await self._agent.aclose()

    async def _until_idle(self, ended: asyncio.Event) -> None:
        last = time.monotonic()
        while not ended.is_set():
            if self._connections or self._agent.busy:
                last = time.monotonic()
            elif time.monotonic() - last > IDLE or not os.path.exists(_SOCKET):
                with _locked(wait=False) as held:  # else somebody is about to connect
                    if held:
                        with suppress(FileNotFoundError):
                            os.unlink(_SOCKET)
                        return
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        if connection is not None:
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)
        await serve_stream(self._agent, reader, writer)


async def serve_stream(agent: Agent, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the questions of one stream, many at once, until it ends.

    Args:
        agent: who answers.
        reader, writer: the two directions.
    """
    turn = asyncio.Lock()
    answering: set[asyncio.Task[None]] = set()

    async def answer(head: dict[str, object], data: bytes) -> None:
        frame = frames.pack(*await agent.frame(head, data))
        async with turn:
            for start in range(0, len(frame), _PIECE):
                writer.write(frame[start : start + _PIECE])
                await writer.drain()

    try:
        while True:
            task = asyncio.ensure_future(answer(*await frames.read(reader)))
            answering.add(task)
            task.add_done_callback(answering.discard)
            task.add_done_callback(_heard)
    except (asyncio.IncompleteReadError, frames.BadFrame, OSError):
        return  # whoever asked is gone; jobs go on
    finally:
        writer.close()


def _heard(task: asyncio.Task[None]) -> None:
    """A stream that broke while it was answered to is no news."""
    if not task.cancelled() and not isinstance(task.exception(), (OSError, type(None))):
        raise RuntimeError("an answer failed") from task.exception()
