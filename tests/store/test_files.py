"""A file is whole or absent, whatever happens while it is written."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.store import files
from nbpipe.store.locks import Lock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def crash(*_args, **_kwargs):
    raise KeyboardInterrupt


def test_a_write_replaces_the_whole(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"b": "é\udc80"}, durable=True)
    assert files.read_json(path) == {"b": "é\udc80"}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_crash_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})
    monkeypatch.setattr(os, call, crash)
    with pytest.raises(KeyboardInterrupt):
        files.write_json(path, {"a": 2}, durable=True)
    assert files.read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_the_remedy(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with (
        pytest.raises(StoreError, match="No space left on device") as caught,
        files.storing(tmp_path / "a"),
    ):
        Path("/dev/full").write_bytes(b"a")
    assert "nbpipe gc" in str(caught.value)


def test_of_many_creators_one_wins_and_its_content_stays(tmp_path):
    path = tmp_path / "a.json"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: files.create_json(path, {"by": n}), range(24)))
    assert won.count(True) == 1
    assert files.read_json(path) == {"by": won.index(True)}
    assert list(tmp_path.iterdir()) == [path]


def test_creation_works_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert files.create_json(tmp_path / "a.json", [1], durable=True)
    assert not files.create_json(tmp_path / "a.json", [2])
    assert files.read_json(tmp_path / "a.json") == [1]


def test_a_missing_file_and_a_damaged_one_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_json(tmp_path / "a.json")
    for data in (b"", b"{", b"\xff", b"[" * 100_000):
        (tmp_path / "a.json").write_bytes(data)
        with pytest.raises(StoreError, match=r"a\.json is damaged"):
            files.read_json(tmp_path / "a.json")


@given(st.lists(JSON, max_size=6), st.binary(max_size=9), st.data())
def test_lines_are_read_up_to_where_a_crash_cut_them(tmp_path_factory, entries, torn, data):
    path = tmp_path_factory.mktemp("lines") / "log"
    for entry in entries:
        files.append_line(path, entry)
    whole = path.read_bytes() if path.exists() else b""
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut] + torn.replace(b"\n", b"?"))
    kept = whole[:cut].count(b"\n")
    found, offset = files.read_lines(path)
    assert found == entries[:kept]
    files.append_line(path, "after")
    more, _ = files.read_lines(path, offset)
    assert more[-1:] == ["after"]


def test_a_damaged_line_is_counted_and_passed_over(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\nnonsense\n\n\0\0\0\n\xff\n{"a":2}\n{"a":')
    found, offset = files.read_lines(path)
    assert found == [{"a": 1}, {"a": 2}]
    assert found.damaged == 2
    assert offset == path.stat().st_size - len('{"a":')
    assert files.read_lines(path, offset) == ([], offset)
    assert files.read_lines(tmp_path / "none", 5) == ([], 5)


def test_lines_of_many_writers_do_not_mix(tmp_path):
    path = tmp_path / "log"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: files.append_line(path, {"n": n, "text": "x" * 5000}), range(100)))
    found, _ = files.read_lines(path)
    assert sorted(entry["n"] for entry in found) == list(range(100))


def test_what_is_damaged_moves_aside_under_a_telling_name(state):
    state.ensure()
    path = state.results / "ab" / "3.json"
    path.parent.mkdir()
    places = []
    for text in ("one", "two"):
        path.write_text(text)
        places.append(files.set_aside(path))
    assert [place.read_text() for place in places] == ["one", "two"]
    assert all(
        place.parent == state.tmp / "damaged" and place.name.startswith("results-ab-3.json-")
        for place in places
    )
    assert files.set_aside(path) is None


def test_outside_a_state_folder_it_stays_beside(tmp_path):
    (tmp_path / "a").mkdir()
    assert files.set_aside(tmp_path / "a").parent == tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_read_only_trees_can_be_removed(tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").touch(mode=0o444)
    (tree / "link").symlink_to(tmp_path)
    (tree / "sub").chmod(0o500)
    user = os.geteuid()
    try:
        if user == 0:  # root may remove anything; another user needs the modes mended
            for path in (tmp_path, tree, tree / "sub", tree / "sub" / "file"):
                os.chown(path, 65534, 65534)
            for parent in [tmp_path, *tmp_path.parents][:4]:
                parent.chmod(parent.stat().st_mode | 0o011)
            os.seteuid(65534)
        files.remove_tree(tree)
    finally:
        os.seteuid(user)
    assert list(tmp_path.iterdir()) == []
    files.remove_tree(tree)


def test_json_is_readable_by_others(tmp_path):
    files.write_json(tmp_path / "a", {"a": [1, "ü"]})
    assert json.loads((tmp_path / "a").read_text("ascii")) == {"a": [1, "ü"]}


# A state folder that somebody else may have made.


CHANGES = {
    "a write": lambda path: files.write_json(path, {}),
    "a creation": lambda path: files.create_json(path, {}),
    "a line": lambda path: files.append_line(path, {}, anew=True),
    "a folder": lambda path: files.own_folder(path / "below"),
    "a removal": files.remove_tree,
    "a lock": lambda path: Lock(path).acquire(),
    "setting aside": files.set_aside,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("linked", ["registry", "registry/steps"])
def test_no_change_goes_through_a_link_in_the_state(state, tmp_path, change, linked):
    state.ensure()
    outside = tmp_path / "outside"
    (outside / "steps").mkdir(parents=True)
    for folder in (outside, outside / "steps"):
        (folder / "a.jsonl").write_text("precious\n")
    place = state.path / linked
    if place.exists():
        place.rmdir()
    place.symlink_to(outside)
    before = sorted(outside.rglob("*"))
    with pytest.raises(OSError, match=r"symbolic link|Cannot write"):
        CHANGES[change](state.registry / "steps" / "a.jsonl")
    assert sorted(outside.rglob("*")) == before
    assert (outside / "a.jsonl").read_text() == (outside / "steps" / "a.jsonl").read_text() == "precious\n"


def test_damaged_things_are_not_moved_through_a_link(state, tmp_path):
    state.ensure()
    (state.tmp).rmdir()
    state.tmp.symlink_to(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    (state.registry / "a.json").write_text("{")
    with pytest.raises(StoreError):
        files.set_aside(state.registry / "a.json")
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_state_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".nbpipe").symlink_to(tmp_path / "elsewhere")
    files.own_folder(tmp_path / ".nbpipe" / "registry")
    files.append_line(tmp_path / ".nbpipe" / "registry" / "a.jsonl", 1)
    assert (tmp_path / "elsewhere" / "registry" / "a.jsonl").read_text() == "1\n"


@pytest.mark.parametrize("anew", [True, False])
def test_a_line_is_not_written_into_a_file_of_another_name_too(tmp_path, anew):
    path, other = tmp_path / "a.jsonl", tmp_path / "other.txt"
    other.write_text("1\n")
    os.link(other, path)
    files.append_line(path, 2, anew=anew)
    assert (path.read_text(), other.read_text()) == ("1\n2\n", "1\n")


def test_a_lock_is_never_a_file_of_another_name_too(tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("precious\n")
    for name in ("gc", "run-ids"):
        os.link(other, tmp_path / name)
    with Lock(tmp_path / "gc"), Lock(tmp_path / "run-ids"):  # as one file they would wait for each other
        assert other.read_text() == "precious\n"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_removing_a_read_only_tree_leaves_the_modes_of_what_lies_outside():
    root = Path(tempfile.mkdtemp())
    user = os.geteuid()
    try:
        if user == 0:
            root.chmod(0o777)
            os.seteuid(65534)  # permissions bind nobody, but not root
        outside, tree = root / "outside.txt", root / "tree"
        outside.write_text("precious")
        outside.chmod(0o640)
        tree.mkdir()
        (tree / "link").symlink_to(outside)
        os.link(outside, tree / "other")
        (tree / "alone").symlink_to("nowhere")
        tree.chmod(0o500)
        with pytest.raises(PermissionError):  # it is not the link that cannot be written
            files.remove_tree(tree / "link")
        assert outside.stat().st_mode & 0o777 == 0o640
        files.remove_tree(tree)
        assert not tree.exists()
        assert outside.stat().st_mode & 0o777 == 0o640
    finally:
        os.seteuid(user)
        shutil.rmtree(root)
