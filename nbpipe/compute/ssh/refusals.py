"""Why a machine could not be reached over SSH, in a sentence, and what to do about it."""

from __future__ import annotations

import errno
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from nbpipe.compute.ssh.address import Address
from nbpipe.compute.ssh.keys import Keys
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError


@dataclass(frozen=True)
class Refused:
    """The machine that did not let us in.

    Attributes:
        address: as it was asked for.
        user, host, port: as ``~/.ssh/config`` has it.
        alias: its name in known_hosts.
        known: the host keys that are known.
        files: where they are written, the first the one to which ssh adds.
    """

    address: Address
    user: str
    host: str
    port: int
    alias: str
    known: asyncssh.SSHKnownHosts
    files: Sequence[Path]

    @property
    def name(self) -> str:
        """How it is called: what the user calls it, and what it is."""
        return f"{self.address.target} ({self.user}@{self.host}, port {self.port})"

    def knows_another(self) -> bool:
        """Whether another key is known of it."""
        port = None if self.port == 22 else self.port
        keys, authorities, *_ = self.known.match(self.alias.removeprefix("[").partition("]:")[0], "", port)
        return bool(keys or authorities)


def why_not(
    error: Exception, refused: Refused, *, shown: asyncssh.SSHKey | None, keys: Keys, through: bool
) -> NbpipeError:
    """The error to raise for what `asyncssh.connect` raised.

    Args:
        shown: the host key that was not known.
        keys: the user's keys, all of which were tried.
        through: it was to be reached through a jump host.
    """
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _host_key(refused, shown, str(error))
    if isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in str(error):
        return _not_let_in(refused, keys)
    if isinstance(error, asyncssh.KeyExchangeFailed) and "host key" in str(error) and refused.knows_another():
        return _host_key(refused, None, str(error))
    if isinstance(error, asyncssh.ChannelOpenError) and through:
        return NbpipeError(
            f"The jump host cannot reach {refused.name}.", place=error.reason,
            remedy="Is the machine up, and are host and port right as the jump host sees them?",
        )  # fmt: skip
    return _no_way(error, refused)


def _no_way(error: Exception, refused: Refused) -> NbpipeError:
    if isinstance(error, socket.gaierror):
        return NbpipeError(
            f"{refused.address.target}: no machine is called {refused.host}.",
            remedy=f"Check host= and HostName in {refused.address.config}; some names are known on a VPN only.",
        )
    fact, hint = _seen(error)
    return NbpipeError(
        f"{refused.name} {fact}.",
        place=None if isinstance(error, (ConnectionRefusedError, TimeoutError)) else str(error),
        remedy=f"{hint}By hand:  {refused.address.command()}",
    )


def _seen(error: Exception) -> tuple[str, str]:
    """What a failed connection looks like, and what that mostly comes from."""
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections: nothing listens there", "Is its sshd running, and is the port right?  "
    if isinstance(error, TimeoutError):
        return "does not answer", "Is it switched on? A firewall or a missing VPN looks like this too.  "
    if isinstance(error, OSError) and error.errno in {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EADDRNOTAVAIL,
    }:
        return "cannot be reached: there is no route to it", "Is this machine online, and on the right VPN?  "
    if isinstance(error, (asyncssh.ProtocolNotSupported, asyncssh.ProtocolError)):
        return "does not speak SSH as it should", "Is the port right?  "
    if isinstance(error, (asyncssh.ConnectionLost, ConnectionError)):
        return "ended the connection before it let anybody in", "It may be busy or starting, or be no sshd.  "
    return "cannot be connected to", ""


def _host_key(refused: Refused, shown: asyncssh.SSHKey | None, said: str) -> NbpipeError:
    found = f"it shows {shown.get_algorithm()} {shown.get_fingerprint()}" if shown is not None else said
    accept = refused.address.command()
    if "revoked" in said:
        return NbpipeError(
            f"The host key of {refused.name} is revoked in known_hosts: {found}.",
            remedy="Nothing was sent to it. Ask whoever runs the machine for its new key.",
        )
    if refused.knows_another():
        file = _where(refused)
        forget = shlex.join(["ssh-keygen", "-R", refused.alias, "-f", str(file)])
        return NbpipeError(
            f"The host key of {refused.name} is not the one in {file}: {found}.",
            remedy="Nothing was sent to it. Somebody may stand between you and it, or it was set up anew: ask whoever "
            f"runs it which is right.\nIf it is:  {forget}\nand then, to see and accept the new one:  {accept}",
        )
    return NbpipeError(
        f"The host key of {refused.name} is not known: {found}.",
        remedy=f"Nothing was sent to it. If that is the machine's key, accept it once, by hand:  {accept}",
    )


def _where(refused: Refused) -> Path:
    """The first of the files that has something of the machine."""
    port = None if refused.port == 22 else refused.port
    name = refused.alias.removeprefix("[").partition("]:")[0]
    for file in refused.files:
        try:
            if any(asyncssh.read_known_hosts(str(file)).match(name, "", port)[:2]):
                return file
        except (OSError, ValueError):
            continue
    return refused.files[0]


def _not_let_in(refused: Refused, keys: Keys) -> NbpipeError:
    tried = ", ".join(keys.names) if keys.names else "none, for there is none that can be used"
    known = [f"Keys tried: {tried}.", *(f"{sentence}." for sentence in keys.unusable)]
    copy = refused.address.command().replace("ssh", "ssh-copy-id", 1)
    own = f"Name a key with key=, or load it with ssh-add, or let {refused.user} in there:  {copy}"
    if not keys.names and not keys.unusable:
        own = f"Make a key with ssh-keygen. {own}"
    return NbpipeError(f"{refused.name} does not let {refused.user} in.", remedy="\n".join([*known, own]))
