"""The collector frees what the last runs do not need, and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError, UsageError
from nbpipe.store.collector import Collector, Freed
from nbpipe.store.digests import FileDigests, digest_bytes
from nbpipe.store.files import read_lines
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results


class Workspace:
    """A state folder with a little runner that makes one step a run."""

    def __init__(self, root: Path) -> None:
        self.state = StateFolder(root)
        self.objects = ObjectStore(self.state, FileDigests(self.state))
        self.results = Results(self.state)
        self.collector = Collector(self.state, self.objects, self.results)

    def run(self, source: str, output: str, *, forced: bool = False) -> tuple[str, str]:
        """Run a step unless its result is there; id of the run, key of the step."""
        run = self.state.new_run_id()
        code = self.objects.put_bytes(source.encode())
        fingerprint = self.objects.put_bytes(json.dumps({"code": code}).encode())
        key = digest_bytes(f"key of {source}".encode())
        if forced or self.results.newest(key) is None:
            made = self.state.tmp / "output"
            made.write_text(output)
            tree = self.objects.publish(made, kind="file").digest
            told = {"outputs": {"out": tree}, "fingerprint": fingerprint, "finished": float(run)}
            told |= {"likeness": digest_bytes(source.encode()), "inputs": {}}
            self.results.publish(key, run, told)
        folder = self.state.run_folder(run)
        (folder / "graph.json").write_text(json.dumps({"fingerprint": fingerprint}))
        (folder / "events.jsonl").write_text(json.dumps({"event": "step_finished", "key": key}) + "\n")
        (folder / "logs").mkdir()
        (folder / "logs" / "train.txt").write_text("log")
        return run, key

    def whole(self, key: str) -> bool:
        """Whether a key has a result and all of it is there."""
        found = self.results.newest(key)
        if found is None:
            return False
        code = json.loads(self.objects.get_bytes(found.record["fingerprint"]))["code"]
        tree = found.record["outputs"]["out"]
        return self.objects.has(code) and self.objects.complete(tree) and self.objects.check(tree) == []

    def gc(self, keep: int) -> Freed:
        return self.collector.collect(self.collector.survey(keep))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=7), st.integers(0, 8))
def test_what_the_last_runs_need_stays_and_the_rest_goes(tmp_path_factory, steps, keep):
    workspace = Workspace(tmp_path_factory.mktemp("gc"))
    made = [
        workspace.run(f"step {which}", f"{which} {n if forced else 0}", forced=forced)
        for n, (which, forced) in enumerate(steps)
    ]
    kept = made[len(made) - min(keep, len(made)) :]
    workspace.gc(keep)
    assert workspace.state.run_ids() == [run for run, _ in kept]
    assert all(workspace.whole(key) for _, key in kept)
    assert set(workspace.results.keys()) == {key for _, key in kept}
    assert set(_told(workspace.state)) <= {key for _, key in kept}
    results = [result for _, key in kept for result in workspace.results.all(key)]
    trees = {result.record["outputs"]["out"] for result in results}
    stored = {found.digest for found in workspace.objects.objects()}
    assert {digest for digest in stored if workspace.objects.complete(digest)} == trees
    assert workspace.gc(keep) == Freed(0, 0, 0, 0, 0)


def _told(state: StateFolder) -> list[str]:
    """Keys in the index of likenesses."""
    return [line[1] for line in read_lines(state.registry / "alike.jsonl")[0]]


def test_a_survey_removes_nothing_and_says_what_would_go(workspace):
    for n in range(3):
        workspace.run(f"step {n}", "x" * 1000)
    before = sorted(workspace.state.path.rglob("*"))
    garbage = workspace.collector.survey(keep_runs=1)
    assert sorted(workspace.state.path.rglob("*")) == before
    assert garbage.runs == ("1", "2")
    assert [run for _, run in sorted(garbage.results, key=lambda result: result[1])] == ["1", "2"]
    assert len(garbage.objects) == 4  # code and fingerprint of two steps; all outputs are equal
    freed = workspace.collector.collect(garbage)
    assert (freed.runs, freed.results, freed.objects, freed.size) == (2, 2, 4, garbage.size)


def test_a_superseded_result_goes_and_the_newest_of_a_key_in_use_stays(workspace):
    workspace.run("step", "one")
    workspace.run("step", "two", forced=True)
    _, key = workspace.run("step", "two")
    workspace.gc(1)
    assert [result.run for result in workspace.results.all(key)] == ["2"]
    assert workspace.whole(key)


def test_a_run_that_goes_on_is_kept_with_all_that_came_after_it(workspace):
    old, old_key = workspace.run("old", "1")
    going_on, _ = workspace.run("step", "2")
    with Lock(workspace.state.run_folder(going_on) / "lock"):
        unnamed = workspace.objects.put_bytes(b"put for a run that is being submitted")
        workspace.run("newest", "3")
        garbage = workspace.collector.survey(keep_runs=0)
        assert going_on not in garbage.runs
        assert unnamed not in {found.digest for found in garbage.objects}
    later = workspace.collector.survey(keep_runs=0)
    assert later.runs == (old, going_on, "3")
    assert unnamed in {found.digest for found in later.objects}
    assert old_key in {key for key, _ in later.results}


def test_while_a_run_holds_the_gate_nothing_is_removed(workspace):
    workspace.run("step", "1")
    garbage = workspace.collector.survey(0)
    gate = Lock(workspace.state.locks / "gc")
    assert gate.acquire(shared=True)
    with pytest.raises(StoreError, match="A run is going on, so nothing was removed"):
        workspace.collector.collect(garbage)
    gate.release()
    assert workspace.collector.collect(garbage).runs == 1


def test_what_a_run_took_into_use_since_the_survey_stays(workspace):
    workspace.run("step", "1")
    workspace.run("other", "2")
    garbage = workspace.collector.survey(1)
    _, key = workspace.run("step", "1")
    workspace.collector.collect(garbage)
    assert workspace.whole(key)
    assert workspace.state.run_ids() == ["2", "3"]


def test_what_is_registered_by_name_stays(workspace):
    workspace.state.ensure()
    registered, loose = (workspace.objects.put_bytes(data) for data in (b"registered", b"loose"))
    (workspace.state.registry / "datasets").mkdir()
    (workspace.state.registry / "datasets" / "penguins.json").write_text(json.dumps({"tree": registered}))
    workspace.gc(0)
    assert workspace.objects.has(registered)
    assert not workspace.objects.has(loose)


def test_a_number_of_a_removed_run_is_not_given_again(workspace):
    workspace.run("step", "1")
    workspace.gc(0)
    assert workspace.state.new_run_id() == "2"


def test_a_damaged_run_costs_only_what_it_does_not_name_any_more(workspace):
    _, key = workspace.run("step", "1")
    run, other = workspace.run("other", "2")
    (workspace.state.run_folder(run) / "graph.json").write_bytes(b"\xff{")
    workspace.gc(2)
    assert workspace.whole(key)
    assert workspace.whole(other)


def test_left_overs_go_when_they_are_old(workspace, monkeypatch):
    workspace.state.ensure()
    scratch = workspace.state.scratch_folder()
    (scratch / "half.csv").write_text("a,b")
    damaged = workspace.state.tmp / "damaged"
    damaged.mkdir()
    (damaged / "one").touch()
    lock = workspace.state.locks / "key-1"
    lock.touch()
    assert workspace.gc(0).left_overs == 0
    assert not lock.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * 24 * 3600)
    assert workspace.gc(0).left_overs == 1
    assert not scratch.exists()
    monkeypatch.setattr(time, "time", lambda: now + 40 * 24 * 3600)
    assert workspace.gc(0).left_overs == 1
    assert list(damaged.iterdir()) == []


def test_a_lock_of_a_key_that_is_held_stays(workspace):
    workspace.state.ensure()
    with Lock(workspace.state.locks / "key-1"):
        workspace.gc(0)
        assert not Lock(workspace.state.locks / "key-1").acquire()


def test_fewer_than_no_runs_cannot_be_kept(workspace):
    with pytest.raises(UsageError):
        workspace.collector.survey(-1)


def test_an_empty_workspace_has_no_garbage(workspace):
    assert workspace.collector.survey(3).size == 0
    assert not workspace.state.path.exists()
    assert list(workspace.state.root.iterdir()) == []


def test_a_run_in_whose_folder_a_process_may_go_on_stays(workspace):
    for n in range(3):
        workspace.run(f"step {n}", "x")
    (workspace.state.registry / "away").mkdir()
    cwd = workspace.state.run_folder("2") / "steps" / "1-train" / "1" / "work" / "code"
    (workspace.state.registry / "away" / "1.json").write_text(json.dumps({"cwd": str(cwd)}))
    (workspace.state.registry / "away" / "2.json").write_text(json.dumps({"cwd": "/elsewhere/runs/77/code"}))
    assert workspace.collector.survey(keep_runs=1).runs == ("1",)
