"""A run followed in a terminal: a live table that fits the window, or plain lines where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from nbpipe.run import PipelineRun, StepRun
from nbpipe.views.forecast import time_left
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.present import picture_of
from nbpipe.views.status import TERMINAL_STYLES, counted
from nbpipe.views.tail import LineReader, last_lines
from nbpipe.views.text import fit_cells, pad_cells
from nbpipe.views.tree import tree
from nbpipe.views.wording import duration, event_line, listed, when

_POLL = 0.05
_FRAME = 0.125
_LAST_WORDS = 20
"""Lines of a failed step's log that are shown at the end."""


def follow(
    run: PipelineRun, *, console: Console | None = None, output: bool = True, lines: bool | None = None,
    timeout_seconds: float | None = None,
) -> str:  # fmt: skip
    """Show a run until it ends.

    Args:
        run: a run, live or over.
        console: where to; by default standard output.
        output: show what the steps print too.
        lines: plain lines, one an event, without colours; by default where the console is no terminal.
        timeout_seconds: give up watching (the run goes on); None watches to the end.

    Returns:
        The run's status in Azure ML v1's words.

    Raises:
        TimeoutError: it did not end in time.
    """
    shown = console or Console(file=sys.stdout, highlight=False)
    plain = not shown.is_terminal if lines is None else lines
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    if plain:
        _follow_in_lines(run, shown, output, end)
    else:
        _follow_live(run, shown, output, end)
    return run.status


def _is_over(run: PipelineRun, end: float | None) -> bool:
    if run.state.finished is not None or run.interrupted:
        return True
    if end is not None and time.monotonic() > end:
        raise TimeoutError(f"Run {run.id} has not ended yet.")
    return False


def _follow_in_lines(run: PipelineRun, console: Console, output: bool, end: float | None) -> None:
    names = {node.node_id: node.node_id for node in run.graph.nodes}
    readers = {step.node_id: LineReader(step) for step in run.get_steps()} if output else {}
    told = 0
    over = False
    while not over:
        over = _is_over(run, end)
        events, told = run.events(told)
        for event in events:
            line = event_line(event, names)
            # What a step printed comes before the line that says how it ended.
            reader = readers.get(getattr(event, "node", ""))
            if reader and not line.startswith("*"):
                _print(console, *_prefixed(event.node, reader.lines(whole=True)))  # type: ignore[attr-defined]
            if line:
                _print(console, line)
        for node_id, reader in readers.items():
            if run.state.steps[node_id].status == "running":
                _print(console, *_prefixed(node_id, reader.lines()))
        if not over:
            time.sleep(_POLL)
    picture = picture_of(run, sizes=False)
    _print(console, picture.title, *_advice(picture), *([picture.hint] if picture.hint else ()))


def _prefixed(node_id: str, lines: Iterator[str]) -> Iterator[str]:
    return (f"{node_id} | {line}" for line in lines)


def _advice(picture: Picture) -> Iterator[str]:
    for node in picture.nodes:
        if node.status == "failed":
            yield f"x {node.name}: {node.words}: {node.why}"
            yield from (f"  {line}" for line in node.advice.splitlines())


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _follow_live(run: PipelineRun, console: Console, output: bool, end: float | None) -> None:
    steps = {step.node_id: step for step in run.get_steps()}
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not _is_over(run, end):
            live.update(frame(run, steps if output else {}, console, time.time()), refresh=True)
            time.sleep(_FRAME)
    picture = picture_of(run, sizes=False)
    room = max(console.size.height - 3, 10)
    _print(console, tree(picture, width=console.width, most=room))
    for node in picture.nodes:
        if output and node.status == "failed":
            said = last_lines(steps[node.node_id], _LAST_WORDS)
            _print(
                console,
                *(["", f"{node.name}, its last lines:"] if said else ()),
                *(f"  {line}" for line in said),
            )


def frame(run: PipelineRun, steps: dict[str, StepRun], console: Console, now: float) -> Group:
    """One frame of the live view, never higher than the window.

    Args:
        run: the run.
        steps: node id -> step, of those whose last line is shown.
        console: gives width and height.
        now: seconds since the epoch.
    """
    picture = picture_of(run, sizes=False)
    height, width = console.size.height, console.width
    begun = run.started
    parts = [picture.title]
    if begun is not None:
        parts.append(duration(now - begun))
        left = time_left(picture, now)
        parts += [f"about {duration(left)} left"] if left else []
    head = [Text(fit_cells(" · ".join(parts), width), style="bold"), bar(picture, width)]
    running = [node for node in picture.nodes if node.status == "running"]
    told = {
        node.node_id: last_lines(steps[node.node_id], 1)
        for node in running[: height // 4]
        if node.node_id in steps
    }
    room = max(height - len(head) - 2 - sum(map(len, told.values())), 3)
    return Group(*head, *_rows(picture, told, room, width, now))


def bar(picture: Picture, width: int) -> Text:
    """The steps as one line: each state's share in its hue, what asks for attention first."""
    total, room = len(picture.nodes), max(min(width - 2, 60), 1)
    line = Text()
    done = 0
    drawn = 0
    for word, count in reversed(picture.counts.items()):
        done += count
        cells = round(done * room / total) - drawn
        drawn += cells
        node = next(each for each in picture.nodes if each.status == word)
        line.append(("━" if node.settled else "─") * cells, style=TERMINAL_STYLES[node.look.hue])
    return line


def _rows(picture: Picture, told: dict[str, list[str]], room: int, width: int, now: float) -> Iterator[Text]:
    urgent = list(picture.in_order_of_attention())
    chosen = {node.node_id for node in urgent[:room]}
    nodes = [node for node in picture.nodes if node.node_id in chosen]
    named = min(max((len(node.name) for node in nodes), default=0), width // 3)
    stated = max((len(node.words) for node in nodes), default=0)
    for node in nodes:
        yield _row(node, named, stated, width, now)
        yield from (Text(fit_cells(f"    {line}", width), style="dim") for line in told.get(node.node_id, ()))
    if len(urgent) > len(nodes):
        rest = listed(counted(node.status for node in urgent[room:]))
        yield Text(fit_cells(f"and {len(urgent) - len(nodes)} more: {rest}", width), style="dim")


def _row(node: NodeView, named: int, stated: int, width: int, now: float) -> Text:
    name = pad_cells(fit_cells(node.name, named, middle=True), named)
    line = Text()
    style = TERMINAL_STYLES[node.look.hue]
    line.append(f"{node.look.glyph} ", style=style)
    line.append(f"{name}  ")
    line.append(pad_cells(node.words, stated), style=style)
    line.append(fit_cells(f"  {_told(node, now)}", max(width - line.cell_len, 0)), style="dim")
    return line


def _told(node: NodeView, now: float) -> str:
    parts = [node.why]
    if node.reused_at is not None:
        parts.append(when(node.reused_at, now))
    if node.started is not None:
        of = f" of about {duration(node.estimate)}" if node.estimate else ""
        parts.append(f"{duration(now - node.started)}{of}")
    elif node.seconds is not None:
        parts.append(duration(node.seconds))
    return " · ".join(part for part in parts if part)
