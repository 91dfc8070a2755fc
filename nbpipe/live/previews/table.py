"""Tables in text files: CSV and TSV as Python's own reader has them, and JSON lines, a page of rows at a time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from nbpipe.live.previews.row_index import RowIndex, RowIndexes
from nbpipe.live.previews.source import HEAD, Source, encoding_of
from nbpipe.views.answers import PreviewCard
from nbpipe.views.text import visible

PAGE = 500
"""Rows of a page."""
COLUMNS = 200
"""Columns that are shown."""
CELL = 500
"""Characters of a cell that are shown."""
PATIENCE = 0.5
"""Seconds of counting for one page."""

_ALL = 2**62
_LONGEST_LINE = 2**20
_LINE_ENDS = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BLANK = b" \t\r\n"
_BLANK_LINE = re.compile(rb"(?:^|\n)[ \t\r]*\n")
_indexes = RowIndexes()


def csv_table(source: Source, first: int, count: int) -> PreviewCard:
    """A page of a CSV or TSV file; its first row names the columns.

    Raises:
        csv.Error: a cell is longer than 128 KB, or it is no such table.
        StoreError: it cannot be read.
    """
    delimiter = "\t" if source.suffix == ".tsv" else ","
    head = source.read(HEAD)
    encoding = encoding_of(head, whole=len(head) < HEAD)
    if encoding == "utf-16":
        raise csv.Error("it is UTF-16")
    start = 3 if encoding == "utf-8-sig" else 0

    def rows(file: BinaryIO, offset: int) -> Iterator[tuple[list[str], int]]:
        lines = _Lines(file, offset, "latin-1" if encoding == "latin-1" else "utf-8")
        for row in csv.reader(lines, delimiter=delimiter):
            if row:
                yield row, lines.offset

    index = _indexes.get((source.identity(), delimiter), lambda: RowIndex(source, rows, _is_plain_csv, start))
    header = index.page(0, 1, PATIENCE)
    if index.trouble and not header:
        raise csv.Error(index.trouble)
    cells = index.page(max(first, 0) + 1, min(max(count, 1), PAGE), PATIENCE)
    names = header[0] if header else []
    return _table(index, names, cells, max(first, 0), 1)


def jsonl_table(source: Source, first: int, count: int) -> PreviewCard:
    """A page of a file of JSON lines; the objects at its beginning name the columns.

    Raises:
        StoreError: it cannot be read.
    """
    index = _indexes.get(
        (source.identity(), "jsonl"), lambda: RowIndex(source, _json_lines, _is_plain_jsonl, 0)
    )
    page = [_parsed(row[0]) for row in index.page(max(first, 0), min(max(count, 1), PAGE), PATIENCE)]
    begin = [_parsed(row[0]) for row in index.page(0, PAGE, PATIENCE)] if first > 0 else page
    names = list(dict.fromkeys(key for each in [*begin, *page] if isinstance(each, dict) for key in each))
    if not names:
        return _table(index, ["value"], [[_as_text(each)] for each in page], max(first, 0), 0)
    cells = [
        [_as_text(each[name]) if name in each else "" for name in names]
        if isinstance(each, dict)
        else [_as_text(each)]
        for each in page
    ]
    return _table(index, names, cells, max(first, 0), 0)


def cut_row(cells: Iterable[object]) -> tuple[str, ...]:
    """The cells of a row as they may be shown: so many, and each so long."""
    return tuple(_cell(str(each)) for _, each in zip(range(COLUMNS), cells, strict=False))


def _cell(text: str) -> str:
    return visible(text if len(text) <= CELL else text[:CELL] + "…")


def _table(index: RowIndex, names: list[str], cells: list[list[str]], first: int, above: int) -> PreviewCard:
    """A card of a page; ``above`` is how many rows are no data."""
    index.count_to(_ALL, PATIENCE / 4)  # of a small table that is all; of others more with each question
    counted = max(index.counted - above, 0)
    more = not index.whole or bool(index.trouble) or first + len(cells) < counted
    notes = []
    if not index.whole:
        notes.append(f"{counted:,} rows counted so far")
        if not cells:
            notes.append("ask again for rows further down")
    if index.trouble:
        notes.append(f"row {counted + 1:,} cannot be read: {index.trouble}")
    if len(names) > COLUMNS:
        notes.append(f"{len(names):,} columns, the first {COLUMNS} shown")
    return PreviewCard(
        "table", columns=cut_row(names), rows=tuple(map(cut_row, cells)), first=first,
        total=counted if index.whole else None, cut=more, note="; ".join(notes),
    )  # fmt: skip


class _Lines:
    """The lines of a file as text, as Python's universal newlines end them, and where the next one begins."""

    def __init__(self, file: BinaryIO, offset: int, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._waiting: list[bytes] = []
        self.offset = offset
        file.seek(offset)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self._waiting:
            data = self._file.readline(_LONGEST_LINE)
            if not data:
                raise StopIteration
            if data.endswith(b"\r"):  # its line feed may not have been read
                data += self._file.readline(1) if self._peek_is_feed() else b""
            self._waiting = _LINE_ENDS.findall(data)[::-1]
        line = self._waiting.pop()
        self.offset += len(line)
        return line.decode(self._encoding, "replace")

    def _peek_is_feed(self) -> bool:
        here = self._file.tell()
        follows = self._file.read(1) == b"\n"
        self._file.seek(here)
        return follows


def _is_plain_csv(lines: bytes) -> bool:
    r"""True where each line is one row: no quote, no blank line, no line end but ``\n`` or ``\r\n``."""
    if b'"' in lines:
        return False
    return _has_no_blank_line(lines) and lines.count(b"\r") == lines.count(b"\r\n")


def _is_plain_jsonl(lines: bytes) -> bool:
    return not _BLANK_LINE.search(lines)


def _has_no_blank_line(lines: bytes) -> bool:
    return not lines.startswith((b"\n", b"\r")) and b"\n\n" not in lines and b"\n\r" not in lines


def _json_lines(file: BinaryIO, offset: int) -> Iterator[tuple[list[str], int]]:
    file.seek(offset)
    while line := file.readline(_LONGEST_LINE):
        offset += len(line)
        if text := line.strip(_BLANK):
            yield [text.decode("utf-8", "replace")], offset


def _parsed(line: str) -> Any:
    """The value of a line, or the line itself where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
