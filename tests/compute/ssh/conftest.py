"""An SSH server for each test that wants one, and who logs in to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbpipe.compute.ssh.address import Address
from tests.sshd import Sshd, missing, sshd_in


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server that lets its user in."""
    with sshd_in(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def address(sshd: Sshd) -> Address:
    """The way to it, as its user has it."""
    return Address.of("gpu-box", sshd.settings, sshd.environ)


@pytest.fixture
def tmpfs() -> Iterator[Callable[[Path, str], Path]]:
    """Makes a folder a small disk of its own."""
    mounted: list[Path] = []

    def mount(folder: Path, size: str) -> Path:
        folder.mkdir(mode=0o700)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "nbpipe-test", str(folder)]
        if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
            missing("only root can make a small disk, and not everywhere")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)
