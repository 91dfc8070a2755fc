"""The mode of a board: plan, run, last, empty or broken, and what each says above the graph."""

from __future__ import annotations

from dataclasses import replace

from nbpipe.core.record import dataclass
from nbpipe.live.head import Standing, head_card
from nbpipe.live.outlook import Outlook
from nbpipe.live.source import LastKnown
from nbpipe.views.picture import Picture
from nbpipe.views.protocol import BarCard, ButtonCard, HeadCard, RunCard


@dataclass(frozen=True)
class Around:
    """What a head is made of besides the picture.

    Attributes:
        outlook: what was found of the pipeline.
        run: the run that is followed, or None.
        fixed: True where that run alone is shown.
        attached: True where somebody asked for it in a restarted kernel.
        trouble: a line about a thread that cannot go on, or None.
        sample: the smallest step's cell.
    """

    outlook: Outlook
    run: RunCard | None = None
    fixed: bool = False
    attached: bool = False
    trouble: BarCard | None = None
    sample: str = ""


def head_of(picture: Picture, standing: Standing | None, around: Around) -> HeadCard:
    """The head of a board's picture.

    Args:
        picture: what is shown; without a step where there is nothing.
        standing: which part of it is plan; None where there is nothing.
        around: the rest.
    """
    standing = standing or Standing()
    head = _head(picture, standing, around)
    return replace(head, bar=around.trouble) if around.trouble else head


def _head(picture: Picture, standing: Standing, around: Around) -> HeadCard:
    outlook = around.outlook
    if around.fixed or around.attached:
        return _of_run(picture, standing, around)
    if outlook.last:
        return _of_last(picture, standing, around, outlook.last)
    if outlook.problems:
        return _of_broken(picture, standing, around)
    if outlook.plan is None:
        empty = head_card(picture, standing)
        return replace(empty, mode="empty", sample=around.sample)
    return head_card(picture, standing, run=around.run if picture.run else None)


def _of_run(picture: Picture, standing: Standing, around: Around) -> HeadCard:
    """One run, whatever the pipeline is by now: nothing is to be run from here."""
    head = head_card(picture, standing, run=around.run)
    word = "Running" if standing.live else picture.outcome
    return replace(head, mode="run", primary=ButtonCard(word, title=picture.summary))


def _of_last(picture: Picture, standing: Standing, around: Around, last: LastKnown) -> HeadCard:
    """A graph that a restarted kernel remembers: no plan is promised."""
    cells = "the step cell" if last.cells == 1 else f"the {last.cells} step cells"
    buttons = [ButtonCard(f"Register {cells}", "restore", {}, "%pipeline_restore")]
    text = "Kernel restarted."
    run = around.run
    if run and run.live:
        text = f"{text} Run {run.id} goes on ({run.settled} of {len(picture.nodes)})."
        buttons.insert(0, ButtonCard("Attach", "attach", {"run": run.id}, f"%pipeline_attach {run.id}"))
    head = head_card(picture, standing, run=run, bar=BarCard(text, "run", tuple(buttons)))
    return replace(
        head,
        pipeline=last.pipeline,
        mode="last" if picture.nodes else "empty",
        summary=text,
        primary=ButtonCard("Run", title=f"Register {cells} first."),
        sample="" if picture.nodes else around.sample,
    )


def _of_broken(picture: Picture, standing: Standing, around: Around) -> HeadCard:
    """A pipeline that cannot be planned, over the last graph that could."""
    problems = around.outlook.problems
    count = len(problems)
    first = problems[0].split("\n")[0]
    summary = first if count == 1 else f"{count} problems: {first}"
    head = head_card(picture, standing, run=around.run if picture.run else None)
    return replace(
        head,
        mode="broken",
        summary=summary,
        primary=ButtonCard("Run", title=first),
        problems=problems,
        bar=None,
    )
