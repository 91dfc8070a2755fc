"""A state folder from a stranger: to look at it, to clear it up and to run in it touches and runs nothing else."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import nbpipe
from nbpipe.errors import NbpipeError
from nbpipe.store.digests import FileDigests
from nbpipe.workspace import Workspace
from tests.hardening import forgery, lived_in, stranger
from tests.hardening.stranger import FOLDERS, Trick

pytestmark = pytest.mark.runner

TRICKS: dict[str, Trick] = {
    **{f"links: {what}": stranger.link_folders(*patterns, spoiled=True) for what, patterns in FOLDERS.items()},
    "links: relative, to what there was": stranger.link_folders("objects/??", "runs/*", spoiled=False, relative=True),
    "links: files": stranger.link_files,
    "second names": stranger.share_files(spoiled=False),
    "second names of damaged files": stranger.share_files(spoiled=True),
    "second names of locks": stranger.leave_locks,
    "pipes": stranger.leave_pipes,
    "a database: a journal that removes files": stranger.leave_hot_journal,
    "a database: a log beside it": stranger.leave_write_ahead_log,
    "a database: somebody else's": stranger.leave_another_database,
    "a database: triggers": stranger.leave_triggers,
    "names that lead out": forgery.rename_all,
    "manifests that lead out": forgery.forge_manifests,
    "outputs that are links": stranger.link_outputs,
    "blobs of his own": forgery.forge_blobs(random.Random(0)),
    "other cells": forgery.save_other_cells,
    "a huge version": forgery.leave_a_huge_version,
    "code everywhere, and interpreters of his own": stranger.name_interpreters,
    "numbers of 400 digits": forgery.leave_numbers("1" + "0" * 400),
    "infinite numbers": forgery.leave_numbers("1e999"),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _years_later() -> Iterator[None]:
    """Let digests of files that were just copied be trusted, so that the memory of them is used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileDigests.__init__, "__defaults__", (lambda: time.time_ns() + 10**12,))
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a stranger starts from."""
    root = tmp_path_factory.mktemp("template") / "work"
    with lived_in.no_hang():
        lived_in.build(root)
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What is nobody's to touch."""
    return make_outside(tmp_path)


def make_outside(folder: Path) -> Path:
    folder = folder / "outside"
    folder.mkdir(parents=True)
    (folder / "precious.txt").write_text("precious\n")
    with contextlib.closing(sqlite3.connect(folder / "mine.sqlite")) as mine:
        mine.execute("CREATE TABLE digests (mine TEXT)")
    return folder


def told(folder: Path, *but: str) -> dict[str, object]:
    """Names, kinds, modes, times and bytes of all that lies below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if inner.parts[0] not in but:
            status = path.lstat()
            held = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
            leads = path.readlink() if stat.S_ISLNK(status.st_mode) else None
            found[str(inner)] = (oct(status.st_mode), status.st_mtime_ns, held, leads)
    return found


def look_at_all(root: Path) -> None:
    """Look at everything, in every way there is."""
    for words, (status, text) in lived_in.look(root).items():
        assert status in (0, 1, 2), (words, text)
    lived_in.look_closely(root)
    lived_in.in_a_notebook(root)
    for name in ("clean", "model", "report"):
        with contextlib.suppress(NbpipeError, TimeoutError):
            nbpipe.path(name, timeout=0.1)


@pytest.fixture(autouse=True)
def _come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever folder a test works in, the next one does not begin in it."""
    monkeypatch.chdir(tmp_path)


def use(root: Path) -> None:
    """Stop what says that it goes on, clear up, run."""
    for words in (("stop", "2"), ("gc", "--keep", "1", "--yes"), ("gc", "--keep", "0", "--yes")):
        status, text = lived_in.type_words(*words)
        assert status in (0, 1, 2), (words, text)
    status, text = lived_in.run_again(root)
    assert status == 0 or ".nbpipe" in text, text
    if status == 0:
        assert lived_in.results(root) == lived_in.REFERENCE


def suffer(trick: Trick, root: Path, outside: Path) -> None:
    """Look at a state on which a trick was tried, and use it; what lies outside stays as it was."""
    trick(root / ".nbpipe", outside)
    before, around = told(outside), told(root, ".nbpipe", "out.svg")
    try:
        with lived_in.no_hang():
            look_at_all(root)
            assert told(outside) == before
            use(root)
        assert told(outside) == before
        assert told(root, ".nbpipe", "out.svg") == around
    finally:
        os.chdir(outside.parent)


@pytest.mark.parametrize("trick", TRICKS)
def test_a_strangers_state_touches_nothing_outside_and_runs_nothing(template, tmp_path, outside, trick):
    suffer(TRICKS[trick], lived_in.copy_of(template, tmp_path / "work"), outside)


def test_names_of_a_stranger_are_shown_as_text(template, tmp_path, outside):
    root = lived_in.copy_of(template, tmp_path / "work")
    forgery.rename_all(root / ".nbpipe", outside)
    shown = lived_in.look(root)
    runs = Workspace(root).runs()
    pictures = [run._repr_mimebundle_() for run in runs]
    texts = [text for words, (_, text) in shown.items() if not words.startswith("logs")]
    texts += [bundle["text/plain"] for bundle in pictures]
    texts += [str(step.explain()) for run in runs for step in run.get_steps()]
    assert any("precious" in text for text in texts)
    assert [text for text in texts if set(text) & set("\x1b\x07\r\u202e")] == []
    for bundle in pictures:
        picture = ET.fromstring(bundle["image/svg+xml"])
        assert "alert(1)" in "".join(picture.itertext())
        for element in picture.iter():
            assert element.tag.rpartition("}")[2] not in ("script", "img", "foreignObject", "iframe")
            assert not [name for name in element.attrib if name.startswith("on")]
    os.chdir(tmp_path)


def tricks_of_a_seed(template: Path, seed: int) -> Iterator[Trick]:
    """A few tricks, at places that a seed chooses."""
    chance = random.Random(seed)
    state = template / ".nbpipe"
    for _ in range(chance.randint(1, 4)):
        path = chance.choice(sorted(path.relative_to(state) for path in state.rglob("*")))
        yield chance.choice([
            stranger.link_one(path), stranger.link_one(path), stranger.share_one(path), stranger.share_one(path),
            forgery.forge_blobs(chance), forgery.leave_numbers(chance.choice(forgery.NUMBERS)),
            TRICKS[chance.choice(list(TRICKS))],
        ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_a_stranger_who_tries_many_things_at_once_gets_nowhere(template, tmp_path, first):
    for seed in range(first, first + 20):
        outside = make_outside(tmp_path / f"{seed}")
        root = lived_in.copy_of(template, outside.parent / "work")

        def all_of_them(state: Path, outside: Path, seed: int = seed) -> None:
            for trick in tricks_of_a_seed(template, seed):
                # What one spoiled another cannot read.
                with contextlib.suppress(OSError, sqlite3.Error, ValueError):
                    trick(state, outside)

        suffer(all_of_them, root, outside)
        shutil.rmtree(outside.parent)
