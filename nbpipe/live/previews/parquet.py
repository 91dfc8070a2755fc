"""Parquet files by pages of rows, where pyarrow is installed beside the notebook's kernel."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import Any

from nbpipe.live.previews.source import Source
from nbpipe.live.previews.table import COLUMNS, PAGE, cut_row
from nbpipe.views.answers import PreviewCard

_BATCH = 1000
_LARGEST_GROUP = 2**28
_SAFE = (14, 0, 1)


def is_safe(arrow: Any) -> bool:
    """Whether this pyarrow only reads: one before 14.0.1 may run what a file holds (CVE-2023-47248).

    Args:
        arrow: the module.
    """
    return tuple(map(int, re.findall(r"\d+", arrow.__version__)[:3])) >= _SAFE


def parquet_table(source: Source, first: int, count: int) -> PreviewCard:
    """A page of a Parquet file, or a note why there is none.

    Raises:
        StoreError: it cannot be read.
    """
    if importlib.util.find_spec("pyarrow") is None:
        return PreviewCard("binary", note="pyarrow is not installed here, so its rows are not shown")
    arrow = importlib.import_module("pyarrow")
    if not is_safe(arrow):
        return PreviewCard("binary", note="pyarrow is older than 14.0.1, which may run what a file holds")
    with source.open() as file:
        try:
            return _page(importlib.import_module("pyarrow.parquet").ParquetFile(file), max(first, 0), count)
        except (arrow.ArrowException, OSError, ValueError) as error:
            return PreviewCard("binary", note=f"no Parquet file: {str(error).splitlines()[0][:200]}")


def _page(file: Any, first: int, count: int) -> PreviewCard:
    names = list(file.schema_arrow.names)
    total = file.metadata.num_rows
    group, begin = 0, 0
    while group < file.num_row_groups and begin + file.metadata.row_group(group).num_rows <= first:
        begin += file.metadata.row_group(group).num_rows
        group += 1
    groups = list(range(group, file.num_row_groups))
    if groups and file.metadata.row_group(group).total_byte_size > _LARGEST_GROUP and first > 0:
        return PreviewCard(
            "table", cut_row(names), (), first, total, cut=True, note="too large to look so far down"
        )
    rows = _rows(file, groups, names[:COLUMNS], first - begin, min(max(count, 1), PAGE))
    return PreviewCard("table", cut_row(names), tuple(rows), first, total, cut=first + len(rows) < total)


def _rows(file: Any, groups: list[int], names: list[str], skip: int, count: int) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    if not groups:
        return found
    for batch in file.iter_batches(batch_size=_BATCH, row_groups=groups, columns=names, use_threads=False):
        taken = batch.slice(skip, count - len(found)) if skip < batch.num_rows else batch.slice(0, 0)
        skip = max(skip - batch.num_rows, 0)
        columns = [column.to_pylist() for column in taken.columns]
        found += [cut_row("" if cell is None else cell for cell in row) for row in zip(*columns, strict=True)]
        if len(found) >= count:
            break
    return found
