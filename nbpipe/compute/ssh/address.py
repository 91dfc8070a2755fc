"""Which machine an SSH target means: host, port, user, keys and the way there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError

HOP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?P<host>\[[^]\s]+\]|[^:@/\s]+)(?::(?P<port>\d+))?/?")
"""A machine on the way, as ``ProxyJump`` writes it."""


@dataclass(frozen=True)
class Address:
    """A machine, and how one gets in.

    Attributes:
        target: what the user calls it.
        host: a name, an address, or an alias of ``~/.ssh/config``.
        port: None for that of ``~/.ssh/config``, else 22.
        user: None for that of ``~/.ssh/config``, else the user here.
        key: path of a private key, or None for the user's own and those of ssh-agent.
        known_hosts: the file that says which host keys are right, or None for the user's.
        jump: machines on the way, as ``ProxyJump`` has them, or None for what ``~/.ssh/config`` says.
        home: the home folder in which ``.ssh`` lies.
        agent: socket of ssh-agent, or empty.
    """

    target: str
    host: str
    port: int | None = None
    user: str | None = None
    key: str | None = None
    known_hosts: str | None = None
    jump: str | None = None
    home: Path = field(default_factory=Path.home)
    agent: str = ""

    @classmethod
    def of(cls, target: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Address:
        """The address that checked settings of a target mean for the owner of an environment."""
        named = ("host", "port", "user", "key", "known_hosts", "jump")
        home = Path(environ.get("HOME") or Path.home())
        return cls(
            target,
            home=home,
            agent=environ.get("SSH_AUTH_SOCK", ""),
            **{name: settings[name] for name in named if settings.get(name) is not None},
        )

    def inside(self, path: str) -> Path:
        """A path as settings and ``~/.ssh/config`` write it."""
        return self.home / path.removeprefix("~/")

    @property
    def config(self) -> Path:
        """The user's configuration of ssh; it need not exist."""
        return self.home / ".ssh" / "config"

    def hop(self, text: str) -> Address:
        """A machine on the way, ``[user@]host[:port]``; its keys are those of the user.

        Raises:
            NbpipeError: it is not written so.
        """
        found = HOP.fullmatch(text.strip())
        if found is None or found["host"].startswith("-"):
            raise NbpipeError(f"{self.target}: {text!r} names no jump host.", remedy="[user@]host[:port]")
        port = int(found["port"]) if found["port"] else None
        host = found["host"].strip("[]")
        return replace(self, host=host, port=port, user=found["user"], key=None, jump=None)

    def command(self, *options: str) -> str:
        """The ``ssh`` command that a user types to get there by hand."""
        words = ["ssh", *options]
        words += ["-o", f"UserKnownHostsFile={self.known_hosts}"] if self.known_hosts else []
        words += ["-i", self.key] if self.key else []
        words += ["-J", self.jump] if self.jump else []
        words += ["-p", str(self.port)] if self.port else []
        words.append(f"{self.user}@{self.host}" if self.user else self.host)
        return shlex.join(words)
