"""Looks into one file: what it is decides how it is shown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping

from nbpipe.live.previews.array import NotAnArray, array_card
from nbpipe.live.previews.image import LARGEST, data_url
from nbpipe.live.previews.parquet import parquet_table
from nbpipe.live.previews.source import Source
from nbpipe.live.previews.table import csv_table, jsonl_table
from nbpipe.live.previews.text import bytes_card, json_card, text_card
from nbpipe.views.answers import PreviewCard
from nbpipe.views.text import visible
from nbpipe.views.wording import size

_IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}


def look_into(source: Source, first: int, count: int) -> PreviewCard:
    """What can be shown of a file; nothing in it is run.

    Args:
        source: the file.
        first: number of the first row of a table's page, from 0.
        count: rows of the page.

    Raises:
        StoreError: it cannot be read.
    """
    suffix = source.suffix
    pages = _TABLES.get(suffix)
    if pages is not None:
        return pages(source, first, count)
    if suffix == ".json":
        return json_card(source)
    return _image(source) if suffix in _IMAGES else text_card(source)


def _csv(source: Source, first: int, count: int) -> PreviewCard:
    try:
        return csv_table(source, first, count)
    except csv.Error as error:
        return text_card(source, visible(f"no table: {error}"))


def _parquet(source: Source, first: int, count: int) -> PreviewCard:
    card = parquet_table(source, first, count)
    return card if card.kind == "table" else bytes_card(source, visible(card.note))


def _array(source: Source, first: int, count: int) -> PreviewCard:
    try:
        return array_card(source, first, count)
    except NotAnArray:
        return bytes_card(source, "no array")


def _image(source: Source) -> PreviewCard:
    length = source.size
    image = data_url(source)
    if image:
        return PreviewCard("image", image=image, note=size(length))
    return bytes_card(source, "too large to be shown" if length > LARGEST else "no picture that can be shown")


_TABLES: Mapping[str, Callable[[Source, int, int], PreviewCard]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": jsonl_table,
    ".ndjson": jsonl_table,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".npy": _array,
}
