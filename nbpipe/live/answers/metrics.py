"""What a step logged: numbers and series, texts, tables and pictures, with what they were before."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nbpipe.core.events import StepLogged, StepStarted
from nbpipe.errors import NbpipeError
from nbpipe.live.answers.datum import FILES, Datum, made_by
from nbpipe.live.answers.shown import Args, Shown, begun, node_of, step_in, word
from nbpipe.live.previews.image import data_url
from nbpipe.live.previews.source import Source
from nbpipe.live.previews.table import PAGE, cut_row
from nbpipe.run import StepRun
from nbpipe.run.origin import origin_of
from nbpipe.store.files import is_folder
from nbpipe.views.answers import MetricsAnswer, SeriesCard
from nbpipe.views.text import visible, visible_line

MOST_VALUES = 4000
"""Values of a series that are sent; of a longer one every so manieth."""

_MOST_SERIES = 500
_LONGEST_TEXT = 20_000


def metrics(shown: Shown, args: Args) -> MetricsAnswer:
    """What a step logged in the run that is shown, or in another.

    Args:
        shown: the board.
        args: ``step``; ``run`` where it is another one.

    Raises:
        UnknownName: there is no such step or run.
    """
    node = node_of(shown, args)
    step = step_in(shown, node, word(args, "run"))
    if step is None:
        return MetricsAnswer(())
    pictures, documents = _kinds(step)
    files = _files(shown, step) if pictures else {}
    earlier = _earlier(shown, step)
    cards = []
    for name, value in list(step.get_metrics().items())[:_MOST_SERIES]:
        if name in pictures:
            cards.append(_picture(name, value, files))
        else:
            cards.append(_card(name, value, _last_number(earlier.get(name)), document=name in documents))
    return MetricsAnswer(tuple(cards))


def _kinds(step: StepRun) -> tuple[set[str], set[str]]:
    """Names of the pictures and of the documents among what a step logged; a reused one where it really ran."""
    pictures, documents = set(), set()
    with suppress(NbpipeError):  # that run may be gone: then its names of files are texts
        for event in origin_of(step).state.events:
            if isinstance(event, StepLogged):
                record = event.record
                if record.get("record") == "image":
                    pictures.add(str(record.get("name")))
                elif record.get("kind") == "document":
                    documents.add(str(record.get("name")))
    return pictures, documents


def _files(shown: Shown, step: StepRun) -> Mapping[str, Path]:
    """The files that a step left, by name; those of one that runs lie in its spool still."""
    if step.status == "running":
        run = step.run
        folder = run.folder.attempt(run.position(step.node_id), step.node_id, max(step.state.attempts, 1))
        return dict(_spooled(folder / "work" / "spool" / "files"))
    made = made_by(shown, step.run.graph.get_node(step.node_id), step.run.id)
    with suppress(NbpipeError):
        return Datum(FILES, "files", made.kept).files(step.run.objects())[0]
    return {}


def _spooled(folder: Path) -> Iterator[tuple[str, Path]]:
    with suppress(OSError):
        for path in folder.rglob("*") if is_folder(folder) else ():
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix(), path


def _picture(name: str, value: Any, files: Mapping[str, Path]) -> SeriesCard:
    """A picture; of one logged again and again the last."""
    file = str(value[-1] if isinstance(value, list) and value else value)
    image = ""
    with suppress(NbpipeError):
        image = data_url(Source(files[file], file)) if file in files else ""
    return SeriesCard(visible(name), text="" if image else visible(file), image=image)


def _card(name: str, value: Any, earlier: float | None, *, document: bool) -> SeriesCard:
    shown = visible(name)
    if isinstance(value, dict):
        if not document and _is_table(value):
            columns, rows = _table(value)
            return SeriesCard(shown, columns=columns, rows=rows)
        text = json.dumps(value, indent=2, ensure_ascii=False)[:_LONGEST_TEXT]
        return SeriesCard(shown, text="\n".join(map(visible_line, text.split("\n"))))
    values = value if isinstance(value, list) else [value]
    numbers = [number for each in values if (number := _number(each)) is not None]
    if not numbers:
        return SeriesCard(shown, text=visible(", ".join(map(_word, values[:100]))))
    notes = []
    if len(numbers) < len(values):
        others = list(dict.fromkeys(_word(each) for each in values if _number(each) is None))
        notes.append(f"{len(values) - len(numbers)} of {len(values)} values: {', '.join(others[:5])}")
    stride = math.ceil(len(numbers) / MOST_VALUES)
    if stride > 1:
        notes.append(f"one of {stride} values is shown")
        numbers = [*numbers[:-1:stride], numbers[-1]]
    return SeriesCard(shown, tuple(numbers), visible("; ".join(notes)), earlier=earlier)


def _number(value: Any) -> float | None:
    """A finite number; a bool is none, and NaN has no place on an axis."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None


def _word(value: Any) -> str:
    """A value as JSON writes it, a text as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def _is_table(value: Mapping[str, Any]) -> bool:
    cells = (each for cell in value.values() for each in (cell if isinstance(cell, list) else [cell]))
    return not any(isinstance(each, dict | list) for each in cells)


def _table(value: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names and rows of a table that is kept by columns; of a long one the first rows."""
    columns = [cell if isinstance(cell, list) else [cell] for cell in value.values()]
    rows = zip_longest(*(column[:PAGE] for column in columns), fillvalue="")
    return cut_row(value), tuple(cut_row(map(_word, row)) for row in rows)


def _earlier(shown: Shown, step: StepRun) -> Mapping[str, Any]:
    """The metrics of the run that a step is compared with; nothing where there is none, or it is gone."""
    event = begun(step)
    if not isinstance(event, StepStarted) or not event.compared_run:
        return {}
    with suppress(NbpipeError):
        return shown.workspace.get_run(event.compared_run).step(step.name).get_metrics()
    return {}


def _last_number(value: Any) -> float | None:
    last: Any = value[-1] if isinstance(value, Sequence) and not isinstance(value, str) and value else value
    return _number(last)
