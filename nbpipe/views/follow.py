"""A run followed to its end: as a live table in a terminal, as plain lines where there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import IO, Any

from nbpipe.core.events import StepEvent, StepStarted
from nbpipe.core.run_state import Status
from nbpipe.run import PipelineRun, StepRun
from nbpipe.views.picture import Picture
from nbpipe.views.present import picture_of
from nbpipe.views.tail import LineReader
from nbpipe.views.text import visible
from nbpipe.views.wording import event_line

_POLL = 0.02
_SAID = {"FORCE_COLOR", "TTY_COMPATIBLE"}
"""Variables by which a user says whether what reads the output is as good as a terminal."""


def follow(
    run: PipelineRun,
    *,
    console: Any = None,
    output: bool = True,
    lines: bool | None = None,
    timeout_seconds: float | None = None,
    command: str = "nbpipe run PIPELINE",
) -> str:
    """Show a run until it ends.

    Args:
        run: a run, live or over.
        console: where to, a ``rich.console.Console``; by default standard output.
        output: show what the steps print too.
        lines: plain lines, one an event, without colours; by default where the console is no terminal.
        timeout_seconds: give up watching (the run goes on); None watches to the end.
        command: what started the run, for the hint how to force a step.

    Returns:
        The run's status in Azure ML v1's words.

    Raises:
        TimeoutError: it did not end in time.
    """
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    plain = not _is_terminal(console) if lines is None else lines

    def over() -> bool:
        if run.state.finished is not None or run.interrupted:
            return True
        if end is not None and time.monotonic() > end:
            raise TimeoutError(f"Run {run.id} has not ended yet.")
        return False

    if plain:
        _follow_in_lines(run, console.file if console else sys.stdout, output, over, command)
    else:
        from nbpipe.views.terminal import follow_live  # what draws takes longer to import than all else here

        follow_live(run, console, output, over, command)
    return run.status


def _is_terminal(console: Any) -> bool:
    if console is None and _SAID.isdisjoint(os.environ):
        return sys.stdout.isatty()
    from rich.console import Console

    return bool((console or Console(file=sys.stdout)).is_terminal)


def _follow_in_lines(
    run: PipelineRun, file: IO[str], output: bool, is_over: Callable[[], bool], command: str
) -> None:
    readers: dict[str, LineReader] = {}
    told = 0
    over = False
    while not over:
        over = is_over()
        events, told = run.events(told)
        for event in events:
            if isinstance(event, StepStarted):
                if output:
                    readers.setdefault(event.node, LineReader(StepRun(run, event.node)))
            elif isinstance(event, StepEvent) and event.node in readers:
                # What a step printed comes before the line that says how it ended.
                _print(file, _prefixed(event.node, readers[event.node].lines(whole=True)))
            _print(file, filter(None, [event_line(event)]))
        steps = run.state.steps
        for node_id in [each for each in readers if steps[each].status is Status.RUNNING]:
            _print(file, _prefixed(node_id, readers[node_id].lines()))
        file.flush()
        if not over:
            time.sleep(_POLL)
    picture = replace(picture_of(run, sizes=False), command=command)
    _print(file, [picture.title, *_advice(picture), *filter(None, [picture.hint])])
    file.flush()


def _prefixed(node_id: str, lines: Iterator[str]) -> Iterator[str]:
    return (f"{visible(node_id)} | {line}" for line in lines)


def _advice(picture: Picture) -> Iterator[str]:
    for node in picture.nodes:
        if node.status == "failed":
            yield f"x {node.name}: {node.words}: {node.why}"
            yield from (f"  {line}" for line in node.advice.splitlines())


def _print(file: IO[str], lines: Iterable[str]) -> None:
    file.writelines(f"{line}\n" for line in lines)
