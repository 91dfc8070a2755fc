"""The one vocabulary between kernel and browser: every message, and everything in it, as plain frozen values.

``views/typescript.py`` writes ``labextension/src/protocol.ts`` from this module, so a name stands once. Field names
are the same on both sides. Every text is a visible line (or visible lines): no control character, no markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from nbpipe.core.record import dataclass
from nbpipe.views.picture import EdgeState
from nbpipe.views.status import Hue

PROTOCOL = 1
"""Version of the messages; the first message of a kernel carries it."""
COMM_TARGET = "nbpipe-steps"
"""Comm target of the extension's door."""
VIEW_MIME = "application/vnd.nbpipe.view+json"
"""MIME type of an output that a host with the extension turns into a live view."""

Point = tuple[float, float]
Hosted = Literal["cell", "panel"]
"""Where a view stands: below a cell, or in JupyterLab's side panel."""


# What a graph is made of.


@dataclass(frozen=True)
class PortCard:
    """An input, output or parameter on the large card of a step: its name, and a value or note."""

    name: str
    note: str = ""


@dataclass(frozen=True)
class NodeCard:
    """One step as a view draws it.

    Attributes:
        id, name: node id, and the visible line that stands for it.
        status, detail, why, advice, key, target: as in ``views.picture.NodeView``.
        seconds, estimate: seconds it took, or will probably take.
        started: seconds since the epoch; None unless it runs now.
        reused_at: when the reused result was made.
        before: how its last attempt ended, where a plan is shown.
        progress: 0 to 1 from the script's own bar; None where it draws none.
        last_line: the last line that it printed, or empty.
        metric: the last metric, ``accuracy 0.941``, or empty.
        inputs, outputs, parameters: for the large card.
        cell: id of its notebook cell, or empty.
        cell_label: how messages call that cell, or empty.
        cell_gone: True where that cell is in the notebook no more.
        first: number of the cell's line that is line 1 of the script.
        digest: digest of the cell's text as it was registered, for the mark "edited".
        script: its script's file, relative to the notebook's folder.
        badge: what stands below its cell: ``will run: line 12 changed``.
        cause: ids from the root cause to this step, where its reason lies upstream.
        line: line of the script that raised, or None.
        members: ids of the steps that it stands for, where it is a group.
        counts: status -> how many of the members.
        parents: ids of the steps it waits for.
    """

    id: str
    name: str
    status: str
    detail: str = ""
    why: str = ""
    advice: str = ""
    key: str = ""
    target: str = ""
    seconds: float | None = None
    estimate: float | None = None
    started: float | None = None
    reused_at: float | None = None
    before: str = ""
    progress: float | None = None
    last_line: str = ""
    metric: str = ""
    inputs: tuple[PortCard, ...] = ()
    outputs: tuple[PortCard, ...] = ()
    parameters: tuple[PortCard, ...] = ()
    cell: str = ""
    cell_label: str = ""
    cell_gone: bool = False
    first: int = 2
    digest: str = ""
    script: str = ""
    badge: str = ""
    cause: tuple[str, ...] = ()
    line: int | None = None
    members: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelCard:
    """The name of data on an edge, and what is known of it."""

    name: str
    note: str = ""


@dataclass(frozen=True)
class EdgeCard:
    """Data, or order, from one node or data source to a step.

    Attributes:
        id: names the edge; its way is found by it in every layout.
        source, dest: ids.
        state: how the line is drawn.
        reading: True while the step reads it.
        labels: what goes this way, those whose name stands at this edge.
    """

    id: str
    source: str
    dest: str
    state: EdgeState
    reading: bool = False
    labels: tuple[LabelCard, ...] = ()


@dataclass(frozen=True)
class DataCard:
    """Data that no step makes."""

    id: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class ParameterCard:
    """A pipeline parameter, its value as text, and the ids of the steps that take it."""

    name: str
    value: str
    takers: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoxCard:
    """Where a card stands: its top left corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class TextCard:
    """Where an edge's labels stand: their middle, in pixels."""

    x: float
    y: float


@dataclass(frozen=True)
class LayoutCard:
    """Where everything stands when data go one way.

    Attributes:
        direction: ``right`` or ``down``.
        size: which form of cards it is made for.
        width, height: of the whole, in pixels.
        boxes: id of a step, group or data source -> its place.
        paths: id of an edge -> the ``d`` of its SVG path, without its arrow head.
        heads: id of an edge -> the ``d`` of its arrow head.
        labels: id of an edge -> where its labels stand.
        tags: parameter name -> its place.
        hairs: parameter name -> the ``d`` of the lines to those who take it.
    """

    direction: Literal["right", "down"]
    size: Literal["M", "S", "XS"]
    width: float
    height: float
    boxes: Mapping[str, BoxCard]
    paths: Mapping[str, str]
    heads: Mapping[str, str]
    labels: Mapping[str, TextCard] = field(default_factory=dict)
    tags: Mapping[str, BoxCard] = field(default_factory=dict)
    hairs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunCard:
    """The run that a view shows.

    Attributes:
        id: its id, or empty where only a plan is shown.
        status: Azure ML v1's word.
        live: True while a runner works on it.
        started, finished: seconds since the epoch, or None.
        left: seconds until its end, or None where that cannot be told.
        settled: how many steps nothing more can happen to.
    """

    id: str
    status: str
    live: bool
    started: float | None = None
    finished: float | None = None
    left: float | None = None
    settled: int = 0


@dataclass(frozen=True)
class ButtonCard:
    """A button: its word, the verb that it asks for and the words behind it.

    Attributes:
        label: what stands on it.
        verb: of ``Request``; empty where nothing is to do, and the button is off.
        args: of the request.
        title: what it does, for a tooltip.
    """

    label: str
    verb: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class BarCard:
    """A line above the graph, with buttons: "Kernel restarted. Run 14 goes on (3 of 7)", for example.

    Attributes:
        text: the line.
        hue: its colour.
        buttons: what can be done.
    """

    text: str
    hue: Hue = "run"
    buttons: tuple[ButtonCard, ...] = ()


@dataclass(frozen=True)
class HeadCard:
    """What stands around the graph.

    Attributes:
        pipeline: its name.
        mode: ``plan``; ``run``; ``last``, a remembered graph that is greyed; ``empty``; ``broken``, which cannot be
            planned (the graph is the last that could).
        summary: the whole in one line, for the live region too.
        run: the run that is shown, or None.
        primary: the one primary button.
        stop: True where there is something to stop.
        saved: seconds that reuse saves.
        bar: a line above the graph, or None.
        problems: what is in the way, each with its remedy.
        sample: the smallest step's cell, where the graph is empty.
    """

    pipeline: str
    mode: Literal["plan", "run", "last", "empty", "broken"]
    summary: str
    run: RunCard | None
    primary: ButtonCard
    stop: bool = False
    saved: float = 0.0
    bar: BarCard | None = None
    problems: tuple[str, ...] = ()
    sample: str = ""


# From the kernel.


@dataclass(frozen=True)
class Hello:
    """The first message on the door.

    Attributes:
        protocol: ``PROTOCOL``.
        version: nbpipe's.
        pipelines: names of the kernel's pipelines, the one that is meant by default first.
    """

    protocol: int
    version: str
    pipelines: tuple[str, ...]
    type: Literal["hello"] = "hello"


@dataclass(frozen=True)
class GraphMessage:
    """A graph, whole. ``revision`` counts upward; patches follow it without a gap.

    ``now`` is the kernel's clock, by which its times are meant: the browser's may be another.
    """

    view: str
    revision: int
    head: HeadCard
    nodes: tuple[NodeCard, ...]
    edges: tuple[EdgeCard, ...]
    data: tuple[DataCard, ...]
    parameters: tuple[ParameterCard, ...]
    layouts: tuple[LayoutCard, ...]
    now: float = 0.0
    type: Literal["graph"] = "graph"


@dataclass(frozen=True)
class PatchMessage:
    """What changed since revision ``revision - 1``: whole cards in place of those of the same id.

    A view that has another revision asks for the graph again (``subscribe``). Nodes never come or go in a patch.
    """

    view: str
    revision: int
    head: HeadCard | None = None
    nodes: tuple[NodeCard, ...] = ()
    edges: tuple[EdgeCard, ...] = ()
    data: tuple[DataCard, ...] = ()
    parameters: tuple[ParameterCard, ...] | None = None
    now: float = 0.0
    type: Literal["patch"] = "patch"


@dataclass(frozen=True)
class LogMessage:
    """A log that a view follows has grown: how long it is now; the view asks for the lines that it shows.

    Attributes:
        number: counts this view's log messages, so that a lost one is noticed (the next one makes up for it).
        lines, size: lines and bytes so far.
        ended: True when nothing more comes.
        dropped: bytes that were left out of the middle, beyond the limit.
        traceback: number of the line where the first traceback begins, or None.
        errors: lines of stderr.
        attempt: which attempt's log it is.
    """

    view: str
    number: int
    step: str
    run: str
    attempt: int
    lines: int
    size: int
    errors: int = 0
    ended: bool = False
    dropped: int = 0
    traceback: int | None = None
    type: Literal["log"] = "log"


@dataclass(frozen=True)
class ErrorCard:
    """An error as people read it."""

    fact: str
    place: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class AnswerMessage:
    """The answer to a request: a value, or an error."""

    id: str
    value: Any = None
    error: ErrorCard | None = None
    type: Literal["answer"] = "answer"


@dataclass(frozen=True)
class HostMessage:
    """What the kernel asks the page to do with the notebook: put a cell in place of one, or below the active one.

    Attributes:
        cell: id of the cell whose text it replaces; empty for a new one.
        text: the cell.
    """

    cell: str
    text: str
    type: Literal["host"] = "host"


Message = Hello | GraphMessage | PatchMessage | LogMessage | AnswerMessage | HostMessage


# From the browser.


@dataclass(frozen=True)
class Request:
    """What a view asks for; every request is answered.

    Attributes:
        id: the view's own, unique on its link.
        view: which view on the link it is.
        verb: see ``live/verbs.py``.
        args: by name.
    """

    id: str
    view: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    type: Literal["request"] = "request"
