"""Threads that look, and lanes that carry out: neither ends of an error, and nothing is done out of turn."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nbpipe.live import loop as module
from nbpipe.live.loop import Lane, Loop
from tests.waiting import eventually


def quiet(name: str, error: Exception | None) -> None:
    del name, error


def made(look: Callable[[], float | None], report: Callable[[str, Exception | None], None] = quiet) -> Loop:
    return Loop("test", look, report)


def test_it_looks_when_it_is_woken_and_not_before() -> None:
    looks: list[int] = []
    loop = made(lambda: looks.append(1))
    assert looks == []
    loop.wake()
    eventually(lambda: looks == [1])
    loop.wake()
    eventually(lambda: looks == [1, 1])
    loop.stop()


def test_it_looks_again_after_the_pause_that_it_was_asked_for() -> None:
    looks: list[int] = []

    def look() -> float | None:
        looks.append(1)
        return 0.001 if len(looks) < 5 else None

    loop = made(look)
    loop.wake()
    eventually(lambda: len(looks) == 5)
    loop.stop()


def test_an_error_is_reported_and_the_look_made_again(monkeypatch) -> None:
    monkeypatch.setattr(module, "AFTER_TROUBLE", 0.001)
    looks: list[int] = []
    told: list[str] = []

    def look() -> None:
        looks.append(1)
        if len(looks) < 3:
            raise ValueError(f"look {len(looks)}")

    loop = made(look, lambda name, error: told.append(f"{name}: {error}"))
    loop.wake()
    eventually(lambda: len(told) == 3)
    assert told == ["test: look 1", "test: look 2", "test: None"]
    loop.stop()


def test_stopped_it_ends_and_stays_so() -> None:
    looks: list[int] = []
    loop = made(lambda: looks.append(1))
    loop.wake()
    eventually(lambda: looks == [1])
    loop.stop()
    loop.wake()
    assert not [each for each in threading.enumerate() if each.name == "nbpipe-test"]
    assert looks == [1]


def test_a_lane_of_one_thread_keeps_the_order() -> None:
    done: list[int] = []
    lane = Lane("test")
    for number in range(100):
        lane.put(lambda number=number: done.append(number))
    eventually(lambda: len(done) == 100)
    assert done == list(range(100))
    lane.stop()
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "nbpipe-test"])


def test_a_wide_lane_is_not_held_up_by_one_that_takes_long() -> None:
    gate, done = threading.Event(), threading.Event()
    lane = Lane("test", 2)
    lane.put(gate.wait)
    lane.put(done.set)
    assert done.wait(30)
    gate.set()
    lane.stop()
