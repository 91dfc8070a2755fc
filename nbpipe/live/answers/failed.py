"""The card of a failed step: what went wrong where, what to do, what differs from the last good run, what is safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.reason import Reason, compare
from nbpipe.core.result import Attempt
from nbpipe.live.answers.shown import Shown, fingerprint_of
from nbpipe.live.answers.stored import stored_facts
from nbpipe.live.answers.upstream import cause_in_run
from nbpipe.run import StepRun
from nbpipe.store.objects import ObjectStore
from nbpipe.views.answers import FailureCard
from nbpipe.views.text import visible, visible_line
from nbpipe.views.wording import size, why_of

_MOST_TOLD = 8
_MOST_NAMED = 5


def failure_card(shown: Shown, step: StepRun) -> FailureCard:
    """The card of a step that failed in a run, or was lost with it."""
    failure = step.failure
    differs = tuple(visible(each) for each in _differs(shown, step))
    if failure is None:
        fact = f"Run {step.run.id} was interrupted: its runner is gone."
        return FailureCard(fact, _place(shown, step, None), "Run it again; what was finished is reused.", differs,
                           kept=_kept(step))  # fmt: skip
    remedy = "\n".join(map(visible_line, failure.remedy.splitlines()))
    line, cell_line = failure.line, _cell_line(shown, step.node_id, failure.line)
    title = visible(why_of(failure) or failure.message)
    return FailureCard(title, _place(shown, step, line), remedy, differs, line, cell_line, _kept(step))


def _cell_line(shown: Shown, node_id: str, line: int | None) -> int | None:
    """The line of the notebook's cell that is a line of the script."""
    cell, _, first = shown.cell_of(node_id)
    return line + first - 1 if line is not None and cell else None


def _place(shown: Shown, step: StepRun, line: int | None) -> str:
    """``train.py, line 31 (cell 6, line 32)``."""
    script = step.run.graph.get_node(step.node_id).script
    _, label, _ = shown.cell_of(step.node_id)
    cell_line = _cell_line(shown, step.node_id, line)
    at, in_cell = (f", line {each}" if each is not None else "" for each in (line, cell_line))
    return visible(f"{script}{at} ({label}{in_cell})" if label else f"{script}{at}")


def _kept(step: StepRun) -> str:
    """Which steps upstream stay reusable."""
    run = step.run
    states = run.state.steps
    above = run.graph.ancestors([step.node_id])
    good = [node.node_id for node in run.graph.topological() if node.node_id in above]
    good = [each for each in good if each in states and states[each].status.good]
    if not good:
        return ""
    return visible(f"Nothing is lost: {listed(good)} {'stays' if len(good) == 1 else 'stay'} reusable.")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdefg"))
        ('a', 'a, b and c', 'a, b, c, d, e and 2 more')
    """
    shown = [
        *names[:_MOST_NAMED],
        *([f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []),
    ]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _differs(shown: Shown, step: StepRun) -> Iterator[str]:
    """What differs from the last run in which the step ended well, one sentence each."""
    after, good = fingerprint_of(step), last_good(shown, step)
    if after is None:
        return
    if good is None:
        yield f"{step.name} has not ended well in any run yet."
        return
    memory, objects = step.run.memory(), step.run.objects()
    reasons = compare(good.fingerprint, after, memory.read)
    if not reasons:
        yield f"Nothing that counts differs from run {good.run}, in which it ended well."
    for reason in reasons[:_MOST_TOLD]:
        told = _data_sentence(reason, good.fingerprint, after, objects) or f"{reason.text}."
        yield f"New since run {good.run}: {told}"
    if len(reasons) > _MOST_TOLD:
        yield f"And {len(reasons) - _MOST_TOLD} more changes."
    yield from _root(step)


def _root(step: StepRun) -> Iterator[str]:
    """What began upstream and made the step run; nothing where its cause is its own."""
    path = cause_in_run(step)
    if path:
        first = StepRun(step.run, path[0])
        if first.reasons:
            yield f"Root: {first.reasons[0].text}, so {listed([*path[:-1], 'this step'])} ran."
        elif first.reused:
            ran = listed([*path[1:-1], "this step"])
            yield f"Root: {path[0]} was reused from run {first.reused_run}, so {ran} ran."


def last_good(shown: Shown, step: StepRun) -> Attempt | None:
    """The newest attempt before a run in which a step ended well, of the same pipeline where there is one."""
    ended = [
        each
        for each in shown.workspace.memory.attempts(step.name)
        if each.status == "finished" and each.run.isdecimal() and int(each.run) < int(step.run.id)
    ]
    same = [each for each in ended if each.pipeline == step.run.pipeline_name]
    return next(reversed(same or ended), None)


def _data_sentence(reason: Reason, before: Fingerprint, after: Fingerprint, objects: ObjectStore) -> str:
    """What is known of data that changed: rows, or bytes; empty for another reason."""
    changed = [(name, old, new) for kind, name, old, new in before.differences(after) if kind == "inputs"]
    for name, old, new in changed:
        was, now = (_facts(side, name, digest, objects) for side, digest in ((before, old), (after, new)))
        made = now.get("from")
        if (made != reason.name) if made else (reason.kind != "inputs" or reason.name != name):
            continue
        shown = f"{{{now['name']}}}" if made else str(now.get("name") or name)
        if "rows" in was and "rows" in now and was["rows"] != now["rows"]:
            return f"{shown} has {_rows(now['rows'])}, it had {was['rows']}."
        if "bytes" in was and "bytes" in now and was["bytes"] != now["bytes"]:
            return f"{shown} has {size(now['bytes'])}, it had {size(was['bytes'])}."
    return ""


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _facts(side: Fingerprint, name: str, digest: Any, objects: ObjectStore) -> dict[str, Any]:
    """What the fingerprint shows of an input; of what a step made, also what is in the store."""
    shown = dict(side.evidence.get("inputs", {}).get(name, {}))
    return shown | stored_facts(objects, digest) if shown.get("from") and isinstance(digest, str) else shown
