"""What a target tells becomes events: every phase, and of its bytes a few a second."""

from __future__ import annotations

from nbpipe.compute.base import Phase
from nbpipe.core.events import Event, StepMoved
from nbpipe.execution.progress import OFTEN, Progress


class Heard:
    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[StepMoved] = []
        self.progress = Progress("train", self.take, lambda: self.now)

    def take(self, event: Event) -> None:
        assert isinstance(event, StepMoved)
        self.events.append(event)


def test_bytes_are_told_a_few_times_a_second_and_the_last_always():
    heard = Heard()
    for done in range(101):
        heard.now = done * OFTEN / 10
        heard.progress.tell(Phase("sending", "box", done=done, total=100))
    told = [event.done for event in heard.events]
    assert told[0] == 0
    assert told[-1] == 100
    assert len(told) <= 12
    assert heard.events[-1].rate == 100 / (100 * OFTEN / 10)


def test_what_is_sent_already_counts_for_no_speed():
    heard = Heard()
    heard.progress.tell(Phase("sending", "box", done=900, total=1000))
    heard.now = 2.0
    heard.progress.tell(Phase("sending", "box", done=1000, total=1000))
    assert heard.events[-1].rate == 50.0


def test_every_phase_is_told_once():
    heard = Heard()
    for phase in ("connecting", "connecting", "running", "away", "running"):
        heard.progress.tell(Phase(phase, "box"))
    assert [event.phase for event in heard.events] == ["connecting", "running", "away", "running"]


def test_a_steps_time_begins_when_it_runs_there():
    heard = Heard()
    heard.progress.tell(Phase("queued", why="Resources"))
    heard.progress.started()
    assert not heard.progress.running.is_set()
    heard.progress.tell(Phase("running", "box"))
    assert heard.progress.running.is_set()


def test_where_no_phases_are_told_it_runs_once_it_is_started():
    heard = Heard()
    heard.progress.started()
    assert heard.progress.running.is_set()
    assert heard.events == []
