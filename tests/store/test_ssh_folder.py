"""A folder behind a real sshd: reached as ssh reaches it, and refused as ssh refuses it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbpipe.errors import AccessRefused, Unreachable, UsageError
from nbpipe.store.opening import open_folder
from nbpipe.store.remote_folder import RemoteFolder
from tests.object_servers import over_sftp
from tests.sshd import Sshd, new_key, sshd_in

pytestmark = pytest.mark.ssh


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "data").mkdir()
    with sshd_in(tmp_path / "sshd", lines=["Subsystem sftp internal-sftp"]) as server:
        yield server


def opened(server: Sshd, folder: Path, **options) -> RemoteFolder:
    url, usual = over_sftp(server, folder)
    return open_folder(url, {**usual, **options})


def create(folder: RemoteFolder, name: str, content: bytes) -> bool:
    return folder.create(name, content, lambda count: None)


def test_without_hard_links_one_of_many_wins_too(tmp_path: Path):
    (tmp_path / "data").mkdir()
    with sshd_in(tmp_path / "sshd", lines=["Subsystem sftp internal-sftp -P hardlink"]) as server:
        folders = [opened(server, tmp_path / "data") for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            won = [*pool.map(lambda number: create(folders[number], "a/b", b"%d" % number), range(4))]
        assert won.count(True) == 1
        assert (tmp_path / "data" / "a" / "b").read_bytes() == b"%d" % won.index(True)
    assert [path.name for path in (tmp_path / "data" / "a").iterdir()] == ["b"]


def test_a_host_that_is_not_known_is_sent_nothing(server: Sshd, tmp_path: Path):
    (tmp_path / "known").touch()
    folder = opened(server, tmp_path / "data", known_hosts=str(tmp_path / "known"))
    with pytest.raises(AccessRefused, match=r"ssh://.* refuses access: .*not trusted") as caught:
        create(folder, "name", b"content")
    assert caught.value.remedy == "Does `ssh` get there by itself?"
    assert list((tmp_path / "data").iterdir()) == []


def test_known_hosts_are_those_of_the_user(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url, _ = over_sftp(server, tmp_path / "data")
    monkeypatch.setenv("HOME", str(server.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert create(open_folder(url), "name", b"content")
    server.known_hosts.unlink()
    with pytest.raises(AccessRefused):
        open_folder(url).look("name")


def test_a_key_that_is_not_let_in_is_refused(server: Sshd, tmp_path: Path):
    new_key(tmp_path / "other")
    folder = opened(server, tmp_path / "data", client_keys=[str(tmp_path / "other")])
    with pytest.raises(AccessRefused, match="refuses access"):
        folder.look("name")


def test_a_server_that_is_away_is_told_and_is_asked_again_when_it_is_back(server: Sshd, tmp_path: Path):
    folder = opened(server, tmp_path / "data")
    assert create(folder, "name", b"content")
    server.kill()
    with pytest.raises(Unreachable, match="does not answer"):
        folder.read("name", 0, 9)
    server.start()
    assert folder.read("name", 0, 9) == b"content"


def test_a_connection_that_drops_is_made_anew(server: Sshd, tmp_path: Path):
    folder = opened(server, tmp_path / "data")
    assert create(folder, "name", b"content")
    assert server.drop() > 0
    assert folder.read("name", 0, 9) == b"content"


def test_a_folder_that_is_gone_is_away_and_never_made(server: Sshd, tmp_path: Path):
    folder = opened(server, tmp_path / "data")
    shutil.rmtree(tmp_path / "data")
    for ask in (lambda: create(folder, "a", b"x"), lambda: folder.look("a")):
        with pytest.raises(Unreachable, match="There is no ssh://"):
            ask()
    assert not (tmp_path / "data").exists()


def test_a_tilde_is_the_home_folder_there(tmp_path: Path):
    (tmp_path / "home" / "data").mkdir(parents=True)
    with sshd_in(tmp_path / "sshd", lines=[f"Subsystem sftp internal-sftp -d {tmp_path}/home"]) as server:
        assert create(opened(server, Path("/~/data")), "name", b"content")
    assert (tmp_path / "home" / "data" / "name").read_bytes() == b"content"


def test_a_url_without_a_machine_is_refused():
    with pytest.raises(UsageError, match="names no machine"):
        open_folder("ssh:///folder")
