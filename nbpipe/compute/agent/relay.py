"""Carries bytes between this process's standard streams and the daemon's socket."""

from __future__ import annotations

import os
import socket
import threading

_CHUNK = 1 << 18


def splice(connection: socket.socket) -> None:
    """Carry bytes both ways until one side ends; the process is to end then."""

    def outward() -> None:
        try:
            while data := os.read(0, _CHUNK):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            connection.close()

    threading.Thread(target=outward, daemon=True).start()
    try:
        while data := connection.recv(_CHUNK):
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
    except OSError:
        return
