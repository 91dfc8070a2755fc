"""A digest is that of the content there is now, read again only where that could have changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.store import digests as module
from nbpipe.store.digests import FileDigests, digest_bytes, digest_file, figures
from nbpipe.store.layout import StateFolder


@pytest.fixture
def reads(monkeypatch):
    """Paths in the order in which their content was read."""
    seen = []

    def read(path):
        seen.append(path)
        return digest_file(path)

    monkeypatch.setattr(module, "digest_file", read)
    return seen


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"one")
    return path


@given(st.integers(0, 3), st.binary(max_size=40))
def test_a_digest_is_that_of_the_bytes(tmp_path_factory, chunks, tail):
    data = bytes(chunks * module._CHUNK) + tail
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(data)
    assert digest_file(path) == digest_bytes(data) == blake3(data).hexdigest()


def test_an_old_file_is_read_once_for_all_processes(state, file, later, reads):
    state.ensure()
    one = FileDigests(state, later)
    assert one.digest(file) == one.digest(file) == digest_bytes(b"one")
    assert len(reads) == 1
    assert FileDigests(state, later).digest(file) == digest_bytes(b"one")
    assert len(reads) == 1


def test_a_young_file_is_read_every_time(state, file, reads):
    state.ensure()
    digests = FileDigests(state)
    for _ in range(2):
        digests.digest(file)
    assert len(reads) == 2


@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_a_young_modification_time_is_not_trusted_however_old_the_rest(state, file, later, reads, shift):
    state.ensure()
    digests = FileDigests(state, later)
    then = later() + int(shift * 1e9)
    os.utime(file, ns=(then, then))
    for _ in range(2):
        digests.digest(file)
    assert len(reads) == 2


def test_what_was_learned_is_not_answered_when_the_clock_was_set_back(state, file, reads):
    now = [time.time_ns() + 10_000_000_000]
    digests = FileDigests(state, lambda: now[0])
    digests.digest(file)
    now[0] = time.time_ns()
    digests.digest(file)
    assert len(reads) == 2


def test_an_edit_that_keeps_the_modification_time_and_size_is_seen(state, file, later):
    state.ensure()
    digests = FileDigests(state, later)
    before = file.stat()
    digests.digest(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert figures(file).mtime_ns == before.st_mtime_ns
    assert digests.digest(file) == digest_bytes(b"two")
    assert FileDigests(state, later).digest(file) == digest_bytes(b"two")


def test_a_replaced_file_is_seen(state, file, later, tmp_path):
    digests = FileDigests(state, later)
    digests.digest(file)
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").replace(file)
    assert digests.digest(file) == digest_bytes(b"two")


def test_many_are_answered_at_once_and_remembered(state, tmp_path, later, reads):
    state.ensure()
    paths = [tmp_path / str(n) for n in range(50)]
    for path in paths:
        path.write_text(path.name)
    expected = {path: digest_bytes(path.name.encode()) for path in paths}
    assert FileDigests(state, later).digest_many(paths) == expected
    assert FileDigests(state, later).digest_many(paths) == expected
    assert len(reads) == 50


def test_asking_makes_no_state_folder(state, file, later):
    FileDigests(state, later).digest(file)
    assert not state.path.exists()


def test_a_damaged_memory_is_set_aside_and_begun_anew(state, file, later, reads):
    state.ensure()
    database = state.registry / "digests.sqlite"
    database.write_bytes(b"not a database" * 100)
    assert FileDigests(state, later).digest(file) == digest_bytes(b"one")
    assert next((state.tmp / "damaged").iterdir()).name.startswith("registry-digests.sqlite")
    FileDigests(state, later).digest(file)
    assert len(reads) == 1


def test_a_memory_of_another_scheme_is_begun_anew(state, file, later):
    state.ensure()
    with sqlite3.connect(state.registry / "digests.sqlite") as database:
        database.execute("CREATE TABLE digests (file TEXT)")
        database.execute("PRAGMA user_version = 9")
    database.close()
    digests = FileDigests(state, later)
    assert digests.digest(file) == digest_bytes(b"one")
    digests.close()
    assert FileDigests(state, later)._index.find(figures(file)) == digest_bytes(b"one")


def test_without_a_writable_memory_digests_are_computed(state, file, later):
    state.ensure()
    (state.registry / "digests.sqlite").mkdir()
    digests = FileDigests(state, later)
    assert digests.digest(file) == digest_bytes(b"one")


def test_a_memory_removed_meanwhile_is_done_without(state, file, later, tmp_path):
    state.ensure()
    digests = FileDigests(state, later)
    digests.digest(file)
    state.path.rename(tmp_path / "away")
    other = tmp_path / "other"
    other.write_bytes(b"other")
    assert digests.digest(other) == digest_bytes(b"other")
    assert digests.digest(file) == digest_bytes(b"one")


def test_threads_may_share_it(state, tmp_path, later):
    state.ensure()
    paths = [tmp_path / str(n) for n in range(20)]
    for path in paths:
        path.write_text(path.name)
    digests, wrong = FileDigests(state, later), []

    def ask():
        found = digests.digest_many(paths)
        wrong.extend(path for path in paths if found[path] != digest_bytes(path.name.encode()))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_has_no_content_is_refused_and_what_is_missing_told(state, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    digests = FileDigests(state)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(StoreError, match="is not a file"):
            digests.digest(path)
    with pytest.raises(FileNotFoundError):
        digests.digest(tmp_path / "none")


# A memory that was made elsewhere.


def remembered(state: StateFolder, later, file: Path) -> Path:
    """The database, once it knows a file."""
    state.ensure()
    digests = FileDigests(state, later)
    digests.digest(file)
    digests.close()
    return state.registry / "digests.sqlite"


def test_a_copied_memory_is_begun_anew(state, file, later, tmp_path):
    database = remembered(state, later, file)
    copy = tmp_path / "copy"
    shutil.copyfile(database, copy)
    copy.replace(database)
    assert FileDigests(state, later).digest(file) == digest_bytes(b"one")
    assert [path.name[:24] for path in (state.tmp / "damaged").iterdir()] == ["registry-digests.sqlite-"]


def test_a_moved_workspace_keeps_its_memory(state, file, later, tmp_path, reads):
    remembered(state, later, file)
    state.root.rename(tmp_path / "moved")
    assert FileDigests(StateFolder(tmp_path / "moved"), later).digest(file) == digest_bytes(b"one")
    assert len(reads) == 1


def test_a_memory_with_another_name_is_not_written(state, file, later, tmp_path):
    database = remembered(state, later, file)
    os.link(database, tmp_path / "mine.sqlite")
    before = database.read_bytes()
    other = tmp_path / "other"
    other.write_bytes(b"other")
    assert FileDigests(state, later).digest(other) == digest_bytes(b"other")
    assert (tmp_path / "mine.sqlite").read_bytes() == before


def test_nothing_that_lies_beside_a_copied_memory_is_opened(state, file, later, tmp_path):
    database = remembered(state, later, file)
    copy = tmp_path / "copy"
    shutil.copyfile(database, copy)
    copy.replace(database)
    for ending in ("-journal", "-wal", "-shm"):
        database.with_name(database.name + ending).write_text("planted")
    assert FileDigests(state, later).digest(file) == digest_bytes(b"one")
    aside = sorted(path.name.rpartition("-")[0] for path in (state.tmp / "damaged").iterdir())
    assert aside == [f"registry-digests.sqlite{ending}" for ending in ("", "-journal", "-shm", "-wal")]
