"""A lock has one holder, or sharers, and dies with them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from nbpipe.errors import StoreError
from nbpipe.store.locks import Lock, first_free

HOLDER = """
import sys, time
from pathlib import Path
from nbpipe.store.locks import Lock
lock = Lock(Path(sys.argv[1]), run="14")
lock.acquire(shared=sys.argv[2] == "shared")
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def elsewhere(path):
    """Have another process hold the lock."""
    started = []

    def hold(shared: str = "whole") -> subprocess.Popen:
        argv = [sys.executable, "-c", HOLDER, str(path), shared]
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"held\n"
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_one_has_it_and_the_next_gets_it_after(path):
    one, two = Lock(path), Lock(path)
    assert one.acquire()
    assert one.acquire()
    assert not two.acquire()
    one.release()
    one.release()
    assert two.acquire()
    two.release()
    assert path.exists()


def test_sharers_share_and_exclude_who_wants_all(path):
    one, two, whole = Lock(path), Lock(path), Lock(path)
    assert one.acquire(shared=True)
    assert two.acquire(shared=True)
    assert not whole.acquire()
    one.release()
    two.release()
    with whole:
        assert not one.acquire(shared=True)


def test_the_holder_tells_who_it_is(path):
    lock, other = Lock(path, run="14"), Lock(path)
    assert other.holder() is None
    before = time.time()
    with lock:
        assert other.held()
        told = other.holder()
        assert told == lock.holder()
        assert (told["pid"], told["run"]) == (os.getpid(), "14")
        assert before <= told["since"] <= time.time()
    assert not other.held()
    assert other.holder() is None


def test_sharers_are_no_holders(path):
    lock, other = Lock(path), Lock(path)
    lock.acquire(shared=True)
    assert not other.held()
    assert other.holder() is None
    lock.release()


def test_death_gives_the_lock_back(path, elsewhere):
    process = elsewhere()
    lock = Lock(path)
    assert not lock.acquire()
    assert lock.holder()["pid"] == process.pid
    process.kill()
    process.wait()
    assert not lock.held()
    assert lock.acquire()
    lock.release()


def test_waiting_ends_with_the_holder(path, elsewhere):
    process = elsewhere("shared")
    got = threading.Event()
    lock = Lock(path)
    waiter = threading.Thread(target=lambda: lock.acquire(wait=True) and got.set())
    waiter.start()
    assert not got.is_set()
    process.kill()
    process.wait()
    assert got.wait(20)
    waiter.join()
    lock.release()


def test_a_lock_file_removed_while_one_waited_is_not_believed(path):
    first = Lock(path)
    first.acquire()
    waiter = Lock(path)
    thread = threading.Thread(target=waiter.acquire, kwargs={"wait": True})
    thread.start()
    path.unlink()
    first.release()
    thread.join(20)
    assert waiter.acquired
    assert not Lock(path).acquire()
    waiter.release()


def test_looking_takes_nothing_from_others(path):
    stop = threading.Event()
    lock = Lock(path)
    lock.acquire()
    lock.release()

    def look():
        while not stop.is_set():
            Lock(path).held()

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(200):
        assert lock.acquire()
        lock.release()
    stop.set()
    watcher.join()


def test_the_first_free_slot_is_taken(tmp_path):
    slots = [tmp_path / f"slot-{n}" for n in range(2)]
    one, two = first_free(slots), first_free(slots, run="3")
    assert [one.path, two.path] == slots
    assert two.holder()["run"] == "3"
    assert first_free(slots) is None
    one.release()
    assert first_free(slots).path == slots[0]
    two.release()


def test_a_lock_without_its_folder_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="Cannot write"):
        Lock(tmp_path / "none" / "lock").acquire()
    assert not Lock(tmp_path / "none" / "lock").held()
