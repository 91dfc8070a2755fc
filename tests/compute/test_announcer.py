"""A listener hears each phase as it begins, and of its progress now and then."""

from __future__ import annotations

from nbpipe.compute.announcer import Announcer, Progress
from nbpipe.compute.base import Phase


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_told_four_times_a_second_and_at_the_end():
    heard: list[Phase] = []
    clock = Clock()
    progress = Progress(Announcer(heard.append, clock), Phase("sending", "box", total=100))
    for _ in range(100):
        clock.now += 0.01
        progress.add(1)
    assert [phase.done for phase in heard] == [0, 25, 50, 75, 100]


def test_a_phase_is_told_once():
    heard: list[Phase] = []
    announcer = Announcer(heard.append)
    for name in ("preparing", "preparing", "running"):
        announcer.phase(Phase(name))
    assert [phase.name for phase in heard] == ["preparing", "running"]


def test_while_the_line_is_lost_only_that_is_told_and_then_what_is():
    heard: list[Phase] = []
    announcer = Announcer(heard.append)
    announcer.phase(Phase("preparing"))
    announcer.away("box", "cut")
    announcer.phase(Phase("running"))
    assert heard[1:] == [Phase("away", "box", "cut")]
    announcer.back()
    announcer.back()
    assert heard[2:] == [Phase("running")]
