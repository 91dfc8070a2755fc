"""Trees of processes end whole; files are copied, private, and not named like devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nbpipe import platform
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and modes are POSIX's")


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def start(tmp_path: Path):
    """Start a script in a session of its own; it is told a file and has written numbers of processes
    there.
    """
    started: list[subprocess.Popen[bytes]] = []

    def run(source: str, count: int) -> tuple[subprocess.Popen[bytes], list[int]]:
        told = tmp_path / f"told-{len(started)}"
        told.touch()
        argv = [sys.executable, "-S", "-c", source, str(told)]
        started.append(subprocess.Popen(argv, **platform.detached()))
        eventually(lambda: told.read_text().count("\n") == count)
        return started[-1], [int(line) for line in told.read_text().split()]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


TELL = """
import os, signal, subprocess, sys, time
def tell():
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
"""
FAMILY = (
    TELL
    + """
if os.fork() == 0:
    if os.fork() == 0:
        tell(); time.sleep(600)
    tell(); time.sleep(600)
tell(); time.sleep(600)
"""
)
DAEMON = (
    TELL
    + """
if os.fork() == 0:
    if os.fork() == 0:
        tell(); time.sleep(600)
    os._exit(0)
os.wait()
tell()
"""
)
DEAF = (
    TELL
    + """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell(); time.sleep(600)
"""
)
POLITE = (
    TELL
    + """
def leave(*_):
    tell(); os._exit(7)
signal.signal(signal.SIGTERM, leave)
tell()
while True: time.sleep(600)
"""
)


def test_the_whole_tree_ends(start):
    process, pids = start(FAMILY, 3)
    platform.end_tree(process.pid, grace=5)
    assert all(map(gone, pids))


def test_an_orphan_of_the_session_ends_though_its_parents_are_gone(start):
    process, pids = start(DAEMON, 2)
    process.wait()
    platform.end_tree(process.pid, grace=5)
    assert all(map(gone, pids))


def test_what_ignores_the_signal_is_killed(start):
    process, pids = start(DEAF, 1)
    platform.end_tree(process.pid, grace=0.1)
    assert gone(pids[0])
    assert process.wait() == -signal.SIGKILL


def test_the_exit_status_stays_with_the_parent(start):
    process, _ = start(POLITE, 1)
    platform.end_tree(process.pid, grace=10)
    assert process.wait() == 7


def test_a_number_given_to_another_process_is_spared(start):
    process, pids = start(DEAF, 1)
    born = psutil.Process(process.pid).create_time()
    platform.end_tree(process.pid, grace=0, born=born - 100)
    assert not gone(pids[0])
    platform.end_tree(process.pid, grace=0, born=born)
    assert gone(pids[0])


def test_a_process_that_is_gone_is_no_error(start):
    process, _ = start("import sys; open(sys.argv[1], 'a').write('1\\n')", 1)
    process.wait()
    platform.end_tree(process.pid, grace=1)
    assert platform.tree_memory(process.pid) == 0


def test_memory_counts_the_children(start):
    process, pids = start(FAMILY, 3)
    alone = psutil.Process(pids[0]).memory_info().rss
    assert platform.tree_memory(process.pid) > alone


def test_a_copy_has_the_bytes(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    for data in (b"", b"abc", os.urandom(100_000)):
        source.write_bytes(data)
        platform.copy_file(source, target)
        assert target.read_bytes() == data


@pytest.mark.parametrize("name", ["CON", "nul", "com1.txt", "LPT9.tar.gz", "prn ", "aux.", "COM¹", "CONIN$"])
def test_names_of_windows_devices_are_known(name):
    assert platform.windows_reserved(name)


@pytest.mark.parametrize("name", ["console", "com", "com10", "nul_", "train.py", "lpt", "", "é"])
def test_other_names_are_nobodys(name):
    assert not platform.windows_reserved(name)


def test_private_means_the_owner_only(tmp_path):
    folder = tmp_path / "a" / "b"
    platform.private_folder(folder)
    platform.private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    os.close(platform.open_private(folder / "f", os.O_CREAT | os.O_WRONLY))
    assert (folder / "f").stat().st_mode & 0o777 == 0o600
    platform.sync_folder(folder)


def test_a_start_of_the_machine_has_one_name():
    assert platform.boot_id() == platform.boot_id() != ""
    assert platform.host_name()


def test_what_the_system_killed_for_memory_is_counted() -> None:
    first = platform.oom_kills()
    assert 0 <= first <= platform.oom_kills()
