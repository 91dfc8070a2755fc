"""Why a step runs, ran or is reused, and what differs between two of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from nbpipe.core.explanation import Explanation, explain
from nbpipe.core.node import Node
from nbpipe.core.reason import Reason, compare
from nbpipe.errors import UsageError
from nbpipe.live.answers.failed import failure_card
from nbpipe.live.answers.shown import Args, Shown, begun, fingerprint_of, node_of, planned, step_in, word
from nbpipe.live.answers.upstream import cause_in_plan, cause_in_run
from nbpipe.run import StepRun
from nbpipe.views.answers import DiffCard, DiffLine, IngredientCard, WhyAnswer
from nbpipe.views.text import visible
from nbpipe.views.why import diff_lines, sentences
from nbpipe.views.wording import why_of

_LONGEST_VALUE = 2000
DiffMark = Literal["+", "-", " ", "@"]


def why(shown: Shown, args: Args) -> WhyAnswer:
    """Why a step runs, ran or is reused: as its run tells, or as the plan does where the plan is newer.

    Args:
        shown: the board.
        args: ``step``; ``run`` where it is another than the one that is shown.

    Raises:
        UnknownName: there is no such step or run.
    """
    node = node_of(shown, args)
    run_id = word(args, "run")
    step, plan = step_in(shown, node, run_id), planned(shown, node.node_id)
    if step is not None and (plan is None or run_id or shown.speaks(node.node_id)):
        return _of_run(shown, node, step)
    if plan is not None and shown.plan is not None:
        told = shown.workspace.explain(shown.plan, node.node_id)
        return _answer(node, told, cause=cause_in_plan(shown.plan, node.node_id))
    return WhyAnswer(node.node_id, ("Nothing is known of it yet.",), (), "", ())


def compare_runs(shown: Shown, args: Args) -> WhyAnswer:
    """What differs between two runs of a step.

    Args:
        shown: the board.
        args: ``step``; ``run``, default the one that is shown; ``other``, the one that it is compared with.

    Raises:
        UnknownName: there is no such step or run.
        UsageError: what one of them was made with is not known.
    """
    node, other_id = node_of(shown, args), word(args, "other")
    step = step_in(shown, node, word(args, "run"))
    other = step_in(shown, node, other_id) if other_id else None
    if step is None or other is None:
        raise UsageError(f"Two runs of {node.name} can be compared.", remedy="Choose them in its history.")
    after, before = fingerprint_of(step), fingerprint_of(other)
    for each, known in ((step, after), (other, before)):
        if known is None:
            raise UsageError(f"What {node.name} was made with in run {each.run.id} is not known.")
    read = shown.workspace.memory.read
    reasons = compare(before, after, read) if after else []
    told = explain(node.name, step.status, reasons, after, before, read, compared_run=other.run.id)
    return _answer(node, told)


def _of_run(shown: Shown, node: Node, step: StepRun) -> WhyAnswer:
    failed = failure_card(shown, step) if step.status == "failed" else None
    path = cause_in_run(step)
    if begun(step) is not None:
        answer = _answer(node, step.explain(), cause=path)
        said = answer.sentences
    else:
        answer = WhyAnswer(node.node_id, (), (), "", (), cause=path)
        said = tuple(_why_it_did_not_run(step))
    return WhyAnswer(
        node.node_id, said, answer.diffs, answer.key, answer.ingredients, answer.compared_run, answer.cause, failed
    )  # fmt: skip


def _why_it_did_not_run(step: StepRun) -> Iterator[str]:
    """Why a step was not decided on: how it ended, or what the plan at submit says."""
    last = step.state.last
    if last is not None:
        told = visible(why_of(last))
        yield f"It {told}." if told.startswith("waits") else f"{told[:1].upper()}{told[1:]}."
        return
    for each in step.run.plan_json:
        if each.get("node") == step.node_id:
            yield from (visible(f"{reason}.") for reason in Reason.all_from_json(each.get("reasons", ())))
    yield "It has not begun."


def _answer(node: Node, told: Explanation, cause: tuple[str, ...] = ()) -> WhyAnswer:
    return WhyAnswer(
        node.node_id,
        tuple(sentences(told)),
        tuple(_diff_card(title, diff) for title, diff in told.diffs),
        told.key,
        tuple(_ingredients(told)),
        told.compared_run,
        cause,
    )


def _diff_card(title: str, diff: str) -> DiffCard:
    lines = list(diff_lines(diff))
    if lines[0].startswith("---") and lines[1:2] and lines[1].startswith("+++"):
        lines = lines[2:]  # the title says which text it is
    return DiffCard(visible(title), tuple(map(_diff_line, lines)))


def _diff_line(line: str) -> DiffLine:
    mark = line[:1]
    if mark not in {"+", "-", " ", "@"}:
        return DiffLine("@", line)
    return DiffLine(cast("DiffMark", mark), line if mark == "@" else line[1:])


def _ingredients(told: Explanation) -> Iterator[IngredientCard]:
    """Every ingredient, with what it was where that differs; those that are gone have no value any more."""
    before = {(kind, name): value for kind, name, value in told.compared}
    for kind, name, value in told.receipt:
        was = before.pop((kind, name), "" if told.compared else None)
        yield IngredientCard(
            kind, visible(name), _short(value), None if was in (None, value) else _short(was)
        )
    for (kind, name), was in before.items():
        yield IngredientCard(kind, visible(name), "", _short(was))


def _short(value: str) -> str:
    return visible(value[:_LONGEST_VALUE])
