"""How durations, sizes, reasons and events are said."""

from __future__ import annotations

import time

import pytest

from nbpipe.core import events
from nbpipe.core.events import (
    RunFinished,
    StepBlocked,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepLogged,
    StepMoved,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
)
from nbpipe.core.reason import KINDS, Reason
from nbpipe.views.wording import duration, event_line, listed, nothing_to_do, sentence, size, when, why_line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "<0.1 s"), (0.06, "0.1 s"), (8.13, "8.1 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 m 0 s"),
        (192, "3 m 12 s"), (3599.6, "1 h 0 m"), (90061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (17_021, "17 KB"),
        (999_600, "1.0 MB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_a_size_is_said_as_people_say_it(count: int, said: str) -> None:
    assert size(count) == said


def at(*date: int) -> float:
    return time.mktime((*date, 0, 0, -1))


def test_a_time_is_said_as_seen_from_now() -> None:
    now = at(2025, 5, 3, 12, 0, 0)
    assert when(at(2025, 5, 3, 9, 12, 0), now) == "today 09:12"
    assert when(at(2025, 5, 2, 18, 40, 0), now) == "yesterday 18:40"
    assert when(at(2025, 4, 9, 18, 40, 0), now) == "9 Apr"
    assert when(at(2024, 12, 31, 18, 40, 0), now) == "31 Dec 2024"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_reason_is_a_sentence(kind: str) -> None:
    told = sentence(Reason(kind, "train.py", "1", "2", "train.py line 12 changed"))
    assert told.endswith(".")
    assert not told.endswith("..")


def test_the_root_cause_is_told() -> None:
    reason = Reason("upstream", "train", text="train changed", root="split.py line 9")
    assert sentence(reason) == "train changed. The cause lies upstream: split.py line 9."
    assert why_line([reason, reason, reason]) == "train changed ← split.py line 9 +2"
    assert why_line([]) == ""


LINES = [
    (
        StepStarted(0.0, "a", 1, "k", "f", [{"kind": "never_run", "text": "never run"}]),
        "* a: running: first run",
    ),
    (StepStarted(0.0, "a", 2, "k", "f", []), "* a: running (attempt 2)"),
    (StepReused(0.0, "a", "k", "12", 0.0, {}, 8.1), "= a: reused from run 12, 8.1 s saved"),
    (
        StepReused(0.0, "a", "k", "12", 0.0, {}, 8.1, note="only comments changed"),
        "= a: reused from run 12 (only comments changed), 8.1 s saved",
    ),
    (
        StepReused(0.0, "a", "k", "12", 0.0, {}, 8.1, accepted=True),
        "= a: reused accepted from run 12, 8.1 s saved",
    ),
    (StepQueued(0.0, "a", "a slot"), ": a: waits for a slot"),
    (StepMoved(0.0, "a", "connecting", "gpu-box"), ": a: connects to gpu-box"),
    (StepMoved(0.0, "a", "queued", why="Resources"), ": a: waits: Resources"),
    (StepMoved(0.0, "a", "sending", "gpu-box", total=40_000_000), ": a: sending 0 B of 40 MB"),
    (StepMoved(0.0, "a", "sending", "gpu-box", done=1, total=40_000_000), ""),
    (StepMoved(0.0, "a", "running", "gpu-box"), ""),
    (StepMoved(0.0, "a", "away", "gpu-box"), ": a: connection lost; it goes on there"),
    (StepFinished(0.0, "a", 1, {}, 1.4, 1.0, 0), "v a: done in 1.4 s"),
    (
        StepFailed(0.0, "a", 1, "exit", "a, line 4: ValueError: X", code=1, line=4, wall=2.3),
        "x a: failed at line 4 after 2.3 s: ValueError: X",
    ),
    (
        StepFailed(0.0, "a#2", 1, "output", "a: wrote no {clean}", will_retry=True),
        "x a#2: failed: wrote no {clean}; tries again",
    ),
    (StepCancelled(0.0, "a", "you"), "o a: cancelled: stopped by you"),
    (StepCancelled(0.0, "a", "time-out after 10 s"), "o a: cancelled: time-out after 10 s"),
    (StepBlocked(0.0, "a", "b (failed)"), "- a: blocked: waits for b (failed)"),
    (StepNoted(0.0, "a\x1b", "is not deterministic"), "! a␛: is not deterministic"),
    (StepLogged(0.0, "a", {}), ""),
    (RunFinished(0.0, "1", "Finished", {}), ""),
]


@pytest.mark.parametrize(("event", "line"), LINES)
def test_an_event_is_one_line(event: events.Event, line: str) -> None:
    assert event_line(event) == line


def test_every_event_of_a_step_has_a_row_in_the_table_of_lines() -> None:
    assert {type(event) for event, _ in LINES} >= set(StepEvent.__subclasses__())


def test_counts_are_put_into_words() -> None:
    assert listed({"failed": 1, "done": 2, "reused": 3}) == "1 failed, 2 ran, 3 reused"
    assert nothing_to_do(5, 8.1) == "Nothing to do: 5 of 5 reused, 8.1 s saved."
