"""Every state file torn, lost, forged or locked: it is reported and set aside, the rest works, nothing is wrong."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbpipe.store.digests import FileDigests
from nbpipe.workspace import Workspace
from tests.hardening import damage, lived_in, locked_up

pytestmark = pytest.mark.runner

KINDS = {
    "the marker": r"VERSION|\.gitignore",
    "a result": r"results/.*\.json",
    "a run's graph": r"runs/\d+/graph\.json",
    "a run's events": r"runs/\d+/events\.jsonl",
    "a request": r"runs/\d+/requests/.*",
    "a lock": r"locks/.*|runs/\d+/lock",
    "a log": r"runs/\d+/(runner\.log|steps/.*)|runs/last",
    "a history": r"registry/steps/.*",
    "the likenesses": r"registry/alike\.jsonl",
    "the known sources": r"registry/sources\.jsonl",
    "an interpreter": r"registry/interpreters/.*",
    "the known digests": r"registry/digests\.sqlite",
    "a cell": r"registry/(cells|notebooks)/.*",
    "a stamp": r"objects/.*\.stamp",
    "a blob": r"objects/../[0-9a-f]{64}",
    "an output": r"objects/.*\.tree/.*",
    "a folder": r"[^.]*",
}
"""What lies in a state folder, by its path; each is harmed as often as any other, however many files it has."""
CHUNK = 10


@dataclass(frozen=True)
class Case:
    """One harm.

    Attributes:
        path: what is harmed, relative to the state folder.
        harm: what is done to it.
        chance: where every further choice comes from.
    """

    path: Path
    harm: damage.Harm
    chance: random.Random

    def __str__(self) -> str:
        return f"{self.path}: {self.harm.__name__}"


def cases(template: Path, seeds: range) -> Iterator[Case]:
    """The cases of some seeds; the same for the same seeds, but for names that hold a digest."""
    state = template / ".nbpipe"
    found = sorted(path.relative_to(state) for path in state.rglob("*"))
    of_kind = {
        kind: [path for path in found if re.fullmatch(rule, path.as_posix())] for kind, rule in KINDS.items()
    }
    for seed in seeds:
        chance = random.Random(seed)
        path = chance.choice(of_kind[list(KINDS)[seed % len(KINDS)]])
        place = state / path
        if place.is_symlink():
            harms: list[damage.Harm] = [damage.delete, damage.become_link, damage.become_pipe]
        else:
            harms = damage.TO_FOLDERS if place.is_dir() else damage.TO_FILES
        yield Case(path, chance.choice(harms), chance)


@pytest.fixture(scope="module", autouse=True)
def _years_later() -> Iterator[None]:
    """Let digests of files that were just copied be trusted, so that the memory of them is used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileDigests.__init__, "__defaults__", (lambda: time.time_ns() + 10**12,))
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "work"
    with lived_in.no_hang():
        lived_in.build(root)
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What lies beside the workspace and is nobody's to touch."""
    folder = tmp_path / "outside"
    (folder / "folder" / "5").mkdir(parents=True)
    (folder / "precious.txt").write_text("precious\n")
    return folder


def told(folder: Path) -> dict[str, bytes | None]:
    """All that lies below a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def may_refuse(case: Case) -> bool:
    """Whether a run may be refused: a marker says that the folder is not ours, or a folder leads elsewhere."""
    return case.path.name == "VERSION" or (case.harm is damage.become_link and len(case.path.parts) == 1)


def suffer(case: Case, root: Path, verbs: int | None = None) -> None:
    """Do a case's harm, look at everything, run; raises what a user must not see."""
    case.harm(root / ".nbpipe" / case.path, case.chance)
    with lived_in.no_hang():
        for status, _ in lived_in.look(root, case.chance, verbs).values():
            assert status in (0, 1, 2)
        lived_in.look_closely(root)
        lived_in.in_a_notebook(root)
        status, text = lived_in.run_again(root)
        if status == 2 and may_refuse(case):
            assert ".nbpipe" in text, text
            return
        assert status == 0, text
        assert lived_in.results(root) == lived_in.REFERENCE


def suffer_all(template: Path, tmp_path: Path, outside: Path, seeds: range, verbs: int | None = None) -> None:
    """Every case in a workspace of its own; what lies beside it stays as it was."""
    before = told(outside)
    for case in cases(template, seeds):
        root = lived_in.copy_of(template, tmp_path / "work")
        try:
            suffer(case, root, verbs)
            assert told(outside) == before
        except BaseException as error:
            error.add_note(str(case))
            raise
        finally:
            os.chdir(tmp_path)
            shutil.rmtree(root)


@pytest.mark.parametrize("first", range(0, 150, CHUNK))
def test_whatever_happens_to_the_state_nothing_breaks_hangs_or_lies(template, tmp_path, outside, first):
    suffer_all(template, tmp_path, outside, range(first, first + CHUNK), verbs=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(1000, 2000, 50))
def test_whatever_happens_to_the_state_nothing_breaks_hangs_or_lies_a_thousand_times(
    template, tmp_path, outside, first
):
    suffer_all(template, tmp_path, outside, range(first, first + 50))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["graph.json", "events.jsonl", "results"])
def test_a_record_cut_at_any_length_is_as_good_as_none(template, tmp_path, kind):
    state = template / ".nbpipe"
    path = max((path for path in state.rglob("*") if kind in path.parts[-3:] and path.is_file()), key=str)
    data = path.read_bytes()
    root = lived_in.copy_of(template, tmp_path / "work")
    harmed = root / path.relative_to(template)
    for length in range(0, len(data), max(1, len(data) // 150)):
        if harmed.exists():
            harmed.unlink()
        harmed.parent.mkdir(exist_ok=True)
        harmed.write_bytes(data[:length])
        with lived_in.no_hang():
            assert {status for status, _ in lived_in.look(root, random.Random(length), 3).values()} <= {
                0,
                1,
                2,
            }
            lived_in.look_closely(root)


# What exactly is said, where something is said.


@pytest.fixture
def root(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of a test's own, which is the working directory."""
    made = lived_in.copy_of(template, tmp_path / "work")
    monkeypatch.chdir(made)
    return made


def test_a_newer_state_folder_is_refused_by_every_verb_that_would_write(root):
    (root / ".nbpipe" / "VERSION").write_text("nbpipe 99\n")
    status, text = lived_in.run_again(root)
    assert status == 2
    assert "made by a newer nbpipe (format 99; this one reads 1)" in text
    assert "pip install --upgrade nbpipe-steps" in text
    assert "made by a newer nbpipe" in lived_in.type_words("doctor")[1]


@pytest.mark.parametrize("name", ["graph.json", "events.jsonl"])
def test_a_run_of_a_newer_nbpipe_is_named_and_the_others_are_listed(root, name):
    path = root / ".nbpipe" / "runs" / "2" / name
    path.write_text(re.sub(r'"format":\s*1', '"format": 99', path.read_text()))
    status, text = lived_in.type_words("runs")
    assert status == 0
    assert re.search(r"^Run 2 .*format 99", text, re.MULTILINE)
    assert re.search(r"^3 +Finished", text, re.MULTILINE)
    assert re.search(r"^1 +Failed", text, re.MULTILINE)


@pytest.mark.parametrize("harm", [damage.truncate, damage.become_pipe, damage.become_folder])
def test_a_run_that_cannot_be_read_is_named_by_runs_and_doctor_and_goes_with_gc(root, harm):
    harm(root / ".nbpipe" / "runs" / "2" / "graph.json", random.Random(0))
    assert "Run 2 cannot be read: graph.json" in lived_in.type_words("runs")[1]
    assert "cannot be read: 2" in lived_in.type_words("doctor")[1]
    assert lived_in.type_words("gc", "--keep", "1", "--yes")[0] == 0
    assert "cannot be read" not in lived_in.type_words("runs")[1]


def test_an_output_that_was_edited_by_hand_is_made_anew_and_the_edit_is_kept_aside(root):
    report = Workspace(root).get_run("2").step("report").get_output("report").path
    before = report.stat()
    report.chmod(0o644)
    report.write_text(lived_in.REPORT.lower())
    assert report.stat().st_size == before.st_size
    assert "report" in lived_in.type_words("plan", "graph.json", "--check")[1]
    assert lived_in.run_again(root)[0] == 0
    assert lived_in.results(root) == lived_in.REFERENCE
    aside = [path for path in (root / ".nbpipe/tmp/damaged").rglob("*.txt") if path.is_file()]
    assert [path.read_text() for path in aside] == [lived_in.REPORT.lower()]


def test_what_is_damaged_is_set_aside_where_it_can_be_looked_at(root):
    state = root / ".nbpipe"
    result = next(state.glob("results/*/2.json"))
    result.write_text("{")
    sources, digests = state / "registry/sources.jsonl", state / "registry/digests.sqlite"
    sources.unlink()
    sources.mkdir()
    digests.write_bytes(b"no database" * 500)
    (root / "helper.py").write_text(lived_in.HELPER + "\nOTHER = 1\n")
    assert lived_in.run_again(root)[0] == 0
    aside = {path.name.rpartition("-")[0] for path in (state / "tmp/damaged").iterdir()}
    assert {"registry-sources.jsonl", "registry-digests.sqlite"} <= aside
    assert any(name.startswith("results-") for name in aside)
    with contextlib.closing(sqlite3.connect(digests)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_number_of_the_last_run_that_is_absurd_is_not_believed(root):
    for absurd in ("9" * 30, "-5", "seven", "", "\0\0\0"):
        (root / ".nbpipe/runs/last").write_text(absurd)
        ids = [int(run) for run in Workspace(root).state.run_ids()]
        assert Workspace(root).state.new_run_id() == str(max(ids) + 1)


# Read-only and locked pieces: in a process that has no more rights than anybody.


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["a-w", "a="])
def test_pieces_that_are_read_only_or_locked_cost_no_more_than_themselves(template, tmp_path, mode):
    words = [
        *locked_up.as_anybody(),
        sys.executable,
        "-m",
        "tests.hardening.locked_up",
        mode,
        template,
        tmp_path,
    ]
    place = Path(lived_in.__file__).parents[2]
    done = subprocess.run(words, capture_output=True, text=True, cwd=place, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all is well\n")
