"""A run followed in a terminal: a live table that fits the window."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from rich.console import Console
from rich.live import Live
from rich.text import Text

from nbpipe.run import PipelineRun, StepRun
from nbpipe.views.compact import compact_text
from nbpipe.views.picture import Picture
from nbpipe.views.present import picture_of
from nbpipe.views.screen import frame
from nbpipe.views.tail import last_lines
from nbpipe.views.tree import tree

_FRAME = 0.125
_LAST_WORDS = 20
"""Lines of a failed step's log that are shown at the end."""
_MOST_FAILED = 3


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def follow_live(
    run: PipelineRun, console: Console | None, output: bool, is_over: Callable[[], bool], command: str
) -> None:
    """Show a run as a table that is drawn again and again, and what stays of it at its end.

    Args:
        run: a run, live or over.
        console: where to; by default standard output.
        output: show what the steps print too.
        is_over: whether there is no more to come.
        command: what started the run, for the hint how to force a step.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    steps = {step.node_id: step for step in run.get_steps()}

    def said(node_id: str) -> list[str]:
        return last_lines(steps[node_id], 1) if output else []

    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not is_over():
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
