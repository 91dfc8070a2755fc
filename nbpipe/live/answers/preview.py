"""A look into a step's data: a page of a table, a picture, a text, the files of a folder."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from nbpipe.errors import UsageError
from nbpipe.live.answers.datum import Datum, datum_named, trouble_with
from nbpipe.live.answers.shown import Args, Shown, node_of, number, word
from nbpipe.live.previews.look import look_into
from nbpipe.live.previews.source import Source
from nbpipe.views.answers import PreviewCard
from nbpipe.views.text import visible
from nbpipe.views.wording import size

MOST_ENTRIES = 1000
"""Files of a folder that are listed."""


def preview(shown: Shown, args: Args) -> PreviewCard:
    """What can be shown of some data of a step; only files that belong to them are read.

    Args:
        shown: the board.
        args: ``step``; ``run`` where it is another than the one that is shown; ``name`` of the data, and ``role``
            where an input and an output share it; ``path`` of a file inside a folder; ``first`` and ``count`` of a
            table's rows.

    Raises:
        UsageError: there are no such data, or no such file in them.
        StoreError: they cannot be read.
    """
    node = node_of(shown, args)
    datum = datum_named(shown, node, word(args, "name"), word(args, "role"), word(args, "run"))
    trouble = trouble_with(datum, shown.workspace.objects)
    if trouble:
        raise UsageError(f"{datum.name}: {trouble}.")
    files, is_file = datum.files(shown.workspace.objects)
    path = word(args, "path")
    if not path and not is_file:
        return _folder(files)
    name, file = _chosen(datum, files, path)
    return look_into(Source(file, name), number(args, "first", 0), number(args, "count", 100))


def _chosen(datum: Datum, files: dict[str, Path], path: str) -> tuple[str, Path]:
    """The file that a path names, as it is or as it was shown."""
    if not path:
        return next(iter(files.items()))
    if path in files:
        return path, files[path]
    for name, file in files.items():
        if visible(name) == path:
            return name, file
    raise UsageError(f"{datum.name} has no file {visible(path[:200])}.")


def _folder(files: dict[str, Path]) -> PreviewCard:
    entries = tuple((visible(name), _size(path)) for name, path in islice(files.items(), MOST_ENTRIES))
    return PreviewCard("folder", entries=entries, total=len(files), cut=len(files) > len(entries))


def _size(path: Path) -> str:
    try:
        return size(path.stat().st_size)
    except OSError:
        return "gone"
