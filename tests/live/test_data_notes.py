"""Rows and sizes of what is there, found out once for each content."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nbpipe.live import data_notes as module
from nbpipe.live.data_notes import DataNotes, table_rows
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.csv", 'x,y\n1,"two\nlines"\n3,4\n', 2),
        ("a.tsv", "x\ty\n1\t2\n", 1),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', 2),
        ("a.txt", "one\ntwo\n", None),
        ("a.parquet", "no parquet", None),
        ("a.csv", "", 0),
    ],
)
def test_rows_are_counted_where_they_are_known_for_sure(
    tmp_path: Path, name: str, text: str, rows: int | None
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert table_rows(path) == rows


def test_a_large_table_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_COUNTED", 10)
    path = tmp_path / "a.csv"
    path.write_text("x\n" * 10)
    assert table_rows(path) is None


def test_a_note_is_empty_until_it_is_known_and_then_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(module, "table_rows", lambda path: table_rows(path) if asked.wait(30) else None)
    state = StateFolder(tmp_path)
    state.ensure()
    objects = ObjectStore(state, FileDigests(state))
    made = tmp_path / "clean.csv"
    made.write_text("x\n1\n2\n")
    digest = objects.publish(made, kind="file").digest
    heard: list[int] = []
    notes = DataNotes(objects, lambda: heard.append(1))
    assert notes.note(digest) == ""
    asked.set()
    eventually(lambda: heard)
    assert notes.note(digest) == "2 rows · 6 B"
    notes.note("0" * 64)
    eventually(lambda: len(heard) == 2)
    assert notes.note("0" * 64) == ""
    notes.stop()
