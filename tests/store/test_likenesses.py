"""The index of likenesses: what the results say, found without looking at all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbpipe.store import results as module
from nbpipe.store.likenesses import Likenesses
from nbpipe.store.results import Results

LIKE, UNLIKE = "ab" * 32, "cd" * 32
KEYS = [f"{number:x}" * 64 for number in range(1, 6)]


def record(finished: float, likeness: str = LIKE, **inputs: str) -> dict:
    return {"outputs": {}, "finished": finished, "likeness": likeness, "inputs": inputs}


@pytest.fixture
def index(state) -> Path:
    return state.registry / "alike.jsonl"


@pytest.fixture
def filled(results) -> Results:
    """Three keys of one likeness, the second the newest, and one of another."""
    for key, finished, raw in zip(KEYS, (1.0, 3.0, 2.0), ("one", "one", "two"), strict=False):
        results.publish(key, "1", record(finished, raw=raw, made="x"))
    results.publish(KEYS[3], "1", record(4.0, UNLIKE, raw="one", made="x"))
    return results


def asked(results: Results, raw: str | None = None, likeness: str = LIKE) -> list[int]:
    """Which of the keys are told."""
    results.refresh()
    return [KEYS.index(key) for key in results.alike(likeness, {"raw": raw, "made": None})]


def test_keys_are_found_by_likeness_and_by_the_inputs_that_are_known_the_newest_first(filled):
    assert asked(filled) == [1, 2, 0]
    assert (asked(filled, "one"), asked(filled, "two"), asked(filled, "six")) == ([1, 0], [2], [])
    assert asked(filled, likeness=UNLIKE) == [3]
    assert asked(filled, likeness="ef" * 32) == []


def test_a_key_that_was_made_anew_is_the_newest(filled, state):
    assert asked(filled) == [1, 2, 0]
    Results(state).publish(KEYS[0], "2", record(5.0, raw="one", made="x"))
    assert asked(filled) == [0, 1, 2]


def test_what_comes_meanwhile_counts_from_the_next_plan_on(filled, state):
    assert asked(filled) == [1, 2, 0]
    Results(state).publish(KEYS[4], "2", record(5.0, raw="one", made="x"))
    assert len(filled.alike(LIKE, {"raw": None, "made": None})) == 3
    assert asked(filled) == [4, 1, 2, 0]


def lose(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:130])


def scribble(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    strange = [
        [],
        {},
        [1, 2, 3, 4],
        [LIKE[:32], KEYS[0], float("nan"), ""],
        [LIKE[:32], KEYS[0], True, ""],
        None,
    ]
    path.write_text(
        "\n".join([*map(json.dumps, strange), "[" * 9999, "\udcff", lines[0]]), "utf-8", "replace"
    )


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent.parent / "VERSION")


HARMS = [lose, empty, tear, scribble, become_a_folder, become_a_link]


@pytest.mark.parametrize("harm", HARMS)
def test_what_was_lost_or_damaged_is_told_again_from_the_results(filled, state, index, harm):
    before = asked(filled), asked(filled, "one")
    marker = (state.path / "VERSION").read_bytes()
    harm(index)
    for _ in range(2):
        assert (asked(Results(state)), asked(Results(state), "one")) == before
        assert (asked(filled), asked(filled, "one")) == before
    Results(state).publish(KEYS[4], "2", record(5.0, raw="one", made="x"))
    assert asked(filled) == asked(Results(state)) == [4, *before[0]]
    assert (state.path / "VERSION").read_bytes() == marker
    told = Likenesses(index)
    told.read_on()
    assert all(key in told for key in KEYS)


def test_a_whole_index_is_believed_and_no_result_is_read(filled, state, monkeypatch):
    monkeypatch.setattr(module, "read_json", lambda path: pytest.fail(f"{path} was read"))
    assert asked(Results(state)) == [1, 2, 0]


def test_what_may_only_be_read_is_asked_all_the_same(filled, state, index, monkeypatch):
    index.unlink()
    monkeypatch.setattr("nbpipe.store.files.open_anew", _refuse)
    assert asked(Results(state)) == [1, 2, 0]
    assert not index.exists()


def _refuse(path: Path, flags: int) -> int:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_result_that_says_nothing_of_likeness_is_not_told(results):
    results.publish(KEYS[0], "1", {"outputs": {}, "finished": 1.0})
    results.publish(KEYS[1], "1", {"outputs": {}, "finished": 1.0, "likeness": 7, "inputs": {}})
    results.publish(KEYS[2], "1", {"outputs": {}, "finished": 1.0, "likeness": LIKE, "inputs": []})
    assert asked(results) == []
    results.publish(KEYS[0], "2", record(2.0, raw="one", made="x"))
    assert asked(results) == [0]


def test_what_is_removed_leaves_the_index_with_the_next_tidying(filled, state, index):
    assert asked(filled) == [1, 2, 0]
    filled.discard(KEYS[1], "1")
    filled.tidy()
    assert index.read_bytes().count(b"\n") == 3
    inode = index.stat().st_ino
    filled.tidy()
    assert index.stat().st_ino == inode, "what is in order is not written anew"
    assert asked(Results(state)) == [2, 0]
    filled.publish(KEYS[1], "2", record(9.0, raw="two", made="x"))
    assert asked(filled, "two") == asked(Results(state), "two") == [1, 2]
