"""Whom a connection over SSH trusts, how it gets there, and what it says when it does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nbpipe.compute.ssh.address import Address
from nbpipe.compute.ssh.connection import connect
from nbpipe.errors import NbpipeError
from tests.sshd import Sshd, new_key, sshd_in
from tests.waiting import eventually

pytestmark = pytest.mark.ssh


def said_there(address: Address, command: str = "echo here") -> tuple[str, int]:
    """What a command prints there, and how many machines lie on the way."""

    async def go() -> tuple[str, int]:
        connection = await connect(address)
        try:
            ran = await connection.ssh.run(command, check=True)
            assert isinstance(ran.stdout, bytes)
            return ran.stdout.decode().strip(), len(connection.way)
        finally:
            connection.close()
            await connection.wait_closed()

    return asyncio.run(go())


def refusal(address: Address) -> str:
    with pytest.raises(NbpipeError) as error:
        said_there(address)
    return str(error.value)


def fingerprint(public: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]


def config(sshd: Sshd, text: str) -> None:
    (sshd.home / ".ssh" / "config").write_text(text)


@pytest.fixture
def ssh_agent(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Loads keys into an ssh-agent and answers its socket."""
    at = tmp_path / "agent.socket"
    command = ["ssh-agent", "-D", "-a", str(at)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:

        def load(key: Path) -> str:
            eventually(at.exists)
            env = {**os.environ, "SSH_AUTH_SOCK": str(at)}
            subprocess.run(["ssh-add", "-q", key], check=True, env=env, stdin=subprocess.DEVNULL)
            return str(at)

        yield load
        process.terminate()


def test_a_known_host_lets_a_known_key_in(address: Address):
    assert said_there(address) == ("here", 0)


def test_an_unknown_host_key_is_refused_and_shown_with_the_command_that_accepts_it(
    sshd: Sshd, address: Address
):
    sshd.known_hosts.unlink()
    told = refusal(address)
    assert f"The host key of gpu-box ({sshd.user}@127.0.0.1, port {sshd.port}) is not known" in told
    assert fingerprint(sshd.folder / "host_key.pub") in told
    assert f"ssh -p {sshd.port} {sshd.user}@127.0.0.1" in told


def test_the_command_that_accepts_a_host_key_does(sshd: Sshd, address: Address):
    known = sshd.folder / "elsewhere"
    known.touch()
    elsewhere = replace(address, known_hosts=str(known), key=str(sshd.key))
    told = refusal(elsewhere)
    command = told.rpartition("by hand:  ")[2].split()
    command[1:1] = ["-F", "none", "-o", "StrictHostKeyChecking=accept-new"]
    subprocess.run([*command, "true"], check=True, capture_output=True)
    assert said_there(elsewhere) == ("here", 0)


def test_a_changed_host_key_is_refused_and_both_commands_are_told(sshd: Sshd, address: Address):
    new_key(sshd.folder / "other")
    other = (sshd.folder / "other.pub").read_text()
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {other}")
    told = refusal(address)
    assert f"is not the one in {sshd.known_hosts}" in told
    assert fingerprint(sshd.folder / "host_key.pub") in told
    forget = f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {sshd.known_hosts}"
    assert forget in told
    subprocess.run(forget, shell=True, check=True, capture_output=True)
    assert "is not known" in refusal(address)


def test_a_revoked_host_key_is_refused(sshd: Sshd, address: Address):
    known = sshd.known_hosts.read_text()
    sshd.known_hosts.write_text(f"{known}@revoked {known}")
    assert "is revoked" in refusal(address)


def test_hashed_names_and_lines_nobody_understands_are_read_past(sshd: Sshd, address: Address):
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", sshd.known_hosts], check=True, capture_output=True)
    sshd.known_hosts.write_text(f"what is this\n@\n{sshd.known_hosts.read_text()}")
    assert said_there(address) == ("here", 0)


def test_checking_cannot_be_switched_off(sshd: Sshd, address: Address):
    config(
        sshd, "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile none\n  GlobalKnownHostsFile none\n"
    )
    assert "is not known" in refusal(address)


def test_a_refused_key_is_told_with_user_host_and_keys(sshd: Sshd, address: Address):
    (sshd.folder / "authorized_keys").write_text("")
    told = refusal(address)
    assert f"gpu-box ({sshd.user}@127.0.0.1, port {sshd.port}) does not let {sshd.user} in" in told
    assert f"Keys tried: {sshd.key}." in told
    assert "ssh-copy-id" in told


def test_where_there_is_no_key_that_is_told(sshd: Sshd, address: Address):
    sshd.key.unlink()
    assert "none that can be used" in refusal(address)
    sshd.key.write_text("not a key")
    assert f"{sshd.key} is no private key that can be read" in refusal(address)


def test_a_key_with_a_passphrase_is_told_and_used_from_ssh_agent(sshd: Sshd, address: Address, ssh_agent):
    socket_path = ssh_agent(sshd.key)
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a long passphrase", "-f", str(sshd.key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    assert f"{sshd.key} has a passphrase" in refusal(address)
    assert f"ssh-add {sshd.key}" in refusal(address)
    assert said_there(replace(address, agent=socket_path)) == ("here", 0)


def test_keys_of_ssh_agent_need_no_file(sshd: Sshd, address: Address, ssh_agent):
    socket_path = ssh_agent(sshd.key)
    sshd.key.unlink()
    Path(f"{sshd.key}.pub").unlink()
    assert said_there(replace(address, agent=socket_path)) == ("here", 0)
    with_agent = replace(Address.of("gpu-box", sshd.settings, {**sshd.environ, "SSH_AUTH_SOCK": socket_path}))
    assert said_there(with_agent) == ("here", 0)


def test_an_agent_that_is_gone_is_told(sshd: Sshd, address: Address):
    sshd.key.unlink()
    assert "ssh-agent does not answer" in refusal(replace(address, agent=str(sshd.folder / "nothing")))


def test_a_named_key_is_tried_before_all_that_ssh_agent_holds(sshd: Sshd, address: Address, ssh_agent):
    for n in range(8):  # a server hangs up after six
        new_key(sshd.folder / f"key{n}")
        socket_path = ssh_agent(sshd.folder / f"key{n}")
    named = replace(address, agent=socket_path, key=str(sshd.key))
    assert said_there(named) == ("here", 0)
    assert "of ssh-agent" in refusal(replace(named, key=str(sshd.folder / "key0")))


def test_an_alias_of_the_ssh_config_says_host_port_user_and_key(sshd: Sshd):
    sshd.key.rename(sshd.folder / "elsewhere")
    config(
        sshd,
        f"Host box\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.folder}/elsewhere\n  IdentitiesOnly yes\n",
    )
    assert said_there(Address.of("gpu-box", {"host": "box"}, sshd.environ)) == ("here", 0)


def test_what_in_a_config_would_change_the_channel_is_passed_over(sshd: Sshd, address: Address):
    config(
        sshd,
        "Host *\n  RequestTTY force\n  RemoteCommand false\n  ForwardAgent yes\n  ForwardX11Trusted yes\n",
    )
    assert said_there(address, "tty || true")[0] == "not a tty"


def test_a_config_that_cannot_be_read_is_told_with_its_line(sshd: Sshd, address: Address):
    config(sshd, "Host *\n  ConnectTimeout soon\n")
    told = refusal(address)
    assert f"{sshd.home}/.ssh/config cannot be understood" in told
    assert "line 2" in told


def test_a_machine_behind_a_jump_host_is_reached_by_config_and_by_setting(
    sshd: Sshd, address: Address, tmp_path
):
    with sshd_in(tmp_path / "jump", host="127.0.0.2") as jump:
        both = jump.known_hosts.read_text() + sshd.known_hosts.read_text()
        sshd.known_hosts.write_text(both)
        (jump.folder / "authorized_keys").write_text((sshd.folder / "authorized_keys").read_text())
        who = said_there(replace(address, jump=f"{jump.user}@127.0.0.2:{jump.port}"), "echo $SSH_CONNECTION")
        assert (who[0].split()[2], who[1]) == ("127.0.0.1", 1)
        config(
            sshd,
            f"Host door\n  HostName 127.0.0.2\n  Port {jump.port}\nHost box\n  HostName 127.0.0.1\n"
            f"  Port {sshd.port}\n  ProxyJump door\n",
        )
        assert said_there(replace(address, host="box", port=None))[1] == 1
        sshd.kill()
        told = refusal(replace(address, host="box", port=None))
        assert "The jump host cannot reach gpu-box" in told
        jump.known_hosts.write_text("")
        sshd.known_hosts.write_text("")
        assert f"port {jump.port}) is not known" in refusal(replace(address, host="box", port=None))


def test_jump_hosts_in_a_circle_are_told(sshd: Sshd, address: Address):
    config(sshd, "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    assert "lead in a circle" in refusal(replace(address, host="a"))


def test_a_machine_nobody_knows_is_told(address: Address):
    assert "no machine is called nowhere.invalid" in refusal(replace(address, host="nowhere.invalid"))


def test_a_port_where_nothing_listens_is_told(sshd: Sshd, address: Address):
    sshd.kill()
    told = refusal(address)
    assert "refuses connections" in told
    assert f"ssh -p {sshd.port}" in told


def test_a_server_that_says_nothing_is_given_up(address: Address, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nbpipe.compute.ssh.connection._PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = refusal(replace(address, port=silent.getsockname()[1]))
    assert "does not answer" in told


def test_a_server_that_is_no_sshd_is_told(address: Address):
    async def go() -> str:
        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            with pytest.raises(NbpipeError) as error:
                await connect(replace(address, port=server.sockets[0].getsockname()[1]))
        return str(error.value)

    told = asyncio.run(go())
    assert "ended the connection" in told or "does not speak SSH" in told


def test_nothing_is_left_open_when_a_machine_refuses(sshd: Sshd, address: Address):
    before = set(Path("/proc/self/fd").iterdir())
    (sshd.folder / "authorized_keys").write_text("")
    with contextlib.suppress(NbpipeError):
        said_there(address)
    assert set(Path("/proc/self/fd").iterdir()) == before
