"""What earlier runs left, as a plan asks for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.result import StepResult
from nbpipe.execution.memory import COMPARED, StoredMemory
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results


class Kept:
    """A store, and steps that end in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = StateFolder(root)
        self.objects = ObjectStore(self.state, FileDigests(self.state))
        self.results = Results(self.state)
        self.runs = 0

    @property
    def memory(self) -> StoredMemory:
        return StoredMemory(self.results, self.objects)

    def ends(
        self, step: str, lr: float, status: str = "finished", output: str = "made", **inputs: str
    ) -> Fingerprint:
        self.runs += 1
        fingerprint = Fingerprint({"parameters": {"lr": lr}, "inputs": inputs})
        digest = self.memory.keep_fingerprint(fingerprint)
        run = str(self.runs)
        if status == "finished":
            (self.root / "out").write_text(output, "utf-8")
            tree = self.objects.publish(self.root / "out", kind="file").digest
            result = StepResult(
                fingerprint.key, run, step, step, "demo", {"out": tree}, digest, float(run),
                likeness=fingerprint.likeness, inputs=inputs,
            )  # fmt: skip
            self.results.publish(fingerprint.key, run, result.to_json())
        self.results.note({
            "step": step, "node": step, "pipeline": "demo", "key": fingerprint.key, "run": run, "status": status,
            "time": float(run), "fingerprint": digest, "seconds": 1.0,
        })  # fmt: skip
        return fingerprint


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def test_the_newest_result_whose_data_are_there_answers(kept):
    key = kept.ends("train", 0.1, output="old").key
    kept.ends("train", 0.1, output="new")
    assert kept.memory.result(key).run == "2"
    kept.objects.drop(kept.memory.result(key).outputs["out"])
    assert kept.memory.result(key).run == "1"
    assert kept.memory.lost_output(key) == ("out", "2")


def test_nothing_answers_for_a_key_nobody_made(kept):
    assert kept.memory.result("0" * 64) is None
    assert kept.memory.lost_output("0" * 64) is None
    assert list(kept.memory.attempts("train")) == []


def test_attempts_are_told_once_a_key_the_newest_last(kept):
    one = kept.ends("train", 0.1, "failed")
    two = kept.ends("train", 0.2)
    kept.ends("other", 0.3)
    kept.ends("train", 0.1, "cancelled")
    attempts = kept.memory.attempts("train")
    assert [(attempt.key, attempt.status, attempt.run) for attempt in attempts] == [
        (two.key, "finished", "2"), (one.key, "cancelled", "4"),
    ]  # fmt: skip
    assert attempts[1].fingerprint == one


def test_a_bounded_number_of_attempts_is_compared(kept):
    for number in range(COMPARED + 5):
        kept.ends("train", number / 10)
    attempts = kept.memory.attempts("train")
    assert len(attempts) == COMPARED
    assert attempts[-1].run == str(COMPARED + 5)


def waiting(*unknown: str, **inputs: str) -> Fingerprint:
    """A fingerprint of which some inputs are still to be made."""
    return Fingerprint({"parameters": {"lr": 0.1}, "inputs": inputs}, unknown=frozenset(unknown))


def test_every_stored_result_of_the_known_inputs_may_answer_however_many_came_since(kept):
    """Of whatever step, though its history is gone; those whose data are lost do not."""
    kept.ends("train", 0.1, raw="old", made="x")
    for number in range(COMPARED + 5):
        kept.ends("train", 0.1, raw="new", made=str(number))
    kept.ends("other", 0.2, raw="old", made="x")
    kept.ends("fit", 0.1, "failed", raw="old", made="y")
    kept.ends("fit", 0.1, raw="old", made="z")
    shutil.rmtree(kept.state.registry)
    memory = kept.memory
    assert [result.run for result in memory.alike(waiting("made", raw="old"))] == [str(kept.runs), "1"]
    assert len(list(memory.alike(waiting("made", "raw")))) == COMPARED + 7
    lost = kept.ends("train", 0.1, output="lost", raw="lost", made="x")
    memory.refresh()
    assert [result.key for result in memory.alike(waiting("made", raw="lost"))] == [lost.key]
    kept.objects.drop(memory.result(lost.key).outputs["out"])
    assert list(memory.alike(waiting("made", raw="lost"))) == []


def test_an_attempt_whose_fingerprint_is_gone_or_damaged_is_passed_over(kept):
    lost, damaged = kept.ends("train", 0.1), kept.ends("train", 0.2)
    kept.ends("train", 0.3)
    kept.objects.drop(kept.memory.keep_fingerprint(lost))
    blob = kept.objects.blob_path(kept.memory.keep_fingerprint(damaged))
    blob.chmod(0o644)
    blob.write_text("{", "utf-8")
    assert [attempt.run for attempt in kept.memory.attempts("train")] == ["3"]


def test_texts_are_read_from_the_store_or_where_they_were_offered(kept):
    memory = kept.memory
    digest = kept.objects.put_bytes(b"x = 1\n")
    (kept.root / "new.py").write_text("x = 2\n", "utf-8")
    memory.offer({"f" * 64: kept.root / "new.py"})
    assert (memory.read(digest), memory.read("f" * 64)) == ("x = 1\n", "x = 2\n")
    assert memory.read("") is memory.read("0" * 64) is None
    assert memory.read(kept.objects.put_bytes(b"\xff\xfe")) is None
