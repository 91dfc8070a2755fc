"""Every trick by which an edit may hide from the memory of digests, and every way to one key for two meanings."""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from nbpipe.core.node import DataSource
from nbpipe.core.script import code_digest
from nbpipe.errors import UsageError
from nbpipe.execution.source_data import content_digest, find_data, source_changed
from nbpipe.execution.sources import Sources
from nbpipe.store import digests as module
from nbpipe.store.digests import Figures, FileDigests, digest_bytes
from nbpipe.store.layout import StateFolder
from tests.hardening.hidden import HIDDEN, SECOND


class Clock:
    """The clock by which files are young or old: this machine's, set forward or back."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def digests(tmp_path: Path, clock: Clock) -> FileDigests:
    state = StateFolder(tmp_path)
    state.ensure()
    return FileDigests(state, clock)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the files lie whose edits try to hide."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "raw").write_bytes(b"one")
    (folder / "new").write_bytes(b"two")
    return folder


@pytest.mark.parametrize("ahead", [0, 1, 10, 100, 10**6, -100, -(10**6)])
@pytest.mark.parametrize("edit", HIDDEN)
def test_no_edit_hides_whatever_the_clock_says(data, digests, clock, edit: Callable, ahead):
    clock.ahead = ahead
    file = data / "raw"
    assert [digests.digest(file) for _ in range(2)] == [digest_bytes(b"one")] * 2
    edit(file, b"two")
    assert digests.digest(file) == digest_bytes(b"two")


@pytest.mark.parametrize("edit", HIDDEN)
def test_no_edit_hides_behind_a_clock_that_jumps(data, digests, clock, edit: Callable):
    file = data / "raw"
    for ahead in (100, -100, 10**6, 0):
        clock.ahead = ahead
        assert digests.digest(file) == digest_bytes(b"one")
    edit(file, b"two")
    for ahead in (0, 10**6, -100, 100):
        clock.ahead = ahead
        assert digests.digest(file) == digest_bytes(b"two")


@pytest.fixture(params=[4_000_000, SECOND, 2 * SECOND])
def ticks(request, monkeypatch) -> int:
    """A file system whose clock is coarse: an older kernel's, a network's, FAT's."""

    def told(status: os.stat_result) -> Figures:
        times = [
            time_ns // request.param * request.param for time_ns in (status.st_mtime_ns, status.st_ctime_ns)
        ]
        return Figures(status.st_dev, status.st_ino, *times, status.st_size)

    monkeypatch.setattr(Figures, "of", told)
    return request.param


def test_edits_within_one_tick_of_the_clock_are_seen(data, digests, ticks):
    file = data / "raw"
    for number in range(300):
        file.write_bytes(b"%03d" % number)
        assert digests.digest(file) == digest_bytes(b"%03d" % number)


@pytest.mark.parametrize("ahead", [0, 10, 59])
def test_writes_through_a_map_that_is_held_open_are_seen(data, digests, clock, ahead):
    file = data / "raw"
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        for number in range(20):  # only the first write leaves a new time
            mapped[:] = b"%03d" % number
            clock.ahead = ahead
            assert digests.digest(file) == digest_bytes(b"%03d" % number)
            clock.ahead = 0


def test_what_is_mapped_later_is_seen_although_it_was_remembered(data, digests, clock):
    file = data / "raw"
    clock.ahead = 10
    assert digests.digest(file) == digest_bytes(b"one")
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        for text in (b"two", b"six"):
            mapped[:] = text
            assert digests.digest(file) == digest_bytes(text)
    assert digests.digest(file) == digest_bytes(b"six")


def test_a_hole_counts_as_the_zeros_that_are_read_from_it(data, digests, clock):
    clock.ahead = 10
    sparse, full = data / "sparse", data / "full"
    with sparse.open("wb") as file:
        file.truncate(3 * 2**20)
    full.write_bytes(bytes(3 * 2**20))
    assert digests.digest(sparse) == digests.digest(full)
    with sparse.open("r+b") as file:
        file.seek(2**20)
        file.write(b"1")
    assert digests.digest(sparse) != digests.digest(full)


def test_a_file_that_never_holds_still_is_not_remembered(data, digests, clock, monkeypatch):
    file = data / "raw"
    clock.ahead = 10**6  # by this clock what is written meanwhile is old at once
    read, count = module.digest_file, iter(range(100))

    def read_and_write(path: Path) -> str:
        answer = read(path)
        file.write_bytes(b"%03d" % next(count))
        return answer

    monkeypatch.setattr(module, "digest_file", read_and_write)
    digests.digest(file)
    monkeypatch.undo()
    assert digests.digest(file) == digest_bytes(file.read_bytes())


# Data of several files.


def _count(root: Path, digests: FileDigests, *paths: str) -> str:
    return content_digest(find_data(DataSource("data", "data", paths), root), digests)


def _other_names(folder: Path) -> None:
    (folder / "raw").rename(folder / "raw2")


def _names_swapped(folder: Path) -> None:
    (folder / "raw").rename(folder / "aside")
    (folder / "new").rename(folder / "raw")
    (folder / "aside").rename(folder / "new")


def _one_more(folder: Path) -> None:
    (folder / "third").write_bytes(b"")


def _one_less(folder: Path) -> None:
    (folder / "raw").unlink()


def _one_deeper(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "raw").rename(folder / "sub" / "raw")


def _bytes_moved_over(folder: Path) -> None:
    (folder / "raw").write_bytes(b"onet")
    (folder / "new").write_bytes(b"wo")


def _empty_folder(folder: Path) -> None:
    (folder / "class_c").mkdir()


def _dead_link(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")


@pytest.mark.parametrize(
    "edit",
    [
        _other_names,
        _names_swapped,
        _one_more,
        _one_less,
        _one_deeper,
        _bytes_moved_over,
        _empty_folder,
        _dead_link,
    ],
)
def test_what_a_script_can_see_in_a_folder_counts(tmp_path, data, digests, edit: Callable):
    before = _count(tmp_path, digests, "data")
    edit(data)
    assert _count(tmp_path, digests, "data") != before


@pytest.mark.parametrize("edit", [_other_names, _names_swapped, _one_more, _one_less, _bytes_moved_over])
@pytest.mark.parametrize("paths", [("data/*",), ("data/raw*", "data/n*", "data/t*", "data")])
def test_what_a_glob_or_a_list_finds_counts(tmp_path, data, digests, edit: Callable, paths):
    if len(paths) > 1:
        (data / "third").write_bytes(b"three")
    before = _count(tmp_path, digests, *paths)
    edit(data)
    with suppress(UsageError):  # a glob that matches nothing any more blocks the step
        assert _count(tmp_path, digests, *paths) != before


def test_data_written_twice_within_one_tick_have_changed(tmp_path, data, digests, ticks):
    """Hashed between two writes that leave equal figures: the step may have read the second."""
    source, seen = DataSource("raw", "raw", ("data/raw",)), set()
    for _ in range(200):
        (data / "raw").write_bytes(b"one")
        digest = content_digest(find_data(source, tmp_path), digests)
        (data / "raw").write_bytes(b"two")
        seen.add(source_changed(source, tmp_path, digest, digests))
    assert seen == {True}


# Code.


@pytest.fixture
def sources(tmp_path: Path, digests: FileDigests) -> Sources:
    return Sources(StateFolder(tmp_path), digests)


def test_the_declared_encoding_of_a_script_counts(data, sources):
    file = data / "script.py"
    file.write_bytes("# coding: utf-8\nprint('é')\n".encode())
    one = sources.facts(file).syntax
    file.write_bytes("# coding: latin-1\nprint('é')\n".encode())
    assert sources.facts(file).syntax != one
    file.write_bytes("# written by hand\nprint('é')\n".encode())
    assert sources.facts(file).syntax == one


def test_a_script_edited_while_it_is_looked_at_is_never_taken_for_another(tmp_path, data, digests):
    """An editor saves just between the digest and the reading of the syntax."""
    file = data / "script.py"

    class Saved(FileDigests):
        def digest(self, path: Path) -> str:
            answer = super().digest(path)
            file.write_text("x = 2\n", "utf-8")
            return answer

    state = StateFolder(tmp_path)
    file.write_text("x = 1\n", "utf-8")
    Sources(state, Saved(state)).facts(file)
    file.write_text("x = 1\n", "utf-8")
    assert Sources(state, digests).facts(file).syntax == f"ast:{code_digest('x = 1')}"


MEANINGS = [
    ("x = 1", "x = 1.0", "x = True", "x = '1'", "x = b'1'", "x = 1j", "x = None", "x = ..."),
    ("x: int = 1", "(x): int = 1", "x = 1"),
    ("'doc'\nx = 1", "'other'\nx = 1", "x = 1", "x = 1\n'doc'"),
    ("def f(a, b=1): 0", "def f(a=1, b=1): 0", "def f(a, /, b=1): 0", "def f(a, *, b=1): 0", "async def f(a, b=1): 0"),
    ("def f(*, a, b=1): 0", "def f(*, a=1, b): 0"),
    ("from __future__ import annotations\nx: int", "x: int"),
    ("f'{x}'", "f'{x!r}'", "f'{x!s}'", "f'{x:}'", "f'{x=}'", "f'{x = }'", "'{x}'", "f'{x:>{w}}'", "f'{x:>w}'", "'x'"),
    ("{**a}", "{None: a}", "{a}", "{'a': a}"),
    ("with (a, b): 0", "with ((a, b)): 0", "with a, b: 0", "with (a): b"),
    ("return_ = x", "return_ = x,", "return_ = (yield_, x)"),
    ("if a:\n b\nc", "if a:\n b\n c"),
    ("[a for b in c if d if e]", "[a for b in c if (d, e)]", "[a for b in c for d in e]", "(a for b in c)"),
    ("import a.b", "import a.b as a", "from a import b", "from . import a", "from .. import a", "from .a import b"),
    ("x[1:2]", "x[1:2:]", "x[1, 2]", "x[1:2:None]", "x[(1, 2),]"),
    ("match x:\n case None: 0", "match x:\n case _: 0", "match x:\n case y: 0", "match x:\n case 'None': 0"),
    ("match x:\n case [*_]: 0", "match x:\n case [_]: 0", "match x:\n case {**y}: 0", "match x:\n case {}: 0"),
    ("-1", "- -1", "0 - 1", "~1"),
    ("a < b < c", "(a < b) < c", "a < (b < c)", "a < b and b < c"),
    ("global x", "nonlocal_ = x"),
    ("'\\ud800'", "'\\\\ud800'", "'\ud800'.strip"),
    ("0.1", "0.10000000000000002", "1e1", "10"),
    ("lambda: 0", "lambda *a: 0", "lambda a: 0"),
    ("try: a\nexcept: b", "try: a\nexcept a: b", "try: a\nexcept* a: b", "try: a\nexcept a as b: b"),
]  # fmt: skip


@pytest.mark.parametrize("scripts", MEANINGS)
def test_scripts_of_different_meaning_have_different_digests(scripts):
    digests = {}
    for script in scripts:
        other = digests.setdefault(code_digest(script.replace("\ud800", "ä")), script)
        same = {("x[1:2]", "x[1:2:]"), ("with (a, b): 0", "with a, b: 0")}  # one tree, two spellings
        assert other == script or (other, script) in same


SPELLINGS = [
    ("x = 1000", "x = 1_000", "x = 0x3e8", "x=(1000)"),
    ("'a' 'b'", "'ab'", '"ab"', "'''ab'''", "u'ab'", "r'ab'"),
    ("f(a, b)", "f(\n    a,  # first\n    b,\n)"),
    ("if a: b", "if a:\n\n        b  # comment\n"),
]


@pytest.mark.parametrize("scripts", SPELLINGS)
def test_spellings_of_one_meaning_have_one_digest(scripts):
    assert len({code_digest(script) for script in scripts}) == 1


def test_threads_that_edit_and_ask_see_what_is_there(data, digests):
    """Of two who edit files of their own and one memory, each sees its last edit."""

    def edit_and_ask(name: str) -> None:
        file = data / name
        for number in range(100):
            file.write_bytes(b"%03d" % number)
            seen.append(digests.digest(file) == digest_bytes(b"%03d" % number))

    seen: list[bool] = []
    threads = [threading.Thread(target=edit_and_ask, args=(f"file {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 400
    assert all(seen)
