"""A line that counts: hands connections on to a port of this machine, and the bytes of both ways."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass


@dataclass
class CountedLine:
    """What went over a line.

    Attributes:
        port: where it listens.
        there, back: bytes that went to the server, and came from it.
    """

    port: int
    there: int = 0
    back: int = 0


@contextmanager
def counted(upstream: int) -> Iterator[CountedLine]:
    """A line to a port, in threads of this process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        line = CountedLine(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(line, listener, upstream), daemon=True).start()
        yield line


def _accept(line: CountedLine, listener: socket.socket, upstream: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", upstream))
            for source, target, way in ((client, server, "there"), (server, client, "back")):
                threading.Thread(target=_carry, args=(line, source, target, way), daemon=True).start()


def _carry(line: CountedLine, source: socket.socket, target: socket.socket, way: str) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            setattr(line, way, getattr(line, way) + len(data))
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    if way == "back":
        source.close()
        target.close()
