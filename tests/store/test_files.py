"""A file is whole or absent, whatever happens while it is written."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.store import files

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
