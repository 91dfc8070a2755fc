"""What the kernel answers to a view's requests: why, logs, data, metrics, history, scripts, runs, new cells.

The second half of ``views/protocol.py``; the same rules hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nbpipe.core.record import dataclass


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff: ``+``, ``-``, blank for what stays, ``@`` for a place."""

    mark: Literal["+", "-", " ", "@"]
    text: str


@dataclass(frozen=True)
class DiffCard:
    """What changed in one text."""

    title: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class IngredientCard:
    """One ingredient of a fingerprint, and what it was before where that differs."""

    kind: str
    name: str
    value: str
    before: str | None = None


@dataclass(frozen=True)
class FailureCard:
    """A failed step's card.

    Attributes:
        title: the last line of the error.
        place: ``train.py, line 31 (cell 6, line 32)``.
        remedy: what to do, may have several lines.
        differs: what differs from the last good run, one sentence each.
        line: line of the script, or None.
        cell_line: line of the cell, or None.
        kept: "Nothing is lost: prepare and split stay reusable."
    """

    title: str
    place: str = ""
    remedy: str = ""
    differs: tuple[str, ...] = ()
    line: int | None = None
    cell_line: int | None = None
    kept: str = ""


@dataclass(frozen=True)
class WhyAnswer:
    """Why a step runs, ran or is reused (verb ``why``)."""

    step: str
    sentences: tuple[str, ...]
    diffs: tuple[DiffCard, ...]
    key: str
    ingredients: tuple[IngredientCard, ...]
    compared_run: str = ""
    cause: tuple[str, ...] = ()
    failure: FailureCard | None = None


@dataclass(frozen=True)
class LogLine:
    """A line of a log: its text may have SGR colour sequences, and no other control.

    Attributes:
        number: from 1.
        error: True for stderr.
        text: of a line that rewrote itself the last state; of a long one the beginning.
        cut: characters that were left out.
    """

    number: int
    error: bool
    text: str
    cut: int = 0


@dataclass(frozen=True)
class LogPage:
    """Lines of a log from a number on (verb ``log_page``)."""

    first: int
    lines: tuple[LogLine, ...]
    total: int


@dataclass(frozen=True)
class LogHits:
    """Numbers of the lines that hold a text (verb ``log_find``).

    Attributes:
        numbers: in order.
        more: True where the search ended before the log, for many hits or for its time.
        next: number of the line to go on from.
    """

    numbers: tuple[int, ...]
    more: bool = False
    next: int = 0


@dataclass(frozen=True)
class PreviewCard:
    """What can be shown of some data without running anything.

    Attributes:
        kind: ``table``, ``image``, ``text``, ``json``, ``folder`` or ``binary``.
        columns, rows: of a table: names, and a page of cells as text.
        first: number of the first row of the page, from 0.
        total: rows in all, or None where nobody counted them.
        text: of a text or JSON.
        image: data URL of a PNG, JPEG, GIF or WebP.
        entries: of a folder: name and size of each file.
        cut: True where there is more than is shown.
        note: what else is worth saying.
    """

    kind: Literal["table", "image", "text", "json", "folder", "binary"]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    first: int = 0
    total: int | None = None
    text: str = ""
    image: str = ""
    entries: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    note: str = ""


@dataclass(frozen=True)
class DataItem:
    """An input or output of a step.

    Attributes:
        name: of the port.
        role: ``input``, ``output`` or ``files`` (what a script left in ``./outputs``).
        note: ``333 rows · 17 KB``, or why it is not there.
        digest: first characters of its content's digest, or empty.
        code: Python that reads it in a notebook, or empty.
        there: True when it can be looked at.
    """

    name: str
    role: Literal["input", "output", "files"]
    note: str = ""
    digest: str = ""
    code: str = ""
    there: bool = False


@dataclass(frozen=True)
class DataAnswer:
    """What a step reads and writes (verb ``data``)."""

    items: tuple[DataItem, ...]


@dataclass(frozen=True)
class SeriesCard:
    """A metric: its values in order; an image or a table where it is one.

    Attributes:
        name: as the script logged it.
        values: numbers in order; one for a plain value; empty for what is no number.
        text: a value that is no number.
        image: data URL of a logged image, or empty.
        columns, rows: of a logged table.
        earlier: its last value in the run that is compared with, or None.
    """

    name: str
    values: tuple[float, ...] = ()
    text: str = ""
    image: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    earlier: float | None = None


@dataclass(frozen=True)
class MetricsAnswer:
    """What a step logged (verb ``metrics``)."""

    series: tuple[SeriesCard, ...]


@dataclass(frozen=True)
class HistoryItem:
    """An earlier run of a step, newest first."""

    run: str
    status: str
    why: str
    key: str
    seconds: float | None
    time: float | None
    same: bool = False


@dataclass(frozen=True)
class HistoryAnswer:
    """Earlier runs of a step (verb ``history``)."""

    items: tuple[HistoryItem, ...]


@dataclass(frozen=True)
class ScriptAnswer:
    """A step's script (verb ``script``), as it is now or as it was in a run."""

    file: str
    text: str
    cell: str = ""
    first: int = 2
    changed: tuple[int, ...] = ()


@dataclass(frozen=True)
class RunItem:
    """A run of the workspace (verb ``runs``), newest first."""

    id: str
    pipeline: str
    status: str
    summary: str
    live: bool
    started: float | None
    finished: float | None


@dataclass(frozen=True)
class RunsAnswer:
    """Runs of the workspace."""

    items: tuple[RunItem, ...]


@dataclass(frozen=True)
class CellText:
    """A cell that the host inserts, and what is worth saying about it (verbs ``extract``, ``edit``, ``restore``)."""

    text: str
    name: str = ""
    notes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParamItem:
    """A parameter that may be set.

    Attributes:
        name: its name.
        value: a number, a text or true/false.
        options: the values it may have, where they are listed.
        low, high, step: its range, where it has one.
    """

    name: str
    value: Any
    options: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None


@dataclass(frozen=True)
class ParamsAnswer:
    """The parameters of the pipeline (verb ``params``)."""

    items: tuple[ParamItem, ...]


@dataclass(frozen=True)
class RunAnswer:
    """The run that was started (verb ``run``); empty where none was, since a notebook is only read."""

    run: str


ANSWERS: Mapping[str, type] = {
    "why": WhyAnswer,
    "log_page": LogPage,
    "log_find": LogHits,
    "data": DataAnswer,
    "preview": PreviewCard,
    "metrics": MetricsAnswer,
    "history": HistoryAnswer,
    "compare": WhyAnswer,
    "script": ScriptAnswer,
    "runs": RunsAnswer,
    "extract": CellText,
    "restore": CellText,
    "params": ParamsAnswer,
    "run": RunAnswer,
}
"""Verb -> what its answer holds; the other verbs answer with nothing but that it was done."""
