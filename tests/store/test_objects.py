"""Objects: whole or absent, equal content once, changes found out."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.store.digests import FileDigests, digest_bytes, digest_file
from nbpipe.store.layout import StateFolder
from nbpipe.store.manifest import describe
from nbpipe.store.objects import ObjectStore

UNKNOWN = "0" * 64


@pytest.fixture
def model(tmp_path):
    return make_model(tmp_path / "out")


def make_model(folder: Path) -> Path:
    """A folder with a file, a program, a link and an empty folder in it."""
    model = folder / "model"
    (model / "sub" / "empty").mkdir(parents=True)
    (model / "weights").write_bytes(b"123")
    (model / "sub" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (model / "sub" / "run.sh").chmod(0o755)
    (model / "latest").symlink_to("weights")
    return model


def edit(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def everything(state: StateFolder) -> list[Path]:
    return [path for folder in (state.objects, state.tmp) for path in folder.rglob("*")]


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_blobs_come_back_by_the_digest_of_their_bytes(tmp_path_factory, one, two):
    state = StateFolder(tmp_path_factory.mktemp("blobs"))
    store = ObjectStore(state, FileDigests(state))
    digests = [store.put_bytes(one), store.put_bytes(two)]
    assert (digests[0] == digests[1]) == (one == two)
    assert [store.get_bytes(digest) for digest in digests] == [one, two]


def test_a_file_is_kept_without_name_and_mode(store, tmp_path):
    (tmp_path / "a.py").write_bytes(b"print()")
    (tmp_path / "a.py").chmod(0o755)
    digest = store.put_file(tmp_path / "a.py")
    assert digest == store.put_file(tmp_path / "a.py") == store.put_bytes(b"print()")
    assert store.blob_path(digest).stat().st_mode & 0o777 == 0o444
    (tmp_path / "a.py").write_bytes(b"changed")
    assert store.get_bytes(digest) == b"print()"


def test_a_blob_cut_short_is_written_again(store):
    digest = store.put_bytes(b"12345")
    edit(store.blob_path(digest), b"12")
    assert store.put_bytes(b"12345") == digest
    assert store.get_bytes(digest) == b"12345"


def test_a_damaged_blob_is_set_aside_and_told(store, state):
    digest = store.put_bytes(b"12345")
    edit(store.blob_path(digest), b"54321")
    with pytest.raises(StoreError, match="is damaged; it was set aside"):
        store.get_bytes(digest)
    assert not store.has(digest)
    assert [path.read_bytes() for path in (state.tmp / "damaged").iterdir()] == [b"54321"]
    with pytest.raises(StoreError, match="not in the store"):
        store.get_bytes(digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n"])
def test_what_is_no_digest_is_no_path(store, digest):
    for ask in (store.has, store.get_bytes, store.path, store.drop, store.manifest):
        with pytest.raises(StoreError, match="names no object"):
            ask(digest)
    assert not store.complete(digest)


def test_a_published_folder_is_handed_out_whole_and_read_only(store, model):
    expected = describe(model, "folder", FileDigests(store._state))
    manifest = store.publish(model, kind="folder")
    assert manifest == expected == store.manifest(manifest.digest)
    assert not model.exists()
    tree = store.path(manifest.digest)
    assert describe(tree, "folder", FileDigests(store._state)) == expected
    assert (tree / "latest").read_bytes() == b"123"
    assert stat.S_IMODE((tree / "weights").stat().st_mode) == 0o444
    assert stat.S_IMODE((tree / "sub" / "run.sh").stat().st_mode) == 0o555
    assert stat.S_IMODE(tree.stat().st_mode) == 0o700
    assert store.complete(manifest.digest)
    assert store.check(manifest.digest) == []


def test_a_published_file_keeps_its_name(store, tmp_path):
    (tmp_path / "clean.csv").write_bytes(b"a,b")
    digest = store.publish(tmp_path / "clean.csv", kind="file").digest
    assert store.path(digest).name == "clean.csv"
    assert store.path(digest).read_bytes() == b"a,b"
    assert not (tmp_path / "clean.csv").exists()


def test_equal_content_is_kept_once(store, state, model, tmp_path):
    shutil.copytree(model, tmp_path / "again", symlinks=True)
    first = store.publish(model, kind="folder").digest
    place = store.path(first).stat().st_ino
    assert store.publish(tmp_path / "again", kind="folder").digest == first
    assert store.path(first).stat().st_ino == place
    assert not (tmp_path / "again").exists()
    assert list(state.tmp.iterdir()) == []


def test_publishing_again_mends_what_was_harmed(store, state, model, tmp_path):
    shutil.copytree(model, tmp_path / "again", symlinks=True)
    digest = store.publish(model, kind="folder").digest
    edit(store.path(digest) / "weights", b"321")
    store.publish(tmp_path / "again", kind="folder")
    assert (store.path(digest) / "weights").read_bytes() == b"123"
    assert store.check(digest) == []
    assert len(list((state.tmp / "damaged").iterdir())) == 1


def test_empty_folders_and_files_are_content_too(store, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    digests = {store.publish(tmp_path / name, kind="folder").digest for name in ("one", "two")}
    assert len(digests) == 1
    assert store.complete(digests.pop())
    (tmp_path / "none").touch()
    assert store.path(store.publish(tmp_path / "none", kind="file").digest).read_bytes() == b""


def test_a_link_is_no_output(store, model, tmp_path):
    (tmp_path / "out" / "link").symlink_to(model)
    with pytest.raises(StoreError, match="link is a link to"):
        store.publish(tmp_path / "out" / "link", kind="folder")


def test_an_output_that_cannot_be_kept_stays_where_it_was(store, state, model, tmp_path):
    (model / "out").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="model/out links out of its folder"):
        store.publish(model, kind="folder")
    assert (model / "weights").read_bytes() == b"123"
    assert not list(state.objects.glob("*/*"))


def test_absolute_links_into_the_folder_lead_there_from_the_store(store, model):
    (model / "whole").symlink_to(model / "sub")
    tree = store.path(store.publish(model, kind="folder").digest)
    assert (tree / "whole" / "run.sh").read_bytes() == b"#!/bin/sh\n"


def test_a_file_with_another_name_outside_is_parted_from_it(store, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_bytes(b"1")
    mine.chmod(0o644)
    os.link(mine, tmp_path / "out.csv")
    digest = store.publish(tmp_path / "out.csv", kind="file").digest
    mine.write_bytes(b"2")
    assert store.path(digest).read_bytes() == b"1"
    assert stat.S_IMODE(mine.stat().st_mode) == 0o644


def test_an_output_on_another_disk_is_copied(store, model, monkeypatch):
    rename = os.rename

    def far(source, target):
        if Path(source) == model:
            raise OSError(18, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", far)
    tree = store.path(store.publish(model, kind="folder").digest)
    assert (tree / "latest").read_bytes() == b"123"
    assert not model.exists()


def publish_until(n: int, call: str, state: StateFolder, source: Path, kind: str, monkeypatch, end) -> int:
    """Publish, but `end` at the n-th call of a function of the system; how many calls there were."""
    real, calls = getattr(os, call), itertools.count(1)

    def fault(*args, **kwargs):
        if next(calls) == n:
            end()
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fault)
        with suppress(KeyboardInterrupt):
            ObjectStore(state, FileDigests(state)).publish(source, kind=kind)
    return next(calls) - 1


def interrupt() -> None:
    raise KeyboardInterrupt


CALLS = ["rename", "replace", "chmod", "mkdir", "lstat", "open", "unlink"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_interrupt_at_any_step_of_publishing_loses_nothing(tmp_path, monkeypatch, call, kind):
    for n in range(1, 60):
        state = StateFolder(tmp_path / str(n))
        model = make_model(state.root)
        source = model if kind == "folder" else model / "weights"
        digest = describe(source, kind, FileDigests(state)).digest
        calls = publish_until(n, call, state, source, kind, monkeypatch, interrupt)
        store = ObjectStore(state, FileDigests(state))
        assert source.exists() or store.complete(digest)
        assert not store.complete(digest) or store.check(digest) == []
        if calls < n:
            return
    pytest.fail("publishing never got through")


@pytest.mark.parametrize("call", CALLS)
def test_a_process_killed_at_any_step_of_publishing_leaves_whole_or_none(tmp_path, monkeypatch, call):
    digest = describe(make_model(tmp_path), "folder", FileDigests(StateFolder(tmp_path))).digest
    for n in range(1, 60):
        state = StateFolder(tmp_path / str(n))
        model = make_model(state.root)
        child = os.fork()
        if child == 0:
            publish_until(n, call, state, model, "folder", monkeypatch, lambda: os._exit(9))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        store = ObjectStore(state, FileDigests(state))
        assert not store.complete(digest) or store.check(digest) == []
        if not model.exists():
            make_model(state.root)
        assert store.publish(model, kind="folder").digest == digest
        assert store.check(digest) == []
        if status == 0:
            return
    pytest.fail("publishing never got through")


PUBLISH = """
import sys
from pathlib import Path
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
state = StateFolder(Path(sys.argv[1]))
store = ObjectStore(state, FileDigests(state))
print("ready", flush=True)
sys.stdin.readline()
for source in sys.argv[2:]:
    digest = store.publish(Path(source), kind="folder").digest
    assert store.complete(digest) and store.check(digest) == [], source
    print(digest)
"""


def test_two_processes_may_publish_one_content(state, tmp_path):
    sources = [[tmp_path / f"{process}-{n}" for n in range(12)] for process in range(2)]
    for names in sources:
        for n, folder in enumerate(names):
            folder.mkdir()
            for name in range(5):
                (folder / str(name)).write_text(f"{n} {name}")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, state.root, *names], **pipes) for names in sources
    ]
    assert [process.stdout.readline() for process in started] == ["ready\n"] * 2
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert answers[0] == answers[1]
    assert len(set(answers[0].split())) == 12
    assert list(state.tmp.iterdir()) == []


def test_every_kind_of_change_is_found_out(store, model):
    digest = store.publish(model, kind="folder").digest
    tree = store.path(digest)
    edit(tree / "weights", b"321")
    (tree / "added").touch()
    (tree / "sub" / "empty").rmdir()
    (tree / "latest").unlink()
    (tree / "latest").symlink_to("sub")
    assert store.check(digest) == ["added", "latest", "sub/empty", "weights"]


def test_an_edit_that_keeps_the_modification_time_is_found_out(store, model):
    digest = store.publish(model, kind="folder").digest
    weights = store.path(digest) / "weights"
    before = weights.stat()
    edit(weights, b"321")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.check(digest) == ["weights"]


def test_a_touched_or_copied_tree_is_unharmed_and_then_known(store, state, model, tmp_path, monkeypatch):
    digest = store.publish(model, kind="folder").digest
    os.utime(store.path(digest) / "weights", (1, 1))
    assert store.check(digest) == []
    shutil.copytree(state.root, tmp_path / "moved", symlinks=True)
    moved = StateFolder(tmp_path / "moved")
    copy = ObjectStore(moved, FileDigests(moved))
    assert copy.check(digest) == []
    assert set(copy.stamp(digest)) == {"weights", "sub/run.sh"}
    monkeypatch.setattr("nbpipe.store.trees.digest_file", lambda path: pytest.fail(f"{path} was read"))
    assert copy.check(digest) == []


def test_a_lost_or_damaged_stamp_only_costs_reading(store, model):
    digest = store.publish(model, kind="folder").digest
    for data in (b"{", b"[]", b'{"weights":[1]}', b'{"weights":["x",1,2,3,4]}', b'{"weights":1}'):
        store._stamp(digest).write_bytes(data)
        assert store.stamp(digest) == {}
        assert store.check(digest) == []
    store._stamp(digest).unlink()
    edit(store.path(digest) / "weights", b"321")
    assert store.check(digest) == ["weights"]


def test_a_quarantined_tree_is_forgotten_and_kept_to_look_at(store, state, model):
    digest = store.publish(model, kind="folder").digest
    edit(store.path(digest) / "weights", b"321")
    aside = store.quarantine(digest)
    assert aside.parent == state.tmp / "damaged"
    assert (aside / "weights").read_bytes() == b"321"
    assert not store.complete(digest)
    for ask in (store.path, store.check, store.quarantine):
        with pytest.raises(StoreError, match="not in the store"):
            ask(digest)


def test_what_is_not_whole_is_not_complete(store, model):
    digest = store.publish(model, kind="folder").digest
    assert not store.complete(UNKNOWN)
    edit(store.path(digest) / "weights", b"1")
    assert not store.complete(digest)
    edit(store.path(digest) / "weights", b"123")
    assert store.complete(digest)
    store.blob_path(digest).unlink()
    assert not store.complete(digest)


def test_a_copy_is_equal_and_may_be_written_on(store, model, tmp_path):
    manifest = store.publish(model, kind="folder")
    target = tmp_path / "work" / "model"
    store.materialize(manifest.digest, target)
    assert describe(target, "folder", FileDigests(store._state)) == manifest
    assert stat.S_IMODE((target / "sub" / "run.sh").stat().st_mode) == 0o755
    (target / "weights").write_bytes(b"mine")
    assert store.check(manifest.digest) == []
    with pytest.raises(StoreError, match="something is there already"):
        store.materialize(manifest.digest, target)


def test_a_copy_of_a_file_is_that_file(store, tmp_path):
    (tmp_path / "clean.csv").write_bytes(b"a,b")
    digest = store.publish(tmp_path / "clean.csv", kind="file").digest
    store.materialize(digest, tmp_path / "work" / "other.csv")
    (tmp_path / "work" / "other.csv").write_bytes(b"c")
    assert store.path(digest).read_bytes() == b"a,b"


def test_a_dropped_object_is_gone(store, state, model):
    blob = store.put_bytes(b"blob")
    tree = store.publish(model, kind="folder").digest
    assert {found.digest: found.size > 0 for found in store.objects()} == {blob: True, tree: True}
    for digest in (blob, tree, UNKNOWN):
        store.drop(digest)
    assert not store.has(blob)
    assert not store.complete(tree)
    assert [path for path in everything(state) if path.is_file()] == []
    assert list(store.objects()) == []


def test_names_of_any_bytes_come_back(store, tmp_path):
    names = sorted(map(os.fsdecode, [b"\xff\xfe", "é".encode(), b"a\nb", b" ", b"\\", b"<b>"]))
    (tmp_path / "odd").mkdir()
    for name in names:
        (tmp_path / "odd" / name).write_text("content")
    digest = store.publish(tmp_path / "odd", kind="folder").digest
    assert sorted(path.name for path in store.path(digest).iterdir()) == names
    assert ObjectStore(store._state, FileDigests(store._state)).check(digest) == []


def test_the_digest_of_a_tree_is_that_of_its_manifest(store, model):
    manifest = store.publish(model, kind="folder")
    assert digest_bytes(store.get_bytes(manifest.digest)) == manifest.digest


@pytest.mark.parametrize("size", [10, 2 << 20])
def test_a_file_of_code_is_never_taken_from_what_only_looks_like_it(store, state, tmp_path, size):
    path = tmp_path / "code.py"
    path.write_bytes(b"#" * size)
    blob = state.objects / digest_file(path)[:2] / digest_file(path)
    blob.parent.mkdir(parents=True)
    (state.path / "VERSION").write_text("nbpipe 1\n")
    blob.write_bytes(b"!" * size)
    assert store.blob_path(store.put_file(path)).read_bytes() == path.read_bytes()


def test_what_lies_behind_a_linked_folder_is_not_there(store, state, tmp_path):
    digest = store.put_bytes(b"print()")
    folder = state.objects / digest[:2]
    folder.rename(tmp_path / "outside")
    folder.symlink_to(tmp_path / "outside")
    assert not store.has(digest)
    assert store.put_bytes(b"print()") == digest
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert store.get_bytes(digest) == b"print()"
