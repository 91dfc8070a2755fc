"""A step's script, as it is now or as it was in a run, and which of its lines changed."""

from __future__ import annotations

import difflib
from pathlib import Path

from nbpipe.core.events import StepStarted
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.node import CellSource, Node
from nbpipe.core.reason import LONGEST_COMPARED
from nbpipe.errors import UsageError
from nbpipe.execution.memory import StoredMemory
from nbpipe.live.answers.shown import Args, Shown, begun, node_of, planned, step_in, word
from nbpipe.live.previews.source import Source
from nbpipe.run import StepRun
from nbpipe.views.answers import ScriptAnswer
from nbpipe.views.text import visible, visible_line

LARGEST = 2**20
"""Bytes of a script that are shown."""


def script(shown: Shown, args: Args) -> ScriptAnswer:
    """A step's script with the lines that differ from the run that it is compared with.

    Args:
        shown: the board.
        args: ``step``; ``run`` for the script as it was in that run.

    Raises:
        UnknownName: there is no such step or run.
        UsageError: its text is not in the store any more.
        StoreError: its file cannot be read.
    """
    node, run_id = node_of(shown, args), word(args, "run")
    step = step_in(shown, node, run_id)
    now = step is None or not (run_id or shown.speaks(node.node_id))
    text, before = _as_it_is(shown, node) if now or step is None else _as_it_was(step)
    _, label, first = shown.cell_of(node.node_id)
    lines = "\n".join(map(visible_line, text.splitlines()))
    changed = changed_numbers(before, text) if before is not None else ()
    return ScriptAnswer(visible(_file(node)), lines, visible(label), first, changed)


def _file(node: Node) -> str:
    """Where a script lies, relative to the workspace where it is in it."""
    source = node.source
    return source.script if isinstance(source, CellSource) else (Path(source.folder) / node.script).as_posix()


def _as_it_is(shown: Shown, node: Node) -> tuple[str, str | None]:
    path = shown.workspace.root / _file(node)
    text = Source(Path(path), node.script).read(LARGEST).decode("utf-8", "replace")
    plan = planned(shown, node.node_id)
    compared = plan.compared.fingerprint if plan and plan.compared else None
    return text, _text_in(compared, node.script, shown.workspace.memory)


def _as_it_was(step: StepRun) -> tuple[str, str | None]:
    run = step.run
    name = run.graph.get_node(step.node_id).script
    text = run.memory().read(run.frozen.steps[step.node_id].files.get(name, ""))
    if text is None:
        raise UsageError(f"{name} as it was in run {run.id} is not in the store any more.")
    event = begun(step)
    digest = event.compared if isinstance(event, StepStarted) else ""
    compared = run.memory().fingerprint(digest) if digest else None
    return text[:LARGEST], _text_in(compared, name, run.memory())


def _text_in(fingerprint: Fingerprint | None, name: str, memory: StoredMemory) -> str | None:
    """A script's text as a fingerprint knows it, or None."""
    digest = fingerprint.evidence.get("files", {}).get(name, "") if fingerprint else ""
    return memory.read(digest) if digest else None


def changed_numbers(before: str, after: str) -> tuple[int, ...]:
    r"""Numbers of the lines of ``after`` that are not in ``before``; nothing for texts that take too long to compare.

    Example:
        >>> changed_numbers("a\nb\nc", "a\nB\nc\nd")
        (2, 4)
    """
    olds, news = before.splitlines(), after.splitlines()
    same = next((at for at, (old, new) in enumerate(zip(olds, news, strict=False)) if old != new), None)
    same = min(len(olds), len(news)) if same is None else same
    if max(len(olds), len(news)) - same > LONGEST_COMPARED:
        return ()
    blocks = difflib.SequenceMatcher(None, olds[same:], news[same:], autojunk=False).get_opcodes()
    return tuple(
        same + number + 1
        for tag, _, _, start, end in blocks
        if tag in {"insert", "replace"}
        for number in range(start, end)
    )
