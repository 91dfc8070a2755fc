"""Tables by pages of rows: what Python's own reader says, wherever the pages begin."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.live.previews import row_index, table
from nbpipe.live.previews.look import look_into
from nbpipe.live.previews.source import Source
from nbpipe.views.text import visible

CELLS = st.text('ab",\n\r é;', max_size=6)
TEXTS = st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=20).map(
    lambda rows: in_csv(rows)  # noqa: PLW0108 - it stands below
) | st.text('a",\n\r ', max_size=60)


def in_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def source(folder: Path, name: str, data: str | bytes) -> Source:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return Source(path, name)


def whole(path: Path, encoding: str = "utf-8") -> list[tuple[str, ...]]:
    with path.open(encoding=encoding, newline="") as lines:
        return [tuple(map(visible, row)) for row in csv.reader(lines) if row]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_index, "BLOCK", 16)


@given(text=TEXTS, page=st.integers(1, 7))
def test_pages_of_a_csv_make_up_what_the_reader_reads(
    text: str, page: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = source(tmp_path_factory.mktemp("data"), "a.csv", text)
    rows = whole(where.path)
    found: list[tuple[str, ...]] = []
    while True:
        card = look_into(where, len(found), page)
        assert (card.kind, card.columns) == ("table", rows[0] if rows else ())
        found += card.rows
        if not card.rows:
            break
    assert found == rows[1:]
    assert (card.total, card.cut) == (max(len(rows) - 1, 0), False)


@given(text=TEXTS, first=st.integers(0, 25))
def test_a_page_anywhere_is_that_part_of_the_whole(
    text: str, first: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = source(tmp_path_factory.mktemp("data"), "a.csv", text)
    assert list(look_into(where, first, 3).rows) == whole(where.path)[1 + first : 4 + first]


@given(
    lines=st.lists(
        st.sampled_from(['{"a": 1}', '{"b": [2, "x"]}', "", "  ", "3", "no json", "\t", '"é"']), max_size=30
    ),
    page=st.integers(1, 7),
)
def test_pages_of_json_lines_make_up_the_lines_that_are_not_blank(
    lines: list[str], page: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = source(tmp_path_factory.mktemp("data"), "a.jsonl", "\n".join(lines))
    count = 0
    while True:
        card = look_into(where, count, page)
        count += len(card.rows)
        if not card.rows:
            break
    assert count == card.total == sum(1 for line in lines if line.strip())


def test_objects_in_lines_become_columns(tmp_path: Path) -> None:
    lines = [{"a": 1, "b": "x"}, {"c": None, "a": {"d": 2}}]
    card = look_into(source(tmp_path, "a.jsonl", "".join(json.dumps(each) + "\n" for each in lines)), 0, 10)
    assert card.columns == ("a", "b", "c")
    assert card.rows == (("1", "x", ""), ('{"d": 2}', "", "null"))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("﻿name,é\n1,2\n".encode(), "utf-8-sig"),
        ("name,é\n1,ü\n".encode("latin-1"), "latin-1"),
        (b"name,b\r1,2\r3,4\r", "utf-8"),
        (b'name,b\r\n"a\r\nb",2\r\n', "utf-8"),
    ],
)
def test_every_usual_encoding_and_line_end_is_read(tmp_path: Path, data: bytes, encoding: str) -> None:
    where = source(tmp_path, "a.csv", data)
    card = look_into(where, 0, 10)
    assert [card.columns, *card.rows] == whole(where.path, encoding)


def test_wide_rows_and_long_cells_are_cut(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.csv", ",".join(["x" * 600] * 300) + "\n"), 0, 10)
    assert len(card.columns) == table.COLUMNS
    assert len(card.columns[0]) == table.CELL + 1
    assert "300 columns" in card.note


def test_the_head_of_a_file_is_shown_before_its_rows_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PATIENCE", 0.0)
    where = source(tmp_path, "a.csv", "a,b\n" + "1,2\n" * 1000)
    card = look_into(where, 0, 3)
    assert (card.total, card.cut, len(card.rows)) == (None, True, 3)
    far = look_into(where, 900, 3)
    assert (far.rows, far.total) == ((), None)
    assert "counted so far" in far.note
    while not far.rows:  # each question counts on
        far = look_into(where, 900, 3)
    assert far.rows == (("1", "2"),) * 3


def test_a_table_whose_cell_is_too_long_is_shown_as_text(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.csv", '"' + "x" * 200_000), 0, 3)
    assert card.kind == "text"
    assert "no table" in card.note


def test_rows_before_one_that_cannot_be_read_are_shown(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.csv", 'a,b\n1,2\n3,"' + "x" * 200_000), 0, 9)
    assert card.rows == (("1", "2"),)
    assert "row 2 cannot be read" in card.note
    assert card.cut


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    where = source(tmp_path, "a.csv", "a\n1\n")
    assert look_into(where, 0, 9).rows == (("1",),)
    source(tmp_path, "a.csv", "a\n1\n22\n")
    assert look_into(where, 0, 9).rows == (("1",), ("22",))


@pytest.mark.slow
def test_a_table_of_two_gigabytes_shows_its_head_and_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.disk_usage(tmp_path).free < 6e9:
        pytest.skip("there is no room for it here")
    monkeypatch.setattr(row_index, "BLOCK", 1 << 16)
    where = source(tmp_path, "a.csv", "name,b\n")
    with where.path.open("ab") as file:
        for _ in range(33):
            file.write(b"x,1\n" * 16_000_000)
    card = look_into(where, 0, 50)
    where.path.unlink()
    assert (card.kind, card.columns, card.rows) == ("table", ("name", "b"), (("x", "1"),) * 50)
    assert card.total is None  # who has read all of it knows
