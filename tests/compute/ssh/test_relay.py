"""An agent gets to a machine once, whatever its login shell prints, and what is missing there is told."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from nbpipe.compute.ssh.address import Address
from nbpipe.compute.ssh.connection import connect
from nbpipe.compute.ssh.relay import Relay, open_relay
from nbpipe.errors import NbpipeError
from tests.sshd import Sshd

pytestmark = pytest.mark.ssh

PYTHON = os.path.realpath(sys.executable)

ECHO = """
import os, sys
os.write(1, (" ".join(sys.argv[1:]) + "\\n").encode())
while True:
    data = os.read(0, 65536)
    if not data:
        break
    os.write(2, b"complaint " * 1000)
    os.write(1, data)
"""


def packed(main: str, *, padding: int = 200_000) -> bytes:
    """An archive that runs, large enough to come in many pieces."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), main)
        archive.writestr(zipfile.ZipInfo("padding"), os.urandom(padding))
    return made.getvalue()


ARCHIVE = packed(ECHO)


def spoken(address: Address, python: str = PYTHON, root: str = "~/agent", archive: bytes = ARCHIVE) -> bytes:
    """The greeting of an agent that echoes, after it echoed everything."""

    async def go() -> bytes:
        connection = await connect(address)
        try:
            relay: Relay = await open_relay("gpu-box", connection, python, root, archive)
            greeting = await relay.process.stdout.readline()
            blob = bytes(range(256)) * 4000
            relay.write(blob)
            assert await relay.process.stdout.readexactly(len(blob)) == blob
            return greeting
        finally:
            connection.abort()

    return asyncio.run(go())


def complaint(address: Address, python: str = PYTHON, root: str = "~/agent") -> str:
    with pytest.raises(NbpipeError) as error:
        spoken(address, python, root)
    return str(error.value)


def test_an_agent_is_sent_once_and_kept_by_its_digest(sshd: Sshd, address: Address):
    assert spoken(address) == f"connect {sshd.there}/agent\n".encode()
    (kept,) = (sshd.there / "agent").iterdir()
    before = kept.stat()
    assert kept.read_bytes() == ARCHIVE
    spoken(address)
    assert kept.stat().st_ino == before.st_ino
    spoken(address, archive=packed(ECHO))
    assert len(list((sshd.there / "agent").iterdir())) == 2
    assert (sshd.there / "agent").stat().st_mode & 0o777 == 0o700


def test_an_agent_that_was_damaged_there_is_sent_again(sshd: Sshd, address: Address):
    spoken(address)
    (kept,) = (sshd.there / "agent").iterdir()
    kept.write_bytes(b"damaged")
    spoken(address)
    assert kept.read_bytes() == ARCHIVE


def test_what_a_login_shell_prints_is_passed_over(sshd: Sshd, address: Address):
    noise = "echo Welcome; printf '\\x00\\xff binary'; echo 'to stderr' >&2; printf 'no end of line'\n"
    (sshd.there / ".bashrc").write_text(noise)
    (sshd.there / ".profile").write_text(noise)
    spoken(address)


def test_a_path_in_the_home_folder_there_is_found(sshd: Sshd, address: Address):
    (sshd.there / "my envs").mkdir()
    (sshd.there / "my envs" / "python").symlink_to(PYTHON)
    spoken(address, "~/my envs/python", "~/nbpipe's agent")
    assert (sshd.there / "nbpipe's agent").is_dir()


@pytest.mark.parametrize("python", ["python3", "/nowhere/bin/python3", "~/python3"])
def test_a_machine_without_python_is_told(sshd: Sshd, address: Address, python: str):
    sshd.kill()
    sshd.env = ["PATH=/nowhere"]
    sshd.start()
    told = complaint(address, python)
    assert f"No Python on gpu-box: there is no {python}." in told
    assert "attach_ssh" in told


@pytest.mark.parametrize("python", ["/bin/false", "/bin/cat", "/etc/passwd"])
def test_what_is_no_python_is_told(address: Address, python: str):
    assert f"No Python on gpu-box: {python} does not answer as one." in complaint(address, python)


def test_a_python_that_is_too_old_or_of_another_system_is_told(sshd: Sshd, address: Address):
    for said, told in (("2 7 18 linux2", "too old: "), ("3 12 1 darwin", "runs darwin; steps run on Linux")):
        fake = sshd.there / "old"
        fake.write_text(f'#!/bin/sh\nprintf "\\n%s python {said}\\n" "$3"\n')
        fake.chmod(0o755)
        assert told in complaint(address, str(fake))


def test_a_folder_that_cannot_be_written_or_is_open_to_others_is_told(sshd: Sshd, address: Address):
    assert "cannot be put into /proc/nbpipe on gpu-box" in complaint(address, root="/proc/nbpipe")
    (sshd.there / "open").mkdir()
    (sshd.there / "open").chmod(0o777)
    assert "others may write" in complaint(address, root="~/open")


def test_a_full_disk_there_is_told_and_nothing_half_sent_is_kept(sshd: Sshd, address: Address, tmpfs):
    folder: Path = tmpfs(sshd.there / "small", "64k")
    assert f"The disk of gpu-box is full: the agent does not fit into {folder}" in complaint(
        address, root=str(folder)
    )
    assert list(folder.iterdir()) == []


def test_a_login_that_waits_is_given_up(sshd: Sshd, address: Address, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nbpipe.compute.ssh.relay._PATIENCE", 0.5)
    (sshd.there / ".bashrc").write_text("exec sleep 30\n")
    assert "did not answer" in complaint(address)
