"""A run followed in a terminal: a live table that fits the window, or plain lines where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rich.console import Console
from rich.live import Live
from rich.text import Text

from nbpipe.core.events import StepEvent, StepStarted
from nbpipe.core.run_state import Status
from nbpipe.run import PipelineRun, StepRun
from nbpipe.views.compact import compact_text
from nbpipe.views.picture import Picture
from nbpipe.views.present import picture_of
from nbpipe.views.screen import frame
from nbpipe.views.tail import LineReader, last_lines
from nbpipe.views.text import visible
from nbpipe.views.tree import tree
from nbpipe.views.wording import event_line

_POLL = 0.05
_FRAME = 0.125
_LAST_WORDS = 20
"""Lines of a failed step's log that are shown at the end."""
_MOST_FAILED = 3


def follow(
    run: PipelineRun,
    *,
    console: Console | None = None,
    output: bool = True,
    lines: bool | None = None,
    timeout_seconds: float | None = None,
    command: str = "nbpipe run PIPELINE",
) -> str:
    """Show a run until it ends.

    Args:
        run: a run, live or over.
        console: where to; by default standard output.
        output: show what the steps print too.
        lines: plain lines, one an event, without colours; by default where the console is no terminal.
        timeout_seconds: give up watching (the run goes on); None watches to the end.
        command: what started the run, for the hint how to force a step.

    Returns:
        The run's status in Azure ML v1's words.

    Raises:
        TimeoutError: it did not end in time.
    """
    shown = console or Console(file=sys.stdout, highlight=False)
    plain = not shown.is_terminal if lines is None else lines
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    if plain:
        _follow_in_lines(run, shown, output, end, command)
    else:
        _follow_live(run, shown, output, end, command)
    return run.status


def _is_over(run: PipelineRun, end: float | None) -> bool:
    if run.state.finished is not None or run.interrupted:
        return True
    if end is not None and time.monotonic() > end:
        raise TimeoutError(f"Run {run.id} has not ended yet.")
    return False


def _follow_in_lines(
    run: PipelineRun, console: Console, output: bool, end: float | None, command: str
) -> None:
    readers = {step.node_id: LineReader(step) for step in run.get_steps()} if output else {}
    told = 0
    over = False
    while not over:
        over = _is_over(run, end)
        events, told = run.events(told)
        for event in events:
            # What a step printed comes before the line that says how it ended.
            if isinstance(event, StepEvent) and event.node in readers and not isinstance(event, StepStarted):
                _print(console, *_prefixed(event.node, readers[event.node].lines(whole=True)))
            _print(console, *filter(None, [event_line(event)]))
        running = [node_id for node_id, step in run.state.steps.items() if step.status is Status.RUNNING]
        for node_id in running if readers else ():
            _print(console, *_prefixed(node_id, readers[node_id].lines()))
        if not over:
            time.sleep(_POLL)
    picture = replace(picture_of(run, sizes=False), command=command)
    _print(console, picture.title, *_advice(picture), *([picture.hint] if picture.hint else ()))


def _prefixed(node_id: str, lines: Iterator[str]) -> Iterator[str]:
    return (f"{visible(node_id)} | {line}" for line in lines)


def _advice(picture: Picture) -> Iterator[str]:
    for node in picture.nodes:
        if node.status == "failed":
            yield f"x {node.name}: {node.words}: {node.why}"
            yield from (f"  {line}" for line in node.advice.splitlines())


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _follow_live(run: PipelineRun, console: Console, output: bool, end: float | None, command: str) -> None:
    steps = {step.node_id: step for step in run.get_steps()}

    def said(node_id: str) -> list[str]:
        return last_lines(steps[node_id], 1) if output else []

    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not _is_over(run, end):
            drawn = time.monotonic()
            picture, size = picture_of(run, sizes=False), console.size
            shown = frame(
                picture, said, width=size.width, height=size.height, now=time.time(), begun=run.started
            )
            live.update(shown, refresh=True)
            # Thousands of steps take a tenth of a second to look at: the watcher leaves the machine to the run.
            time.sleep(max(_FRAME, 4 * (time.monotonic() - drawn)))
    _tell_end(replace(picture_of(run, sizes=False), command=command), console, steps if output else {})


def _tell_end(picture: Picture, console: Console, steps: Mapping[str, StepRun]) -> None:
    """What stays on the screen: the steps, and of those that failed what they said last."""
    room = max(console.size.height - 4, 10)
    if len(picture.nodes) <= room:
        _print(console, tree(picture, width=console.width))
    else:
        _print(console, compact_text(picture, most=room, width=console.width))
    failed = [node for node in picture.nodes if node.status == "failed" and node.node_id in steps]
    for node in failed[:_MOST_FAILED]:
        said = last_lines(steps[node.node_id], _LAST_WORDS, errors=True)
        if said:
            _print(console, "", f"{node.name}, its last lines:", *(f"  {line}" for line in said))
