"""The events of a run, written by one and read by many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbpipe.core.events import EVENTS_FORMAT, RunFinished, RunStarted, StepReused
from nbpipe.core.run_state import Status
from nbpipe.errors import StoreError
from nbpipe.execution.journal import Journal

STARTED = RunStarted(1.0, "1", "demo", "demo", {"a": "a"}, {"a": []})
REUSED = StepReused(2.0, "a", "k", "0", 0.0, {}, 1.0)
FINISHED = RunFinished(3.0, "1", "Finished", {"a": "reused"})


def test_a_run_that_has_not_begun_has_no_state(tmp_path):
    assert Journal(tmp_path / "events.jsonl").state() is None


def test_a_reader_sees_what_a_writer_appends_and_reads_only_that(tmp_path):
    writer, reader = Journal(tmp_path / "events.jsonl"), Journal(tmp_path / "events.jsonl")
    writer.append(STARTED)
    assert reader.state().steps["a"].status is Status.WAITING
    writer.append(REUSED)
    writer.append(FINISHED)
    assert reader.read() == [REUSED, FINISHED]
    assert reader.read() == []
    assert reader.events == [STARTED, REUSED, FINISHED]
    assert (reader.state().steps["a"].status, reader.state().outcome) == (Status.REUSED, "Finished")


def test_what_is_damaged_unknown_or_impossible_is_passed_over(tmp_path):
    path = tmp_path / "events.jsonl"
    writer = Journal(path)
    writer.append(STARTED)
    with path.open("ab") as file:
        file.write(
            b'{"event": "step_sang", "time": 1.0}\n[]\n3\n{"event": "step_reused"}\n{"event": "step_reu\n'
        )
    writer.append(StepReused(2.0, "nobody", "k", "0", 0.0, {}, 1.0))
    writer.append(REUSED)
    writer.append(REUSED)
    assert Journal(path).state().steps["a"].status is Status.REUSED


def test_a_run_of_a_newer_format_is_refused(tmp_path):
    path = tmp_path / "events.jsonl"
    Journal(path).append(replace(STARTED, format=EVENTS_FORMAT + 1))
    with pytest.raises(StoreError, match=f"format {EVENTS_FORMAT + 1}; this one reads {EVENTS_FORMAT}"):
        Journal(path).read()


def test_a_line_in_the_making_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "events.jsonl"
    writer, reader = Journal(path), Journal(path)
    writer.append(STARTED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert reader.state() is None
    path.write_bytes(whole)
    assert reader.state() is not None
