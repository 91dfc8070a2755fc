"""However much happens, a page is sent no more than it can bear, and has the last state in the end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nbpipe.core.events import StepLogged
from nbpipe.execution.journal import Journal
from nbpipe.live.flusher import MOST_A_SECOND, Pace
from tests.live.pages import GATED, Notebook, Page
from tests.waiting import eventually


class TimedPage(Page):
    """A page that notes when it was told something."""

    times: list[float]

    def send(self, message: dict[str, Any]) -> None:
        self.times.append(time.monotonic())
        super().send(message)


def most_in_a_second(times: list[float]) -> int:
    return max((sum(begin <= each < begin + 1 for each in times) for begin in times), default=0)


@pytest.mark.runner
def test_thousands_of_events_are_fewer_than_a_hundred_messages_in_any_second(notebook: Notebook) -> None:
    gate = notebook.folder / "gate"
    notebook.cell(f"wait.py {gate} {{>out}}", GATED)
    page = TimedPage(notebook.desk)
    page.times = []
    page.subscribe()
    page.value("run")
    page.sees(wait="running")
    run = notebook.desk.board().run
    assert run is not None
    journal = Journal(run.folder.events)
    for number in range(6000):
        record = {"record": "metric", "kind": "scalar", "name": "loss", "value": number, "run": "step"}
        journal.append(StepLogged(time.time(), "wait", record))
    eventually(lambda: page.nodes["wait"]["metric"] == "loss 5999")
    gate.write_text("")
    page.sees(wait="done")
    assert most_in_a_second(page.times) < 100
    assert page.gaps == 0


def test_thousands_of_questions_are_answered_at_a_bounded_rate(notebook: Notebook) -> None:
    page = TimedPage(notebook.desk)
    page.times = []
    for _ in range(250):
        page.ask("bogus")
    eventually(lambda: page.count("answer") == 250)
    assert MOST_A_SECOND // 2 < most_in_a_second(page.times) < 100


def test_a_pace_lets_so_many_through_in_any_second() -> None:
    pace = Pace(3)
    for now in (0.0, 0.1, 0.2):
        assert pace.room(now) == 0
        pace.take(now)
    assert pace.room(0.5) == pytest.approx(0.5)
    assert pace.room(1.0) == 0
    pace.take(1.0)
    assert pace.room(1.05) == pytest.approx(0.05)
