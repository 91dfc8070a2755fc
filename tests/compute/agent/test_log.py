"""What a job printed is there until it was read, and not much longer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbpipe.compute.agent import log as module
from nbpipe.compute.agent.log import Log


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 10)
    monkeypatch.setattr(module, "KEPT", 30)


def held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.usefixtures("small")
def test_what_nobody_read_stays_and_the_log_is_full(tmp_path: Path):
    log = Log(os.fspath(tmp_path), "stdout")
    for _ in range(5):
        log.write(b"0123456789")
    assert (log.full, held(tmp_path), log.read(0, 4)) == (True, 50, (0, b"0123"))
    log.close()


@pytest.mark.usefixtures("small")
def test_what_was_read_goes_once_there_is_more_than_is_kept(tmp_path: Path):
    log = Log(os.fspath(tmp_path), "stdout")
    for _ in range(5):
        log.write(b"0123456789")
    log.take(15)
    assert (log.full, held(tmp_path), log.read(0, 4)) == (True, 40, (10, b"0123"))
    log.take(50)
    assert (log.full, held(tmp_path), log.read(0, 4)) == (False, 30, (20, b"0123"))
    log.take(0)
    assert not log.full
    log.write(b"x" * 25)
    assert (log.full, held(tmp_path)) == (False, 25)
    log.close()


@pytest.mark.usefixtures("small")
def test_more_than_there_is_was_not_read(tmp_path: Path):
    log = Log(os.fspath(tmp_path), "stdout")
    log.take(1 << 60)
    log.write(b"x" * 40)
    assert log.full
    log.close()


def test_a_log_goes_on_being_read_where_an_earlier_agent_left_it(tmp_path: Path):
    log = Log(os.fspath(tmp_path), "stdout")
    log.write(b"abc")
    log.close()
    again = Log(os.fspath(tmp_path), "stdout", writing=False)
    assert (again.size, again.read(1, 10)) == (3, (1, b"bc"))
