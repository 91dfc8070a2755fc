"""Laws of what is known of results without reading them: never more than reading them would tell."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from nbpipe.store.digests import Figures
from nbpipe.store.layout import StateFolder
from nbpipe.store.recollection import Recollection
from nbpipe.store.results import Results

KEYS = [f"{number:064x}" for number in range(40)]


def _later() -> int:
    """A clock by which nothing is young that has been written."""
    return time.time_ns() + 60 * 10**9


def _known(root: Path) -> Results:
    """Results as a new process finds them, who has asked for all but one."""
    results = Results(StateFolder(root), _later)
    for key in KEYS[1:]:
        results.all(key)
    return results


def _recalled(root: Path, key: str) -> bool:
    """Whether a new process is told of a key without reading its records."""
    state = StateFolder(root)
    recollection, folder = Recollection(state.registry / "results.known"), str(state.results / key)
    seen = Figures.of(os.lstat(folder))
    for _ in range(30):
        recollection.find(KEYS[1], folder, seen)
    return recollection.find(key, folder, seen) is not None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with results, all of which were read and kept."""
    place = tmp_path / "here"
    place.mkdir()
    results = Results(StateFolder(place), _later)
    for number, key in enumerate(KEYS):
        results.publish(key, "3", {"step": "s", "outputs": {}, "finished": float(number)})
    for key in KEYS:
        results.all(key)
    results.keep_known()
    assert _recalled(place, KEYS[0])
    return place


def _record(root: Path, key: str = KEYS[0], run: str = "3") -> Path:
    return StateFolder(root).results / key / f"{run}.json"


def test_what_is_recalled_is_what_was_read(root: Path) -> None:
    read = [Results(StateFolder(root), _later).all(key) for key in KEYS]
    again = _known(root)
    assert [again.all(key) for key in KEYS] == read


def test_a_record_that_was_changed_is_read_and_set_aside(root: Path) -> None:
    _record(root).write_text(_record(root).read_text().replace("0.0", "9.0"))
    assert not _recalled(root, KEYS[0])
    assert _known(root).all(KEYS[0]) == ()


def test_a_record_that_came_or_went_is_seen(root: Path) -> None:
    Results(StateFolder(root)).publish(KEYS[0], "4", {"step": "s", "outputs": {}, "finished": 99.0})
    assert [each.run for each in _known(root).all(KEYS[0])] == ["3", "4"]
    for run in ("3", "4"):
        Results(StateFolder(root)).discard(KEYS[0], run)
    assert _known(root).all(KEYS[0]) == ()


def test_a_copied_folder_is_told_nothing(root: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(root, tmp_path / "there")
    assert not _recalled(copy, KEYS[0])
    assert [each.run for each in _known(copy).all(KEYS[0])] == ["3"]


def test_what_a_stranger_wrote_into_it_is_not_believed(root: Path) -> None:
    path = StateFolder(root).registry / "results.known"
    check, _, body = path.read_bytes().partition(b"\n")
    told = json.loads(body)
    told[KEYS[0]][1][0][2]["outputs"] = {"model": "f" * 64}
    path.write_bytes(check + b"\n" + json.dumps(told).encode())
    assert not _recalled(root, KEYS[0])
    assert _known(root).all(KEYS[0])[0].record["outputs"] == {}


@pytest.mark.parametrize("damage", [b"", b"\n", b"{}\n{}", b"\0" * 5000])
def test_a_damaged_one_is_done_without(root: Path, damage: bytes) -> None:
    (StateFolder(root).registry / "results.known").write_bytes(damage)
    assert not _recalled(root, KEYS[0])
    assert len(_known(root).all(KEYS[0])) == 1


def test_what_is_young_is_not_kept(tmp_path: Path) -> None:
    results = Results(StateFolder(tmp_path))
    for key in KEYS:
        results.publish(key, "3", {"step": "s", "outputs": {}, "finished": 1.0})
        results.all(key)
    results.keep_known()
    assert not (StateFolder(tmp_path).registry / "results.known").exists()


def test_it_is_written_again_only_when_much_is_new(root: Path) -> None:
    path = StateFolder(root).registry / "results.known"
    before = path.read_bytes()
    Results(StateFolder(root)).publish(KEYS[0], "4", {"step": "s", "outputs": {}, "finished": 99.0})
    results = _known(root)
    results.all(KEYS[0])
    results.keep_known()
    assert path.read_bytes() == before
