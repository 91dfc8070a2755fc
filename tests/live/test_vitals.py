"""What a log's end tells of a running step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.execution.logs import LogWriter, StepLog
from nbpipe.live.vitals import Pulse, last_line


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("one\ntwo\n", "two"),
        ("one\n\n  \n", "one"),
        ("10 %\r20 %\r", "20 %"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("a\x00b\u202e\n", "a␀b[U+202E]"),
        ("", ""),
    ],
)
def test_the_last_line_is_what_a_terminal_would_show(tail: str, line: str) -> None:
    assert last_line(tail) == line


@given(st.text())
def test_it_is_one_short_visible_line_whatever_was_printed(tail: str) -> None:
    line = last_line(tail * 50)
    assert "\n" not in line
    assert len(line) <= 200


def test_what_came_last_is_told_and_the_bar_of_either_stream(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    pulse = Pulse(SimpleNamespace(state=SimpleNamespace(attempts=1), log=StepLog(tmp_path)))
    assert (pulse.look().last_line, pulse.look().progress) == ("", None)
    writer.write("stdout", b"loading\n")
    assert pulse.look().last_line == "loading"
    writer.write("stderr", b"\r 31%|###   | 31/100")
    assert (pulse.look().last_line, pulse.look().progress) == ("31%|###   | 31/100", 0.31)
    writer.write("stdout", b"loss 0.5\n")
    assert (pulse.look().last_line, pulse.look().progress) == ("loss 0.5", 0.31)
    writer.write("stderr", b"\r100%|######| 100/100\n")
    assert pulse.look().progress is None
    writer.close()
