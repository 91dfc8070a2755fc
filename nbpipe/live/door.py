"""The door: the comm target at which pages with the extension knock, and where they are greeted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nbpipe.live.desk import Desk
from nbpipe.views.protocol import COMM_TARGET


def answer_at_once(comm: Any) -> None:
    """Let messages to a comm come on the subshell that the page chose, not on the one that used it last.

    ipykernel sends what a page says to a comm to the thread that last sent by it: while a cell runs that has shown
    something, "stop" would wait for that cell. The attribute is the kernel's own, so it may be missing.
    """
    if callable(getattr(comm, "_reply_subshell_for", None)):
        comm._reply_subshell_for = None  # noqa: SLF001 - see above


class CommChannel:
    """A page behind a comm.

    Args:
        comm: opened by the page.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message of plain JSON values."""
        self._comm.send(data=message)

    def close(self) -> None:
        """Tell the page that nothing more comes."""
        with suppress(Exception):  # the kernel may be going down
            self._comm.close()


class Door:
    """Where pages knock.

    Args:
        desk: takes what they ask.
        manager: the kernel's comm manager.
    """

    def __init__(self, desk: Desk, manager: Any) -> None:
        self._desk = desk
        self._manager = manager

    def open(self) -> None:
        """Let pages in from now on."""
        self._manager.register_target(COMM_TARGET, self._let_in)

    def close(self) -> None:
        """Let nobody in any more."""
        with suppress(KeyError):
            self._manager.unregister_target(COMM_TARGET, self._let_in)

    def call(self) -> None:
        """Tell pages that are there already that nbpipe is loaded now: they open a comm of their own."""
        from ipykernel.comm import Comm

        with suppress(Exception):  # no page can be reached: the next one knocks by itself
            Comm(COMM_TARGET, show_warning=False).close()  # type: ignore[no-untyped-call]

    def _let_in(self, comm: Any, message: Any) -> None:
        del message
        answer_at_once(comm)
        channel = CommChannel(comm)
        comm.on_msg(lambda heard: self._desk.receive(channel, _data(heard)))
        comm.on_close(lambda _: self._desk.leave(channel))
        self._desk.views.welcome(channel)
        self._desk.greet(channel)


def _data(message: Any) -> Any:
    """What a comm message carries; None where it is none."""
    content = message.get("content") if isinstance(message, Mapping) else None
    return content.get("data") if isinstance(content, Mapping) else None
