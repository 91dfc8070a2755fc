"""A verified connection to another machine: host key known, user let in, jump hosts passed, silence noticed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncssh

from nbpipe.compute.ssh.address import Address
from nbpipe.compute.ssh.keys import Keys, keys_of, usual_files
from nbpipe.compute.ssh.refusals import Refused, why_not
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError

_PATIENCE = 20.0  # seconds for one machine to let us in
_SILENCE = (
    5.0  # seconds between looks whether the other side is still there; the third without answer ends it
)
_GOODBYE = 1.0  # seconds for the other side to close too
_HOPS = 8
_SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"


@dataclass
class Connection:
    """A machine one is logged in to, and those on the way.

    Attributes:
        ssh: the connection to the machine itself.
        way: those to the jump hosts, the first first.
    """

    ssh: asyncssh.SSHClientConnection
    way: tuple[asyncssh.SSHClientConnection, ...] = ()

    @property
    def _all(self) -> tuple[asyncssh.SSHClientConnection, ...]:
        return (self.ssh, *reversed(self.way))

    def abort(self) -> None:
        """Let go at once, without a word."""
        for each in self._all:
            each.abort()

    def close(self) -> None:
        """Say goodbye."""
        for each in self._all:
            each.close()

    async def wait_closed(self) -> None:
        """Wait until it is gone, but not for long: the machine may be gone without a word."""
        for each in self._all:
            try:
                async with asyncio.timeout(_GOODBYE):
                    await each.wait_closed()
            except TimeoutError:
                each.abort()


async def connect(address: Address) -> Connection:
    """Log in to a machine.

    Raises:
        NbpipeError: it cannot be reached, its key is not known or is another than it was, or it lets nobody
            in; the message names machine and user and says what to do.
    """
    way: list[asyncssh.SSHClientConnection] = []
    try:
        for hop in await _way(address):
            way.append(await _login(hop, way[-1] if way else None))
        return Connection(way.pop(), tuple(way))
    except BaseException:
        for each in reversed(way):
            each.abort()
        raise


async def _way(address: Address, depth: int = 0) -> list[Address]:
    """The machines to pass, the last of them the one that is meant."""
    if depth > _HOPS:
        raise NbpipeError(
            f"{address.target}: the jump hosts of {address.host} lead in a circle or are more than {_HOPS}.",
            remedy=f"Look for ProxyJump in {address.config}.",
        )
    jump: object = address.jump
    if jump is None:
        jump = (await _options(address)).tunnel
    if not isinstance(jump, str) or jump.lower() == "none":
        return [address]
    hops = [address.hop(text) for text in jump.split(",")]
    return [*await _way(hops[0], depth + 1), *hops[1:], address]


async def _options(address: Address) -> asyncssh.SSHClientConnectionOptions:
    """What ``~/.ssh/config`` says of a machine, keys not yet read."""
    paths = [str(address.config)] if os.access(address.config, os.R_OK) else None

    def read() -> asyncssh.SSHClientConnectionOptions:
        return asyncssh.SSHClientConnectionOptions(
            host=address.host,
            port=address.port if address.port is not None else (),
            username=address.user if address.user is not None else (),
            config=paths,
            known_hosts=None,
            client_keys=None,
            agent_path=None,
        )

    try:
        return await asyncio.to_thread(read)
    except (ValueError, OSError) as error:
        raise NbpipeError(
            f"{address.target}: {address.config} cannot be understood.", place=str(error),
            remedy=f"ssh -G {address.host}  shows how ssh itself reads it.",
        ) from error  # fmt: skip


class _Guest(asyncssh.SSHClient):
    """Says no to every host key that known_hosts does not have, and remembers which it was."""

    shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return False


async def _login(
    address: Address, through: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    said = await _options(address)
    known_files = _known_files(address, said)
    known = await asyncio.to_thread(_known_hosts, known_files)
    guest = _Guest()
    keys = Keys()
    try:
        async with _keys(address, said) as keys, asyncio.timeout(_PATIENCE):
            return await asyncssh.connect(
                address.host,
                options=said,
                client_factory=lambda: guest,
                tunnel=through,
                known_hosts=known,
                client_keys=keys.pairs or None,
                password_auth=False,
                kbdint_auth=False,
                agent_forwarding=False,
                x11_forwarding=False,
                request_pty=False,
                command=None,
                keepalive_interval=_SILENCE,
                keepalive_count_max=2,
                connect_timeout=None,
                login_timeout=_PATIENCE,
                encoding=None,
            )
    except (OSError, TimeoutError, ValueError, asyncssh.Error) as error:
        refused = Refused(address, said.username, said.host, said.port, _alias(said), known, known_files)
        raise why_not(error, refused, shown=guest.shown, keys=keys, through=through is not None) from error


@contextlib.asynccontextmanager
async def _keys(address: Address, said: asyncssh.SSHClientConnectionOptions) -> AsyncIterator[Keys]:
    agent = str(said.config.get("IdentityAgent", "SSH_AUTH_SOCK") or "")
    if agent in {"SSH_AUTH_SOCK", "$SSH_AUTH_SOCK"}:
        agent = address.agent
    elif agent:
        agent = str(address.inside(agent))
    written = said.config.get("IdentityFile", ())
    files = [address.inside(str(file)) for file in written] if isinstance(written, list) else []
    if address.key is not None:
        files.insert(0, address.inside(address.key))
    only = bool(said.config.get("IdentitiesOnly", False))
    async with keys_of(files or usual_files(address.home), agent, named=bool(files), only=only) as keys:
        yield keys


def _alias(said: asyncssh.SSHClientConnectionOptions) -> str:
    """The name under which known_hosts has a machine, as ssh writes it."""
    name = said.host_key_alias or said.host
    return name if said.port == 22 or said.host_key_alias else f"[{name}]:{said.port}"


def _known_files(address: Address, said: asyncssh.SSHClientConnectionOptions) -> tuple[Path, ...]:
    if address.known_hosts is not None:
        return (address.inside(address.known_hosts),)
    named: Sequence[str] | None = said.config.get("UserKnownHostsFile")  # type: ignore[assignment]
    of_all: Sequence[str] | None = said.config.get("GlobalKnownHostsFile")  # type: ignore[assignment]
    own = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"] if named is None else named
    system = [_SYSTEM_KNOWN_HOSTS] if of_all is None else of_all
    return tuple(address.inside(file) for file in (*own, *system))


def _known_hosts(files: Sequence[Path]) -> asyncssh.SSHKnownHosts:
    """Every line that can be read; ssh passes over the others too."""
    known = asyncssh.SSHKnownHosts()
    for file in files:
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            with contextlib.suppress(ValueError):
                known.load(re.sub(r"^\s+", "", line))
    return known
