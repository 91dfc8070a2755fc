"""What an SSH target can be told, and that what is wrong is said before anything is connected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.compute.registered import backend_kind
from nbpipe.compute.ssh.kind import KIND
from nbpipe.errors import UsageError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n"


def key_file(folder: Path, text: str = KEY, mode: int = 0o600) -> str:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_the_type_is_found_by_its_name():
    assert backend_kind("ssh") is KIND


def test_a_host_is_enough():
    whole = KIND.check({"host": "gpu.example.org"})
    assert (whole["python"], whole["slots"], whole["port"], whole["key"]) == ("python3", 2, None, None)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path):
    settings = {
        "host": "me@box", "port": 70000, "user": "-x", "key": key_file(tmp_path, mode=0o644), "jump": "a b",
        "known_hosts": str(tmp_path / "nowhere"), "python": "", "slots": 0, "password": "hunter2",
    }  # fmt: skip
    with pytest.raises(UsageError) as error:
        KIND.check(settings)
    assert len(error.value.fact.splitlines()) == len(settings)
    assert all(line.split()[0] in settings for line in error.value.fact.splitlines())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("host", "-oProxyCommand=touch /tmp/x"),
        ("host", "a\nb"),
        ("host", ""),
        ("user", "root; true"),
        ("port", 0),
        ("port", True),
        ("jump", "-J"),
        ("jump", "a,,b"),
        ("python", "-c"),
    ],
)
def test_no_setting_can_be_taken_for_an_option_or_for_two(setting: str, value: object):
    with pytest.raises(UsageError, match=setting):
        KIND.check({"host": "box", setting: value})


def test_a_key_is_a_private_one_that_nobody_else_can_read(tmp_path: Path):
    assert KIND.check({"host": "box", "key": key_file(tmp_path)})["key"] == str(tmp_path / "key")
    for text, mode, told in (
        (KEY, 0o640, "chmod 600"),
        ("ssh-ed25519 AAAA me@here\n", 0o600, "public one"),
        ("hello", 0o600, "no private key"),
    ):
        with pytest.raises(UsageError, match=told):
            KIND.check({"host": "box", "key": key_file(tmp_path, text, mode)})
    with pytest.raises(UsageError, match="cannot be read"):
        KIND.check({"host": "box", "key": str(tmp_path / "nothing")})


def test_a_path_means_the_same_wherever_the_target_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key = key_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KIND.check({"host": "box", "key": "key"})["key"] == key
    assert KIND.check({"host": "box", "key": "~/key"})["key"] == key


def test_without_asyncssh_the_extra_is_named():
    code = (
        "import sys; sys.modules['asyncssh'] = None\n"
        "from nbpipe.compute.registered import backend_kind\n"
        "try: backend_kind('ssh')\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert 'pip install "nbpipe-steps[ssh]"' in told
