"""An attempt works on where an earlier one did, if all of that is there and nothing was touched that it reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.node import DataSource, FolderSource, InputPort, Node, OutputPort
from nbpipe.execution.frozen import FrozenStep
from nbpipe.execution.shared_workplace import SharedWorkplace
from nbpipe.execution.source_data import find_data
from nbpipe.execution.workplace import BoundInput
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore

NODE = Node(
    "train", "train", "train.py", FolderSource("."),
    inputs=(InputPort("train", "raw", "mount", "raw"), InputPort("train", "copy", "download", "raw")),
    outputs=(OutputPort("train", "model"), OutputPort("train", "report")),
)  # fmt: skip


class Attempts:
    """Attempts at one step that reads a file, each in the folder of a run of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "raw.csv").write_text("1\n")
        self.state = StateFolder(root)
        self.state.ensure()
        self.objects = ObjectStore(self.state, FileDigests(self.state))

    def prepared(self) -> SharedWorkplace:
        bound = BoundInput("", find_data(DataSource("raw", "raw.csv", ("raw.csv",)), self.root))
        step = FrozenStep({}, {}, "python", Fingerprint({}))
        folder = self.state.run_folder(self.state.new_run_id()) / "steps" / "1-train" / "1"
        folder.mkdir(parents=True)
        place = SharedWorkplace(folder / "work", NODE, self.objects, self.state)
        place.prepare(step, {"raw": bound, "copy": bound}, self.root / "runtime.zip")
        return place

    def write(self, place: SharedWorkplace) -> None:
        for port in NODE.outputs:
            place.place_of(port).write_text(port.name)


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    return Attempts(tmp_path)


def test_its_paths_are_those_that_the_script_was_told(attempts: Attempts) -> None:
    first, second = attempts.prepared(), attempts.prepared()
    assert second.paths != first.paths
    assert second.fits(first.code, first.seen)
    made = second.folder
    second.take_over(first.code)
    assert second.paths == first.paths
    assert (second.folder, second.spool) == (first.folder, first.spool)
    assert not made.exists()


@pytest.mark.parametrize("published", [0, 1, 2])
def test_what_a_killed_runner_had_published_is_published(attempts: Attempts, published: int) -> None:
    first, second = attempts.prepared(), attempts.prepared()
    attempts.write(first)
    (first.code / "outputs" / "plot.txt").write_text("plot")
    digests = [first.publish(port) for port in NODE.outputs[:published]]
    kept = first.publish_kept() if published == 2 else ""
    assert second.fits(first.code, first.seen)
    second.take_over(first.code)
    assert [second.form_problem(port) for port in NODE.outputs] == ["", ""]
    again = [second.publish(port) for port in NODE.outputs]
    assert again[:published] == digests
    assert [attempts.objects.path(digest).read_text() for digest in again] == ["model", "report"]
    assert (attempts.objects.path(second.publish_kept()) / "plot.txt").read_text() == "plot"
    assert kept in ("", second.publish_kept())


def test_one_that_was_published_and_is_gone_is_not_taken_over(attempts: Attempts) -> None:
    first, second = attempts.prepared(), attempts.prepared()
    attempts.write(first)
    attempts.objects.drop(first.publish(NODE.outputs[0]))
    assert not second.fits(first.code, first.seen)


def test_one_whose_runner_was_killed_between_the_move_and_its_note_is_not_taken_over(
    attempts: Attempts,
) -> None:
    first, second = attempts.prepared(), attempts.prepared()
    attempts.write(first)
    first.publish(NODE.outputs[0])
    first.place_of(NODE.outputs[1]).unlink()
    assert not second.fits(first.code, first.seen)


def test_one_that_reads_what_was_touched_since_is_not_taken_over(attempts: Attempts) -> None:
    first = attempts.prepared()
    os.utime(attempts.root / "raw.csv", (1, 1))
    assert not attempts.prepared().fits(first.code, first.seen)


def test_one_outside_of_the_runs_is_not_taken_over(attempts: Attempts, tmp_path: Path) -> None:
    place = attempts.prepared()
    (tmp_path / "steps" / "work" / "code").mkdir(parents=True)
    outside = attempts.state.runs / ".." / ".." / "steps" / "work" / "code"
    for cwd in (outside, outside.resolve()):
        assert not place.fits(cwd, place.seen)
        place.clear_away(cwd)
        assert cwd.exists()
    assert not place.fits(place.code.with_name("gone"), place.seen)


@pytest.mark.parametrize("damaged", ["", "[]", '{"model": 3}', '{"model": "x", "report": "../.."}'])
def test_a_damaged_note_is_no_reason_to_believe_it(attempts: Attempts, damaged: str) -> None:
    first, second = attempts.prepared(), attempts.prepared()
    (first.folder.parent / "published.json").write_text(damaged)
    assert not second.fits(first.code, first.seen)
