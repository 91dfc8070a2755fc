"""Equal content has equal manifests; nothing in one leads out of its folder."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.store.digests import FileDigests, digest_bytes
from nbpipe.store.layout import StateFolder
from nbpipe.store.manifest import Entry, Manifest, describe

DIGEST = "0" * 64
NAMES = st.sampled_from(["a", "b", "a.txt", "é", "Z", " ", "-", "\udcff", "n\nl"])
TREES = st.recursive(
    st.tuples(st.binary(max_size=4), st.booleans()),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def write(path: Path, tree) -> None:
    if isinstance(tree, dict):
        path.mkdir()
        for name, inner in tree.items():
            write(path / name, inner)
    else:
        path.write_bytes(tree[0])
        path.chmod(0o700 if tree[1] else 0o600)


@pytest.fixture
def look(state):
    return lambda path, kind="folder": describe(path, kind, FileDigests(state))


@given(st.dictionaries(NAMES, TREES, max_size=3), st.dictionaries(NAMES, TREES, max_size=3))
def test_equal_content_has_equal_digests_and_only_that(tmp_path_factory, one, two):
    root = tmp_path_factory.mktemp("trees")
    digests = FileDigests(StateFolder(root))
    write(root / "one", one)
    write(root / "two", two)
    write(root / "again", dict(reversed(one.items())))
    found = {name: describe(root / name, "folder", digests) for name in ("one", "two", "again")}
    assert found["one"].digest == found["again"].digest
    assert (found["one"].digest == found["two"].digest) == (one == two)
    assert Manifest.from_json(found["one"].to_bytes()) == found["one"]


def test_a_manifest_tells_all_there_is(tmp_path, look):
    folder = tmp_path / "model"
    write(folder, {"b": (b"12", False), "a": {"run.sh": (b"123", True)}, "a.txt": (b"", False), "empty": {}})
    (folder / "a" / "up").symlink_to("../b")
    found = look(folder)
    assert found.entries == (
        Entry("a", "folder"),
        Entry("a.txt", "file", 0, 0o644, digest_bytes(b"")),
        Entry("a/run.sh", "file", 3, 0o755, digest_bytes(b"123")),
        Entry("a/up", "link", target="../b"),
        Entry("b", "file", 2, 0o644, digest_bytes(b"12")),
        Entry("empty", "folder"),
    )
    assert (found.total_size, found.file_count) == (5, 3)


def test_a_file_is_known_by_content_and_name(tmp_path, look):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    assert look(tmp_path / "a", "file").entries == (Entry("a", "file", 4, 0o644, digest_bytes(b"same")),)
    assert look(tmp_path / "a", "file").digest != look(tmp_path / "b", "file").digest


def test_neither_time_nor_place_counts(tmp_path, look):
    for name in ("here", "there"):
        write(tmp_path / name, {"a": (b"1", False)})
    os.utime(tmp_path / "there" / "a", (1, 1))
    (tmp_path / "there").chmod(0o755)
    (tmp_path / "there" / "a").chmod(0o444)
    assert look(tmp_path / "here").digest == look(tmp_path / "there").digest


def test_the_wrong_kind_is_refused(tmp_path, look):
    (tmp_path / "file").touch()
    for path, kind in ((tmp_path / "file", "folder"), (tmp_path, "file")):
        with pytest.raises(StoreError, match=f"is not a {kind}"):
            look(path, kind)
    with pytest.raises(StoreError, match="cannot be read"):
        look(tmp_path / "none")


@pytest.mark.parametrize("target", ["../../etc", "/etc/passwd", "..", "sub/../../x", "up/../../x"])
def test_a_link_that_leads_out_is_named(tmp_path, look, target):
    folder = tmp_path / "model"
    write(folder, {"sub": {}, "inner": {"deep": {}}})
    (folder / "up").symlink_to("inner")
    (folder / "latest").symlink_to(target)
    with pytest.raises(StoreError) as caught:
        look(folder)
    assert caught.value.fact == f"model/latest links out of its folder to {target}."


def test_links_that_stay_inside_are_kept_as_they_lead(tmp_path, look):
    folder = tmp_path / "model"
    write(folder, {"v1": {"w": (b"1", False)}})
    said = {
        "latest": "v1", "dotted": "./v1/../v1", "whole": str(folder / "v1"), "through": "latest/w", "nothing":
        "v2", "itself": "itself", "v1/root": "..", "v1/over": "../latest/w",
    }  # fmt: skip
    for name, target in said.items():
        (folder / name).symlink_to(target)
    found = look(folder)
    assert {entry.path: entry.target for entry in found.entries if entry.type == "link"} == {
        "latest": "v1", "dotted": "v1", "whole": "v1", "through": "v1/w", "nothing": "v2",
        "itself": "itself", "v1/root": "..", "v1/over": "w",
    }  # fmt: skip
    assert Manifest.from_json(found.to_bytes()) == found


def test_a_folder_reached_by_a_link_is_read(tmp_path, look):
    write(tmp_path / "data", {"a": (b"1", False)})
    (tmp_path / "data" / "l").symlink_to("a")
    (tmp_path / "link").symlink_to("data")
    assert look(tmp_path / "link") == look(tmp_path / "data")


@pytest.mark.skipif(sys.platform == "win32", reason="special files are POSIX's")
def test_pipes_and_sockets_are_named(tmp_path, look, monkeypatch):
    for name in ("pipe", "socket"):
        (tmp_path / f"with-{name}").mkdir()
    os.mkfifo(tmp_path / "with-pipe" / "p")
    monkeypatch.chdir(tmp_path / "with-socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("p")
    for name in ("pipe", "socket"):
        with pytest.raises(StoreError, match=f"with-{name}/p is a {name}"):
            look(tmp_path / f"with-{name}")


def test_very_deep_folders_are_no_trouble(tmp_path, look):
    path = tmp_path / "deep"
    path.mkdir()
    for _ in range(300):
        path = path / "d"
        path.mkdir()
    assert len(look(tmp_path / "deep").entries) == 300


def manifest(*entries, kind="folder", fmt=1):
    return json.dumps({"format": fmt, "kind": kind, "entries": list(entries)}).encode()


def a_file(path, **more):
    return {"path": path, "type": "file", "size": 1, "mode": 0o644, "digest": DIGEST, **more}


def a_link(path, target):
    return {"path": path, "type": "link", "target": target}


def a_folder(path):
    return {"path": path, "type": "folder"}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"\xff", b'{"format":1}', manifest(kind="tree"), manifest(kind="file"), manifest("a"),
        manifest(a_file("/etc/passwd")), manifest(a_file("../a")), manifest(a_file("a/../b")),
        manifest(a_file("")), manifest(a_file("a//b")), manifest(a_file("./a")), manifest(a_file("a\0b")),
        manifest(a_file("a"), a_file("a")), manifest(a_file("b"), a_file("a")), manifest(a_file("a/b")),
        manifest(a_link("a", "b"), a_file("a/b")), manifest(a_file("a", size=-1)), manifest(a_file("a",
        size="1")), manifest(a_file("a", mode=0o4755)), manifest(a_file("a", digest="x")),
        manifest(a_file("a", extra=1)), manifest(a_file(1)), manifest(a_link("a", "/etc")),
        manifest(a_link("a", "..")), manifest(a_link("a", "b/..")), manifest(a_link("a", "")),
        manifest(a_folder("d"), a_link("d/a", "../..")), manifest(a_link("a", "b/../../c")),
        manifest(a_link("a", "b\0")), manifest({"path": "a", "type": "device"}), manifest(a_folder("d"),
        a_file("d/a"), kind="file"),
    ],
)  # fmt: skip
def test_a_manifest_that_leads_out_or_is_no_manifest_is_refused(data):
    with pytest.raises(StoreError, match="A manifest is damaged"):
        Manifest.from_json(data)


def test_a_newer_manifest_is_refused_as_such():
    with pytest.raises(StoreError, match="newer nbpipe"):
        Manifest.from_json(manifest({"path": "a", "new": 1}, fmt=2))
