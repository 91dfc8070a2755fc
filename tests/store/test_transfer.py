"""Bringing files: resumed where they broke, compared, and told with rate and time left."""

from __future__ import annotations

import os
import threading

import pytest

from nbpipe.errors import StoreError, Unreachable
from nbpipe.store import transfer
from nbpipe.store.digests import digest_bytes, digest_file
from nbpipe.store.opening import open_folder
from nbpipe.store.transfer import Meter, Progress, fetch_file, in_parallel
from tests.object_servers import azure, datastore, faulty, folder, gcs, s3, sftp

__all__ = ["azure", "datastore", "folder", "gcs", "s3", "sftp"]

CONTENT = os.urandom(300_000)


def is_whole(path):
    return digest_file(path) == digest_bytes(CONTENT)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(transfer, "CHUNK", 64_000)


def put(folder, name="name", content=CONTENT):
    folder.create(name, content, lambda count: None)
    return folder


def test_a_file_comes_whole_and_is_compared(folder, tmp_path):
    told: list[Progress] = []
    put(folder)
    meter = Meter(len(CONTENT), told.append)
    fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole, meter=meter)
    assert (tmp_path / "here").read_bytes() == CONTENT
    assert (told[-1].done, told[-1].total) == (len(CONTENT), len(CONTENT))


def test_what_came_before_is_not_fetched_again(tmp_path):
    (tmp_path / "store").mkdir()
    folder = put(open_folder(str(tmp_path / "store")))
    (tmp_path / "here").write_bytes(CONTENT[:200_000])
    asked: list[int] = []
    read = folder.read
    folder.read = lambda name, start, end: (asked.append(start), read(name, start, end))[1]
    fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
    assert (tmp_path / "here").read_bytes() == CONTENT
    assert min(asked) == 200_000


def test_what_came_before_and_is_wrong_is_fetched_anew(folder, tmp_path):
    put(folder)
    (tmp_path / "here").write_bytes(b"x" * 100_000)
    fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
    assert (tmp_path / "here").read_bytes() == CONTENT


def test_content_that_is_not_what_its_digest_says_is_refused_and_not_kept(folder, tmp_path):
    put(folder, content=CONTENT[:-1] + b"!")
    with pytest.raises(StoreError, match="not what its digest says"):
        fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
    assert (tmp_path / "here").read_bytes() == b""


def test_a_file_that_was_cut_short_for_good_is_refused_and_not_kept(folder, tmp_path):
    put(folder, content=CONTENT[:100_000])
    with pytest.raises(StoreError, match="ends after 100,000 of 300,000 bytes"):
        fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
    assert (tmp_path / "here").read_bytes() == b""


def test_what_is_not_there_is_absent(folder, tmp_path):
    with pytest.raises(FileNotFoundError):
        fetch_file(folder, "name", tmp_path / "here", size=10)


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_answers_that_are_cut_off_are_asked_for_again(kind, request, tmp_path):
    server = request.getfixturevalue(kind)
    put(server.open(f"cut-{tmp_path.name}"))
    with faulty(server) as proxy:
        proxy.matching, proxy.cut, proxy.keep = "GET .*name", 2, 30_000
        folder = server.open(f"cut-{tmp_path.name}", proxy.port)
        fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
        assert proxy.cut == 0
    assert (tmp_path / "here").read_bytes() == CONTENT


def test_what_came_before_the_server_went_away_stays_for_the_next_try(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_OFTEN", 0.0)
    folder = put(s3.open(f"away-{tmp_path.name}"))
    with faulty(s3) as proxy:
        cut_off = s3.open(f"away-{tmp_path.name}", proxy.port)

        def go_away(progress: Progress) -> None:
            proxy.down = progress.done >= 100_000

        meter = Meter(len(CONTENT), go_away)
        with pytest.raises(Unreachable):
            fetch_file(cut_off, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole, meter=meter)
    assert 0 < (tmp_path / "here").stat().st_size < len(CONTENT)
    fetch_file(folder, "name", tmp_path / "here", size=len(CONTENT), is_whole=is_whole)
    assert (tmp_path / "here").read_bytes() == CONTENT


def test_rate_and_time_left_are_those_of_late():
    now = [0.0]
    told: list[Progress] = []
    meter = Meter(1000, told.append, clock=lambda: now[0])
    meter.skip(200)
    now[0] = 2.0
    meter.add(400)
    assert told[-1] == Progress(600, 1000, 200.0)
    assert told[-1].left == 2.0


def test_progress_is_told_a_few_times_a_second_and_always_at_the_end():
    now = [0.0]
    told: list[Progress] = []
    meter = Meter(1000, told.append, clock=lambda: now[0])
    for _ in range(1000):
        now[0] += 0.001
        meter.add(1)
    assert len(told) <= 7
    assert told[-1].done == 1000


def test_the_first_failure_is_raised_and_what_had_not_begun_does_not_begin():
    begun: list[int] = []
    gate = threading.Event()

    def work(number: int):
        def call() -> None:
            begun.append(number)
            if number == 0:
                gate.set()
                raise StoreError("no more")
            gate.wait(30)

        return call

    with pytest.raises(StoreError, match="no more"):
        in_parallel([work(number) for number in range(50)], workers=1)
    assert begun[0] == 0
    assert len(begun) < 50
