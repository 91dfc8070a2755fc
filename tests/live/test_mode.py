"""What stands above the graph in every mode, and the word on the primary button."""

from __future__ import annotations

import pytest

from nbpipe.live.head import Standing, head_card, primary_button
from nbpipe.live.mode import Around, head_of
from nbpipe.live.outlook import Outlook
from nbpipe.live.source import LastKnown
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.protocol import BarCard, RunCard


def picture(*words: str, run: str = "", outcome: str = "") -> Picture:
    nodes = tuple(NodeView(f"s{place}", word, seconds=2.0) for place, word in enumerate(words))
    return Picture("demo", nodes, run=run, outcome=outcome)


def button(*words: str, planned: int = 0, live: bool = False) -> tuple[str, bool]:
    """Its word, and whether it can be pressed; the last ``planned`` steps are plan."""
    first = len(words) - planned
    standing = Standing({f"s{place}" for place in range(first, len(words))}, live)
    made = primary_button(picture(*words), standing)
    return made.label, bool(made.verb)


@pytest.mark.parametrize(
    ("words", "planned", "live", "told"),
    [
        (["will reuse", "will run", "new", "maybe"], 4, False, ("Run 2 steps", True)),
        (["will reuse", "new"], 2, False, ("Run 1 step", True)),
        (["will reuse", "maybe"], 2, False, ("Run", True)),
        (["will reuse", "will reuse"], 2, False, ("Nothing to run", False)),
        (["done", "reused"], 0, False, ("Nothing to run", False)),
        (["done", "failed", "blocked"], 0, False, ("Retry failed", True)),
        (["failed", "will run"], 1, False, ("Run 1 step", True)),
        (["done", "cancelled", "cancelled"], 0, False, ("Run 2 steps", True)),
        (["blocked"], 1, False, ("Nothing to run", False)),
        (["done", "running", "new"], 0, True, ("Running", False)),
        (["will run", "running"], 0, True, ("Running", False)),
        (["running", "will run"], 1, True, ("Run 1 step", True)),
        ([], 0, False, ("Run", False)),
    ],
)
def test_the_word_on_the_button_is_the_plan(words: list[str], planned: int, live: bool, told: tuple) -> None:
    assert button(*words, planned=planned, live=live) == told


def test_a_plan_that_reuses_everything_says_so_in_green() -> None:
    head = head_card(picture("will reuse", "will reuse"))
    assert head.bar == BarCard("Nothing to do: 2 of 2 reused, 4.0 s saved.", "done")
    assert head.saved == 4.0


def around(outlook: Outlook, **more: object) -> Around:
    return Around(outlook, sample="%%step", **more)  # type: ignore[arg-type]


def test_without_steps_it_is_empty_and_offers_one() -> None:
    head = head_of(picture(), None, around(Outlook(known=True)))
    assert (head.mode, head.sample, head.primary.verb) == ("empty", "%%step", "")


def test_of_several_problems_the_first_is_the_summary_and_all_are_told() -> None:
    problems = ("Nothing makes {a}.\n  Did you mean {b}?", "Two steps make {c}.")
    head = head_of(picture("done"), Standing(), around(Outlook(True, problems=problems)))
    assert (head.mode, head.problems) == ("broken", problems)
    assert head.summary == "2 problems: Nothing makes {a}."
    assert head.primary.verb == ""


LAST = Outlook(True, last=LastKnown("demo", 7))


def test_after_a_restart_no_plan_is_promised() -> None:
    run = RunCard("14", "Running", True, settled=3)
    shown = picture(*["done"] * 3, *["running"] * 4, run="14", outcome="Running")
    head = head_of(shown, Standing((), live=True), around(LAST, run=run))
    assert (head.mode, head.summary) == ("last", "Kernel restarted. Run 14 goes on (3 of 7).")
    assert head.bar is not None
    assert [(each.label, each.verb) for each in head.bar.buttons] == [
        ("Attach", "attach"),
        ("Register the 7 step cells", "restore"),
    ]
    assert (head.primary.verb, head.stop) == ("", True)


def test_after_a_restart_without_any_run_the_cells_can_be_registered_all_the_same() -> None:
    head = head_of(picture(), None, around(Outlook(True, last=LastKnown("demo", 1))))
    assert (head.mode, head.pipeline) == ("empty", "demo")
    assert head.bar is not None
    assert [each.label for each in head.bar.buttons] == ["Register the step cell"]


def test_attached_it_is_a_run_again() -> None:
    run = RunCard("14", "Running", True)
    shown = picture("running", run="14", outcome="Running")
    head = head_of(shown, Standing((), live=True), around(LAST, run=run, attached=True))
    assert (head.mode, head.bar, head.run) == ("run", None, run)


def test_one_run_alone_starts_nothing() -> None:
    shown = picture("done", "failed", run="14", outcome="Failed")
    head = head_of(shown, Standing(), around(Outlook(True), run=RunCard("14", "Failed", False), fixed=True))
    assert (head.primary.label, head.primary.verb) == ("Failed", "")


def test_trouble_of_a_thread_stands_above_everything() -> None:
    bar = BarCard("The thread that plans has trouble: KeyError: 'x'", "fail")
    assert head_of(picture(), None, around(LAST, trouble=bar)).bar == bar
