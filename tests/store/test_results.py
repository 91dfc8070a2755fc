"""Results answer by key, the newest first; histories remember every attempt."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError, UnknownName
from nbpipe.store import results as module
from nbpipe.store.layout import StateFolder
from nbpipe.store.results import Result, Results

KEY = "9c02" * 16
OTHER = "1234" * 16


def record(finished: float, step: str = "train", **more) -> dict:
    return {
        "step": step,
        "node": step,
        "pipeline": "demo",
        "fingerprint": "0" * 64,
        "finished": finished,
        **more,
    }


def attempt(step: str, run: int, status: str = "failed", key: str = KEY) -> dict:
    told = {"step": step, "node": step, "pipeline": "demo", "fingerprint": "0" * 64}
    return {**told, "key": key, "run": str(run), "status": status, "time": float(run)}


def test_nothing_was_made_and_nothing_is_written_by_asking(results, state):
    assert results.newest(KEY) is None
    assert results.all(KEY) == ()
    assert results.keys() == []
    assert results.history("train") == []
    assert not state.path.exists()


def test_what_was_read_once_is_read_again_when_a_result_came_or_went(state):
    later = Results(
        state, clock=lambda: time.time_ns() + 60_000_000_000
    )  # nothing is too young to be trusted
    later.publish(KEY, "1", record(1.0))
    first = later.newest(KEY)
    assert later.newest(KEY) is first
    Results(state).publish(KEY, "2", record(2.0))
    assert [result.run for result in later.all(KEY)] == ["1", "2"]
    Results(state).discard(KEY, "2")
    assert [result.run for result in later.all(KEY)] == ["1"]
    Results(state).discard(KEY, "1")
    assert later.all(KEY) == ()


def test_what_was_read_of_a_young_folder_is_read_again(results, state):
    results.publish(KEY, "1", record(1.0))
    assert results.newest(KEY) is not results.newest(KEY)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 3)), unique_by=lambda made: made[0], min_size=1))
def test_the_result_finished_last_answers_and_on_a_tie_that_of_the_later_run(tmp_path_factory, made):
    results = Results(StateFolder(tmp_path_factory.mktemp("results")))
    for run, finished in made:
        assert results.publish(KEY, str(run), record(finished))
    expected = sorted(made, key=lambda entry: (entry[1], entry[0]))
    assert [int(result.run) for result in results.all(KEY)] == [run for run, _ in expected]
    assert results.newest(KEY) == Result(KEY, str(expected[-1][0]), record(expected[-1][1]))


def test_a_result_is_published_once(results):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: results.publish(KEY, "3", record(n)), range(16)))
    assert won.count(True) == 1
    assert results.newest(KEY).record["finished"] == won.index(True)


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\0" * 40])
def test_a_damaged_result_is_set_aside_and_the_one_before_answers(results, state, damage):
    results.publish(KEY, "1", record(1), durable=True)
    results.publish(KEY, "2", record(2))
    (state.results / KEY / "2.json").write_bytes(damage)
    assert results.newest(KEY).run == "1"
    assert [path.read_bytes() for path in (state.tmp / "damaged").iterdir()] == [damage]
    assert results.publish(KEY, "2", record(3))


def test_a_crash_while_publishing_leaves_no_result(results, state, monkeypatch):
    for call in ("fsync", "link"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                results.publish(KEY, "1", record(1), durable=True)
        assert results.newest(KEY) is None
        assert list((state.results / KEY).iterdir()) == []


def test_a_discarded_result_is_gone(results, state):
    results.publish(KEY, "1", record(1))
    results.publish(KEY, "2", record(2))
    results.discard(KEY, "2")
    results.discard(KEY, "2")
    assert results.newest(KEY).run == "1"
    results.discard(KEY, "1")
    assert results.keys() == []
    assert list(state.results.iterdir()) == []


def test_names_that_lead_elsewhere_are_refused(results):
    for key in ("", "..", "../../x", "A" * 64, "a/b"):
        with pytest.raises(StoreError, match="no key of a result"):
            results.publish(key, "1", record(1))
    with pytest.raises(UnknownName):
        results.publish(KEY, "../1", record(1))


def test_strangers_among_results_are_passed_over(results, state):
    results.publish(KEY, "1", record(1))
    for name in (".tmp-1", "01.json", "x.json", "1.txt"):
        (state.results / KEY / name).touch()
    (state.results / "README").touch()
    assert [result.run for result in results.all(KEY)] == ["1"]
    assert results.keys() == [KEY]


def test_histories_are_kept_by_step_newest_last(results):
    for run in range(1, 6):
        results.note(attempt("train", run))
        results.note(attempt("<b>../é", run, "finished"))
    assert [entry["run"] for entry in results.history("train")] == list("12345")
    assert [entry["run"] for entry in results.history("<b>../é", limit=2)] == ["4", "5"]
    assert results.history("trai") == []


def test_a_history_that_was_read_once_is_read_again_when_a_line_was_added(state):
    later = Results(state, clock=lambda: time.time_ns() + 60_000_000_000)
    assert later.history("train") == []
    Results(state).note(attempt("train", 1))
    first = later.history("train")
    assert later.history("train") is first
    assert later.history("train", limit=1) == first
    Results(state).note(attempt("train", 2))
    assert [entry["run"] for entry in later.history("train")] == ["1", "2"]
    assert [entry["run"] for entry in later.history("train", limit=1)] == ["2"]
    shutil.rmtree(state.registry)
    assert later.history("train") == []


def test_a_damaged_line_of_a_history_is_lost_alone(results, state):
    for run in range(1, 4):
        results.note(attempt("train", run))
    path = next((state.registry / "steps").iterdir())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2][:20])
    results.note(attempt("train", 4))
    assert [entry["run"] for entry in results.history("train")] == ["1", "4"]


@pytest.mark.parametrize("limit", [1, 3, 200, 5000])
def test_a_long_history_is_read_from_its_end(results, state, limit, monkeypatch):
    results.note(attempt("train", 1))
    path = next((state.registry / "steps").iterdir())
    with path.open("w") as file:
        file.writelines(json.dumps(attempt("train", run)) + "\n" for run in range(1, 20_001))
    parse, read = module.Lines.parse, []
    monkeypatch.setattr(module.Lines, "parse", lambda data: read.append(len(data)) or parse(data))
    found = results.history("train", limit=limit)
    assert [int(entry["run"]) for entry in found] == list(range(20_001 - limit, 20_001))
    assert read[0] < max(2 * limit * 250, 2 * module._BLOCK)


def test_lost_histories_come_back_from_the_results(results, state):
    results.publish(KEY, "2", record(2.0, seconds=1.5))
    results.publish(OTHER, "1", record(1.0))
    results.publish(OTHER, "3", record(3.0, step="prep"))
    results.note(attempt("train", 2, "finished"))
    shutil.rmtree(state.registry / "steps")
    assert [entry["run"] for entry in results.history("train")] == ["1", "2"]
    assert results.history("train")[-1] == {**attempt("train", 2, "finished"), "seconds": 1.5}
    assert [entry["run"] for entry in results.history("prep")] == ["3"]


def test_an_attempt_is_told_once_though_it_was_rebuilt_before_it_was_noted(results):
    results.publish(KEY, "2", record(2.0))
    results.history("train")
    results.note(attempt("train", 2, "finished"))
    assert [entry["run"] for entry in results.history("train")] == ["2"]


def test_rebuilding_adds_only_what_is_missing(results):
    results.publish(KEY, "2", record(2.0))
    results.note(attempt("train", 3))
    for _ in range(2):
        results.rebuild()
        assert [entry["run"] for entry in results.history("train")] == ["2", "3"]


def test_numbers_that_no_run_and_no_clock_has_are_no_results(results, state):
    results.publish(KEY, "1", record(5.0))
    folder = state.results / KEY
    for run in ("9" * 30, "\u0663", "007"):
        (folder / f"{run}.json").write_text("{}")
    for run, finished in enumerate((10**400, float("inf"), float("nan"), -1, True), start=2):
        told = record(finished)
        (folder / f"{run}.json").write_text(json.dumps({**told, "check": module._check(told)}))
    assert [result.run for result in Results(state).all(KEY)] == ["6", "1"]
    results.note({**attempt("train", 3), "run": "9" * 5000, "time": 10**400})
    assert [entry["run"][:3] for entry in results.history("train")] == ["999"]
