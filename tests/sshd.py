"""A real sshd of the tests' own on a loopback port, with its keys and those of a user; the system's is left alone."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.waiting import eventually


def program() -> str:
    """Path of sshd.

    Skips the test where there is none; under CI that is a failure.
    """
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("no sshd here; make sshd installs one (Debian: openssh-server)")
    assert found is not None
    return os.path.realpath(found)


def missing(reason: str) -> None:
    """Skip a test for what this machine does not have; under CI it fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Sshd:
    """A server in a folder, stopped at first.

    Attributes:
        folder: its keys, its log, what it lets in; made by `prepare`.
        host: the address it listens on.
        port: the port, chosen when it first starts.
        lines: more lines of its configuration.
        env: variables of whoever logs in, ``NAME=value``.
        prefix: what its command line begins with, such as ``ip netns exec``.
        home: the home folder of the user here, with a key that is let in and the host key known.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    lines: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def key(self) -> Path:
        return self.home / ".ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"

    @property
    def there(self) -> Path:
        """The home folder of whoever logs in."""
        return self.folder / "there"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the user here."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"]}

    @property
    def settings(self) -> dict[str, object]:
        """Those of a target."""
        return {
            "host": self.host, "port": self.port, "user": self.user, "python": os.path.realpath(sys.executable),
        }  # fmt: skip

    def prepare(self) -> None:
        """Make the keys."""
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.there.mkdir()
        new_key(self.folder / "host_key")
        new_key(self.key)
        shutil.copy(f"{self.key}.pub", self.folder / "authorized_keys")

    def trust(self) -> None:
        """Write the host key into the user's known_hosts."""
        public = Path(f"{self.folder / 'host_key'}.pub").read_text().strip()
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {public}\n")

    def start(self, *, trusted: bool = True) -> None:
        """Listen; on the same port as before, if there was one; the user here then knows its key, if it is trusted."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(5):
            chosen = self.port or free_port()
            config = self.folder / "sshd_config"
            config.write_text("\n".join([
                f"ListenAddress {self.host}:{chosen}", f"HostKey {self.folder / 'host_key'}",
                f"AuthorizedKeysFile {self.folder / 'authorized_keys'}", f"PidFile {self.folder / 'pid'}",
                "UsePAM no", "StrictModes no", "PermitRootLogin yes", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "UseDNS no", "PrintMotd yes", "MaxStartups 100",
                " ".join(["SetEnv", f"HOME={self.there}", *self.env]), *self.lines, "",
            ]))  # fmt: skip
            command = [*self.prefix, program(), "-D", "-e", "-f", str(config)]
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            eventually(lambda at=chosen: self.process.poll() is not None or self._listens(at))
            if self.process.poll() is None:
                self.port = chosen
                if trusted:
                    self.trust()
                return
        raise AssertionError((self.folder / "log").read_text())

    def _listens(self, port: int) -> bool:
        if self.prefix:  # not to be seen from outside; it says so itself
            return f"listening on {self.host} port {port}" in (self.folder / "log").read_text()
        with contextlib.suppress(OSError), socket.create_connection((self.host, port), 1):
            return True
        return False

    def kill(self, *, sessions: bool = True) -> None:
        """End it and, with `sessions`, every connection it serves, as if the cable were cut."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            every = [process, *(process.children(recursive=True) if sessions else ())]
            for each in every:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def drop(self) -> int:
        """End the connections it serves, and answer how many; it goes on listening."""
        assert self.process is not None
        sessions = psutil.Process(self.process.pid).children()
        for each in sessions:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in (*each.children(recursive=True), each):
                    child.send_signal(signal.SIGKILL)
        return len(sessions)

    def agents(self) -> list[psutil.Process]:
        """Whatever runs in the home folder of who logs in, and is none of its sessions."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("HOME") == str(self.there):
                    found.append(process)
        return found


def new_key(path: Path, *options: str) -> None:
    """Make a key of a user or a host."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path), *options]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sshd_in(folder: Path, **changes) -> Iterator[Sshd]:
    """A server that listens."""
    program()
    server = Sshd(folder, **changes)
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        server.kill()
        for left in server.agents():  # they would end by themselves, a minute later
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
