"""An agent that belongs to the process that started it: it answers on a socket and ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

from nbpipe.compute.agent.agent import Agent
from nbpipe.compute.agent.daemon import serve_stream

_LOOK = 0.5  # seconds between two looks whether who started it is alive


def serve(root: str) -> None:
    """Answer until the other end of the socket is closed, or the process that had it is gone; then end every job.

    Args:
        root: the agent's folder.

    Raises:
        Refusal: the folder cannot be made.
    """
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(root, connection))


async def _serve(root: str, connection: socket.socket) -> None:
    agent = Agent(root)
    agent.keep_tidy()
    reader, writer = await asyncio.open_connection(sock=connection)
    waited = {
        asyncio.ensure_future(serve_stream(agent, reader, writer)),
        # Other children of that process may hold its end of the socket longer than it lives.
        asyncio.ensure_future(_orphaned(os.getppid())),
    }
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    await agent.aclose()


async def _orphaned(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(_LOOK)
