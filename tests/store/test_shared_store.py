"""A shared store: what one workspace publishes, another has, whole and compared, or does not have."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbpipe.errors import StoreError, Unreachable
from nbpipe.store import shared_store
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.manifest import Entry, Manifest
from nbpipe.store.objects import ObjectStore
from nbpipe.store.opening import open_folder
from nbpipe.store.shared_store import LAYOUT, SharedStore
from tests.object_servers import azure, datastore, faulty, gcs, s3, sftp

__all__ = ["azure", "datastore", "gcs", "s3", "sftp"]

KEY = "9c02" * 16
FILES = {
    "clean.csv": b"a,b\n1,2\n",
    "deep/big.bin": bytes(range(256)) * 2000,
    "deep/empty": b"",
    "same": b"a,b\n1,2\n",
}


class Clone:
    """A workspace's store beside a shared one."""

    def __init__(self, root: Path, where: tuple[str, dict]) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.state = StateFolder(root)
        self.objects = ObjectStore(self.state, FileDigests(self.state))
        self.folder = open_folder(*where)
        self.now = 0.0
        self.shared = SharedStore(self.folder, self.objects, self.state, clock=lambda: self.now)

    def tree(self, files=FILES) -> str:
        source = self.root / "out"
        for name, content in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        (source / "run.sh").write_bytes(b"#!/bin/sh\n")
        (source / "run.sh").chmod(0o755)
        (source / "link").symlink_to("clean.csv")
        return self.objects.publish(source, kind="folder").digest

    def publish(self, tree: str, finished: float = 1.7e9, tell=None) -> str:
        blob = self.objects.put_bytes(b'{"fingerprint": 1}')
        record = {"outputs": {"clean": tree}, "fingerprint": blob, "finished": finished}
        self.shared.publish(KEY, record, trees=[tree], blobs=[blob], tell=tell)
        return blob

    def holds(self, tree: str) -> dict[str, bytes]:
        path = self.objects.path(tree)
        return {name: (path / name).read_bytes() for name in FILES}


@pytest.fixture
def ann(tmp_path, datastore):
    return Clone(tmp_path / "ann", datastore)


@pytest.fixture
def bob(tmp_path, datastore):
    return Clone(tmp_path / "bob", datastore)


def spoil(clone: Clone, digest: str, content: bytes) -> None:
    clone.folder.replace(f"{LAYOUT}/objects/{digest[:2]}/{digest}", content, lambda count: None)


def digest_of(clone: Clone, tree: str, path: str) -> str:
    return next(entry.digest for entry in clone.objects.manifest(tree).entries if entry.path == path)


def test_what_one_publishes_another_finds_and_has(ann, bob):
    tree = ann.tree()
    blob = ann.publish(tree)
    (found,) = bob.shared.results(KEY)
    assert found.record["outputs"] == {"clean": tree}
    assert bob.shared.fetch_blob(blob) == b'{"fingerprint": 1}'
    told = []
    bob.shared.fetch_tree(tree, told.append)
    assert bob.holds(tree) == FILES
    assert os.access(bob.objects.path(tree) / "run.sh", os.X_OK)
    assert (bob.objects.path(tree) / "link").readlink() == Path("clean.csv")
    assert bob.objects.check(tree) == []
    assert told[-1].done == told[-1].total > 500_000
    assert list(bob.state.tmp.iterdir()) == []


def test_a_single_file_keeps_its_name(ann, bob):
    (ann.root / "model.bin").write_bytes(b"weights")
    tree = ann.objects.publish(ann.root / "model.bin", kind="file").digest
    ann.publish(tree)
    bob.shared.fetch_tree(tree)
    assert bob.objects.path(tree).name == "model.bin"
    assert bob.objects.path(tree).read_bytes() == b"weights"


def test_a_key_without_results_has_none(bob):
    assert list(bob.shared.results(KEY)) == []


def test_the_newest_result_comes_first(ann, bob):
    tree = ann.tree()
    ann.publish(tree, finished=1.7e9)
    ann.publish(tree, finished=1.8e9)
    assert [found.record["finished"] for found in bob.shared.results(KEY)] == [1.8e9, 1.7e9]


def test_the_same_result_published_by_two_at_once_is_one_and_whole(ann, bob):
    trees = [ann.tree(), bob.tree()]
    assert trees[0] == trees[1]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda clone: clone.publish(trees[0]), (ann, bob)))
    assert len(list(bob.shared.results(KEY))) == 1
    carol = Clone(ann.root.parent / "carol", (ann.folder.url, {})) if ann.folder.url[0] == "/" else bob
    carol.objects.drop(trees[0])
    carol.shared.fetch_tree(trees[0])
    assert carol.holds(trees[0]) == FILES


def test_an_object_that_was_poisoned_is_refused_and_put_right_by_the_next_who_makes_it(ann, bob):
    tree = ann.tree()
    ann.publish(tree)
    poisoned = digest_of(ann, tree, "deep/big.bin")
    spoil(ann, poisoned, b"x" * len(FILES["deep/big.bin"]))
    with pytest.raises(StoreError, match="not what its digest says"):
        bob.shared.fetch_tree(tree)
    assert not bob.objects.complete(tree)
    assert bob.tree() == tree
    bob.publish(tree)
    bob.objects.drop(tree)
    bob.shared.fetch_tree(tree)
    assert bob.holds(tree) == FILES


def test_an_object_of_half_its_size_is_refused_and_replaced_by_whoever_publishes_it(ann, bob):
    tree = ann.tree()
    ann.publish(tree)
    cut = digest_of(ann, tree, "deep/big.bin")
    spoil(ann, cut, FILES["deep/big.bin"][:1000])
    with pytest.raises(StoreError, match=r"ends after 1,000 of"):
        bob.shared.fetch_tree(tree)
    carol = Clone(ann.root, (ann.folder.url, {})) if ann.folder.url[0] == "/" else ann
    ann.folder.replace(f"{LAYOUT}/objects/{tree[:2]}/{tree}", b"", lambda count: None)
    carol.publish(tree, finished=1.8e9)
    bob.shared.refused.clear()
    bob.shared.fetch_tree(tree)
    assert bob.holds(tree) == FILES


def test_a_manifest_that_leads_out_of_its_folder_is_refused(ann, bob):
    evil = Entry("../../evil", "file", 1, 0o644, "a" * 64)
    digest = ann.objects.put_bytes(Manifest("folder", (evil,)).to_bytes())
    ann.shared.publish(KEY, {"finished": 1.0}, trees=[], blobs=[digest])
    with pytest.raises(StoreError, match="leads out"):
        bob.shared.fetch_tree(digest)


def test_a_record_that_is_damaged_or_of_another_key_answers_nobody(ann, bob):
    ann.publish(ann.tree())
    (name,) = ann.folder.find(f"{LAYOUT}/results")
    content = ann.folder.read(name, 0, 100_000)
    other = name.replace(KEY, "9c03" * 16)
    ann.folder.create(other, content, lambda count: None)
    ann.folder.replace(name, content.replace(b"clean", b"dirty"), lambda count: None)
    assert list(bob.shared.results(KEY)) == []
    assert list(bob.shared.results("9c03" * 16)) == []


def test_a_result_that_was_refused_answers_no_more(ann, bob):
    ann.publish(ann.tree())
    (found,) = bob.shared.results(KEY)
    bob.shared.refuse(found)
    assert list(bob.shared.results(KEY)) == []


def test_what_there_is_is_asked_once_in_a_while(ann, bob):
    assert list(bob.shared.results(KEY)) == []
    ann.publish(ann.tree())
    assert list(bob.shared.results(KEY)) == []
    bob.now = shared_store.REMEMBERED
    assert len(list(bob.shared.results(KEY))) == 1


def test_a_fetch_that_broke_goes_on_where_it_was(ann, bob, monkeypatch):
    tree = ann.tree()
    ann.publish(tree)
    read = bob.folder.read
    asked: list[str] = []

    def breaking(name: str, start: int, end: int) -> bytes:
        asked.append(name)
        if name.endswith(digest_of(ann, tree, "run.sh")):
            raise Unreachable("gone")
        return read(name, start, end)

    bob.folder.read = breaking
    with pytest.raises(Unreachable):
        bob.shared.fetch_tree(tree)
    came = {path.name for path in (bob.state.tmp / f"fetching-{tree}").iterdir() if path.stat().st_size}
    bob.folder.read = read
    counted: list[str] = []
    bob.folder.read = lambda name, start, end: (counted.append(name), read(name, start, end))[1]
    bob.shared.fetch_tree(tree)
    assert bob.holds(tree) == FILES
    assert not came & {name.rpartition("/")[2] for name in counted}


def test_a_store_that_vanishes_has_no_result_that_points_to_nothing(s3, tmp_path):
    with faulty(s3) as proxy:
        where = s3.url(f"vanish-{tmp_path.name}")
        ann = Clone(tmp_path / "ann", (where, s3.options(proxy.port)))
        tree = ann.tree()
        proxy.matching, proxy.refuse = "PUT .*objects", 1000
        with pytest.raises(Unreachable):
            ann.publish(tree)
        proxy.refuse = 0
        bob = Clone(tmp_path / "bob", (where, s3.options()))
        assert list(bob.shared.results(KEY)) == []
        ann.publish(tree)
        bob.now = shared_store.REMEMBERED
        assert len(list(bob.shared.results(KEY))) == 1


def test_a_store_that_is_away_is_told_once_and_not_asked_for_a_while(tmp_path):
    bob = Clone(tmp_path / "bob", (str(tmp_path / "gone"), {}))
    with pytest.raises(Unreachable):
        list(bob.shared.results(KEY))
    assert list(bob.shared.results(KEY)) == []
    bob.now = shared_store.AWAY
    with pytest.raises(Unreachable):
        list(bob.shared.results(KEY))


def test_what_is_there_already_moves_no_content(s3, tmp_path):
    where = s3.url(f"again-{tmp_path.name}")
    ann = Clone(tmp_path / "ann", (where, s3.options()))
    tree = ann.tree()
    ann.publish(tree)
    with faulty(s3) as proxy:
        again = Clone(tmp_path / "ann", (where, s3.options(proxy.port)))
        again.publish(tree, finished=1.8e9)
        assert sum(line.startswith("PUT") and "objects" in line for line in proxy.asked) <= 2
