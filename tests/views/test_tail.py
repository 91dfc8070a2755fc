"""How what steps print is told line by line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.run_state import StepState
from nbpipe.execution.logs import LogWriter, StepLog
from nbpipe.views.tail import LineReader, last_lines, shown_line


def step_in(folder: Path) -> Any:
    return SimpleNamespace(state=StepState(attempts=1), log=StepLog(folder))


def test_lines_come_whole_and_the_unfinished_one_at_the_end(tmp_path: Path) -> None:
    log, step = LogWriter(tmp_path / "1"), step_in(tmp_path / "1")
    reader = LineReader(step)
    assert list(reader.lines()) == []
    log.write("stdout", b"one\ntw")
    assert list(reader.lines()) == ["one"]
    log.write("stdout", b"o\ncaf\xc3")
    log.write("stderr", b"warning\n")
    assert list(reader.lines()) == ["two", "warning"]
    log.write("stdout", b"\xa9")
    log.close()
    assert list(reader.lines()) == []
    assert list(reader.lines(whole=True)) == ["café"]
    assert list(reader.lines(whole=True)) == []


def test_a_further_attempt_begins_a_new_log(tmp_path: Path) -> None:
    first, second = LogWriter(tmp_path / "1"), LogWriter(tmp_path / "2")
    step = step_in(tmp_path / "1")
    reader = LineReader(step)
    first.write("stdout", b"first\nbroken")
    assert list(reader.lines()) == ["first"]
    second.write("stdout", b"second\n")
    step.state.attempts, step.log = 2, StepLog(tmp_path / "2")
    assert list(reader.lines()) == ["broken", "second"]
    first.close()
    second.close()


def test_a_step_that_has_not_begun_says_nothing(tmp_path: Path) -> None:
    step = SimpleNamespace(state=StepState(), log=StepLog(tmp_path))
    assert list(LineReader(step).lines(whole=True)) == []  # type: ignore[arg-type]


def test_the_last_lines_are_those_of_the_stream_that_tells_most(tmp_path: Path) -> None:
    log, step = LogWriter(tmp_path / "1"), step_in(tmp_path / "1")
    assert last_lines(step, 3) == []
    log.write("stderr", b"Traceback\n  File x\nValueError\n\n")
    assert last_lines(step, 1) == ["ValueError"]
    log.write("stdout", b"10 %\r20 %\r")
    assert last_lines(step, 1) == ["20 %"]
    assert last_lines(step, 2, errors=True) == ["  File x", "ValueError"]
    log.close()


@given(st.binary(max_size=80))
def test_no_bytes_of_a_step_steer_the_terminal(data: bytes) -> None:
    line = shown_line(data.decode("utf-8", "replace").split("\n")[0])
    assert all(each.isprintable() or each in "\u200c\u200d" for each in line)
