"""A folder of a datastore, on each kind of store: made once, read by stretches, known by size and tag."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest

from nbpipe.errors import MissingExtra, StoreError, Unreachable, UsageError
from nbpipe.store.opening import local_folder, open_folder
from nbpipe.store.remote_folder import is_url, without_credentials
from tests.object_servers import azure, datastore, faulty, folder, gcs, s3, sftp

__all__ = ["azure", "datastore", "folder", "gcs", "s3", "sftp"]


def nobody(count: int) -> None:
    pass


def test_what_is_made_is_read_whole_and_by_stretches(folder):
    assert folder.create("a/b c.txt", b"0123456789", nobody)
    assert folder.read("a/b c.txt", 0, 10) == b"0123456789"
    assert folder.read("a/b c.txt", 3, 6) == b"345"
    assert folder.read("a/b c.txt", 8, 99) == b"89"
    assert folder.look("a/b c.txt").size == 10


def test_there_is_nothing_beyond_the_end(folder):
    folder.create("short", b"abc", nobody)
    assert folder.read("short", 3, 9) == b""


def test_what_is_not_there_is_told_as_absent(folder):
    assert folder.look("nothing") is None
    assert folder.find("nothing") == {}
    with pytest.raises(FileNotFoundError):
        folder.read("nothing", 0, 1)


def test_a_name_that_is_taken_keeps_its_content(folder, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    assert folder.create("name", b"first", nobody)
    assert not folder.create("name", b"second", nobody)
    assert not folder.create("name", tmp_path / "other", nobody)
    assert folder.read("name", 0, 9) == b"first"


def test_of_sixteen_that_create_one_name_one_wins_and_its_content_stays(folder, tmp_path):
    start = threading.Barrier(16)

    def race(number: int) -> bool:
        source = tmp_path / f"racer-{number}"
        source.write_bytes(b"%02d" % number * 500)
        start.wait(60)
        return folder.create("prize", source if number % 2 else source.read_bytes(), nobody)

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(race, range(16)))
    assert sum(won) == 1
    assert folder.read("prize", 0, 2000) == b"%02d" % won.index(True) * 500


def test_what_is_replaced_has_the_new_content_and_another_tag(folder):
    folder.create("name", b"first", nobody)
    before = folder.look("name")
    folder.replace("name", b"the second", nobody)
    assert folder.read("name", 0, 99) == b"the second"
    assert folder.look("name") != before


def test_all_that_is_below_a_folder_is_found_with_its_size(folder):
    for name in ("x/1", "x/y/2", "z/3"):
        folder.create(name, name.encode(), nobody)
    assert {name: seen.size for name, seen in folder.find("x").items()} == {"x/1": 3, "x/y/2": 5}


def test_the_same_content_at_rest_keeps_its_tag(folder):
    folder.create("name", b"content", nobody)
    assert folder.look("name") == folder.look("name")
    assert folder.look("name").tag


def test_every_byte_that_goes_out_is_told(folder, tmp_path):
    told: list[int] = []
    (tmp_path / "file").write_bytes(bytes(300_000))
    folder.create("by file", tmp_path / "file", told.append)
    folder.create("by bytes", bytes(1000), told.append)
    assert sum(told) == 301_000


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_a_server_in_trouble_is_asked_again(kind, request, tmp_path):
    server = request.getfixturevalue(kind)
    with faulty(server) as proxy:
        folder = server.open(f"trouble-{tmp_path.name}", proxy.port)
        proxy.matching, proxy.refuse = "trouble", 2
        assert folder.create("name", b"content", nobody)
        proxy.refuse = 2
        assert folder.read("name", 0, 99) == b"content"
        assert proxy.refuse == 0


def test_a_server_that_is_gone_is_told_as_away(s3, tmp_path):
    with faulty(s3) as proxy:
        folder = s3.open("gone", proxy.port)
        proxy.down = True
        with pytest.raises(Unreachable, match=r"s3://lab/gone does not answer"):
            folder.look("name")


def test_a_folder_whose_disk_is_not_mounted_is_away_and_is_not_made(tmp_path):
    folder = open_folder(str(tmp_path / "share"))
    with pytest.raises(Unreachable, match="mounted"):
        folder.create("name", b"content", nobody)
    assert not (tmp_path / "share").exists()


def test_credentials_that_are_refused_are_told_with_where_they_come_from(s3, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    folder = open_folder("s3://lab/private", {"endpoint_url": f"http://127.0.0.1:{s3.port}"})
    with pytest.raises(StoreError) as caught:
        folder.look("name")
    assert not isinstance(caught.value, Unreachable)
    assert "AWS_ACCESS_KEY_ID" in caught.value.remedy


@pytest.mark.parametrize(
    ("protocol", "driver", "extra"), [("gs", "gcsfs", "gcs"), ("ssh", "asyncssh", "ssh")]
)
def test_a_missing_driver_names_the_extra(monkeypatch, protocol, driver, extra):
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtra, match=rf"{protocol}:// needs .* not installed") as caught:
        open_folder(f"{protocol}://lab/raw")
    assert caught.value.remedy == f'pip install "nbpipe-steps[{extra}]"'


def test_nothing_is_shared_where_a_file_could_be_written_over():
    folder = open_folder("http://127.0.0.1:1/raw") if find_spec("aiohttp") else pytest.skip("no aiohttp")
    with pytest.raises(StoreError, match="nothing is shared through it"):
        folder.create("name", b"content", nobody)


def test_a_protocol_that_nobody_knows_is_refused():
    with pytest.raises(UsageError, match="teleport"):
        open_folder("teleport://lab/raw")


def test_a_url_is_no_path_and_a_file_url_is_one(tmp_path):
    assert is_url("s3://lab/raw")
    assert not is_url("data/raw.csv")
    assert local_folder(tmp_path.as_uri()) == tmp_path
    assert local_folder("s3://lab/raw") is None


def test_a_url_is_shown_without_what_opens_it():
    assert without_credentials("https://ann:pw@host/data?sig=secret#x") == "https://ann@host/data"
