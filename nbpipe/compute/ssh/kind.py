"""What an SSH target can be told, and how its backend is opened."""

from __future__ import annotations

import asyncio
import os
import shlex
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from nbpipe.compute.agent.archive import archive
from nbpipe.compute.base import Backend
from nbpipe.compute.channel import Channel, StreamChannel
from nbpipe.compute.far import FarBackend
from nbpipe.compute.registered import BackendKind, Setting
from nbpipe.compute.ssh.address import HOP, Address
from nbpipe.compute.ssh.connection import connect
from nbpipe.compute.ssh.relay import open_relay

ROOT = "~/.cache/nbpipe/agent"
"""The agent's folder there, if the target does not name another."""


def _text(letters: str = "") -> Callable[[str], str | None]:
    """A test of a text that begins with no ``-`` and holds none of some letters."""

    def wrong(value: str) -> str | None:
        if not value.strip():
            return "is empty"
        if value.startswith("-") or not value.isprintable():
            return f"is {value!r:.80}, which begins with a - or holds what cannot be printed"
        if any(letter in value for letter in letters):
            return f"is {value!r:.80}, which holds a blank, @ or /"
        return None

    return wrong


def _wrong_port(value: int) -> str | None:
    return None if 1 <= value <= 65535 else f"is a number from 1 to 65535, not {value}"


def _wrong_jump(value: str) -> str | None:
    if _text()(value) or not all(HOP.fullmatch(hop.strip()) for hop in value.split(",")):
        return f"is [user@]host[:port], with commas between several, not {value!r:.80}"
    return None


def _wrong_file(value: str) -> str | None:
    return _read(value)[1]


def _wrong_key(value: str) -> str | None:
    begin, problem = _read(value)
    if problem is not None:
        return problem
    if b"PRIVATE KEY" not in begin:
        public = begin.startswith((b"ssh-", b"ecdsa-", b"sk-"))
        return f"is no private key: {value}" + (
            ", but a public one; the private one has no .pub" if public else ""
        )
    if Path(value).expanduser().stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"can be read by others than you; run:  chmod 600 {shlex.quote(value)}"
    return None


def _read(value: str) -> tuple[bytes, str | None]:
    """How a file begins, or what is wrong with it."""
    path = Path(value).expanduser()
    if problem := _text()(value):
        return b"", problem
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b"", f"is no file: {value}"
        with path.open("rb") as file:
            return file.read(4096), None
    except OSError as error:
        return b"", f"cannot be read: {value}: {error.strerror}"


class SshKind(BackendKind):
    """Another Linux machine with an SSH server and Python 3.9 or newer."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "host": Setting(
            str, "a name, an address or an alias of ~/.ssh/config", required=True, wrong=_text(" @/")
        ),
        "port": Setting(int, "that of ~/.ssh/config or 22", wrong=_wrong_port),
        "user": Setting(str, "that of ~/.ssh/config or your own name", wrong=_text(" @/")),
        "key": Setting(str, "path of a private key", wrong=_wrong_key),
        "known_hosts": Setting(str, "path of a file of host keys", wrong=_wrong_file),
        "jump": Setting(str, "machines on the way, as ProxyJump has them", wrong=_wrong_jump),
        "python": Setting(str, "an interpreter there, 3.9 or newer", "python3", wrong=_text()),
        "root": Setting(str, "a folder there for the agent", ROOT, wrong=_text()),
    }
    slots: ClassVar[int] = 2

    def check(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See `BackendKind.check`; paths of files here are then whole, whoever opens the target later, and where."""
        whole = super().check(settings)
        files = {name: whole[name] for name in ("key", "known_hosts") if whole[name] is not None}
        return whole | {name: os.path.abspath(os.path.expanduser(path)) for name, path in files.items()}

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
        """See `BackendKind.open`."""
        address = Address.of(name, settings, environ)

        async def open_channel() -> Channel:
            connection = await connect(address)
            try:
                relay = await open_relay(name, connection, settings["python"], settings["root"], archive())
            except BaseException:
                connection.abort()
                raise
            reader = cast("asyncio.StreamReader", relay.process.stdout)  # has the method of it that is needed
            return StreamChannel(name, reader, relay, why_ended=lambda: relay.last_words)

        return FarBackend(name, open_channel, remedy=f"By hand:  {address.command()}")


KIND = SshKind()
