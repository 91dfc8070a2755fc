"""Data that no step makes: which files they are, what counts of them, what is told of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.node import DataSource
from nbpipe.errors import UsageError
from nbpipe.execution.source_data import content_digest, count_rows, find_data, shown_of, source_changed
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder


def source(*paths: str, is_file: bool = False) -> DataSource:
    return DataSource("data:x", "x", paths, is_file)


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def names(root: Path, *paths: str) -> list[str]:
    return list(find_data(source(*paths), root).files)


@pytest.fixture
def digests(tmp_path: Path) -> FileDigests:
    return FileDigests(StateFolder(tmp_path))


def test_one_file_is_itself_and_is_handed_out_by_its_path(tmp_path):
    found = find_data(source("raw.csv"), fill(tmp_path, raw_csv="1"))
    assert (list(found.files), found.path, found.is_file) == (["raw.csv"], tmp_path / "raw.csv", True)


def test_a_folder_is_all_its_files_and_is_handed_out_by_its_path(tmp_path):
    fill(tmp_path, data__a_csv="1", data__sub__b_csv="2")
    found = find_data(source("data"), tmp_path)
    assert (list(found.files), found.path, found.is_file) == (
        ["a.csv", "sub/b.csv"],
        tmp_path / "data",
        False,
    )


def test_a_glob_is_the_files_that_match_by_their_names_behind_its_fixed_part(tmp_path):
    fill(tmp_path, data__a_csv="1", data__sub__b_csv="2", data__c="3")
    assert names(tmp_path, "data/*.csv") == ["a.csv"]
    assert names(tmp_path, "data/**/*.csv") == ["a.csv", "sub/b.csv"]
    assert names(tmp_path, "d*/a.csv") == ["data/a.csv"]


def test_several_paths_are_one_folder(tmp_path):
    fill(tmp_path, one__a_csv="1", two__b_csv="2", three_csv="3")
    assert names(tmp_path, "one/*.csv", "two", "three.csv") == ["a.csv", "three.csv", "two/b.csv"]


def test_two_files_of_one_name_are_an_error_that_names_both(tmp_path):
    fill(tmp_path, one__a_csv="1", two__a_csv="2")
    with pytest.raises(UsageError, match=r"Two files of x are called a\.csv: .*one/a\.csv and .*two/a\.csv"):
        names(tmp_path, "one/*.csv", "two/*.csv")


def test_brackets_in_a_real_name_are_no_pattern(tmp_path):
    root = tmp_path / "work [1]"
    fill(root, **{"a[1]_csv": "1", "b_csv": "2"})
    assert names(root, "a[1].csv") == ["a[1].csv"]
    assert names(root, "*.csv") == ["a[1].csv", "b.csv"]
    assert names(tmp_path, f"{root}/*.csv") == ["a[1].csv", "b.csv"]


@pytest.mark.parametrize(
    ("paths", "fact"),
    [
        (("absent.csv",), "there is no absent.csv"),
        (("RAW.csv",), "there is no RAW.csv; there is raw.csv"),
        (("rwa.csv",), "there is no rwa.csv; there is raw.csv"),
        (("*.tsv",), "nothing matches \\*.tsv in "),
        (("absent/*.csv",), "nothing matches absent/\\*.csv in "),
        (("raw.csv", "absent.csv"), "there is no absent.csv"),
        (("pipe",), "pipe is neither a file nor a folder"),
        (("gone",), "there is no gone"),
    ],
)
def test_what_is_not_there_is_an_error(tmp_path, paths, fact):
    fill(tmp_path, raw_csv="1")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=fact):
        names(tmp_path, *paths)


def test_a_folder_is_no_single_file(tmp_path):
    fill(tmp_path, data__a_csv="1")
    with pytest.raises(UsageError, match="data is a folder"):
        find_data(source("data", is_file=True), tmp_path)


def test_links_count_as_what_they_lead_to_and_circles_end(tmp_path):
    fill(tmp_path, far__b_csv="2", data__a_csv="1")
    (tmp_path / "data" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "data" / "self").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "c.csv").symlink_to(tmp_path / "far" / "b.csv")
    assert names(tmp_path, "data") == ["a.csv", "c.csv", "far/b.csv"]


def test_where_data_lie_does_not_count_and_names_inside_do(tmp_path, digests):
    fill(tmp_path, one__a_csv="1", two__a_csv="1", three__b_csv="1", x_csv="1", y_csv="1")

    def digest(*paths):
        return content_digest(find_data(source(*paths), tmp_path), digests)

    assert digest("one") == digest("two") == digest("one/*.csv") != digest("three")
    assert digest("x.csv") == digest("y.csv")


@given(
    st.dictionaries(
        st.text("ab.c", min_size=1).filter(lambda name: name.strip(".")), st.binary(max_size=3), max_size=4
    )
)
def test_equal_content_has_equal_digests_and_other_content_another(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("data")
    digests = FileDigests(StateFolder(folder))

    def written(name: str) -> str:
        (folder / name).mkdir()
        for file, data in files.items():
            (folder / name / file).write_bytes(data)
        return content_digest(find_data(source(name), folder), digests)

    one, two = written("one"), written("two")
    assert one == two
    (folder / "two" / "added").write_bytes(b"")
    assert content_digest(find_data(source("two"), folder), digests) != one


class Watched:
    """Data as they were hashed, and whether they have changed since."""

    def __init__(self, root: Path, path: str, digests: FileDigests) -> None:
        found = find_data(source(path), root)
        self.before = source(path), root, content_digest(found, digests), digests

    def changed(self) -> bool:
        return source_changed(*self.before)


def test_a_touched_file_has_not_changed_and_an_edited_one_has(tmp_path, digests):
    path = fill(tmp_path, raw_csv="1") / "raw.csv"
    watched = Watched(tmp_path, "raw.csv", digests)
    os.utime(path, ns=(0, time.time_ns()))
    path.chmod(0o600)
    assert not watched.changed()
    path.write_text("2", "utf-8")
    assert watched.changed()


def test_a_file_that_comes_or_goes_is_a_change(tmp_path, digests):
    fill(tmp_path, data__a_csv="1")
    watched = Watched(tmp_path, "data", digests)
    fill(tmp_path, data__b_csv="2")
    assert watched.changed()
    (tmp_path / "data" / "b.csv").unlink()
    assert not watched.changed()
    (tmp_path / "data" / "a.csv").unlink()
    assert watched.changed()
    (tmp_path / "data").rmdir()
    assert watched.changed()


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.csv", "a,b\n1,2\n", 1),
        ("a.csv", 'a,b\n"1\n2",3\n\n', 1),
        ("a.csv", "", 0),
        ("a.tsv", "a\tb\n1\t2\n3\t4", 2),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', 2),
        ("a.txt", "1\n2\n", None),
        ("a.csv", "\xff\n", None),
    ],
)
def test_rows_are_counted_where_they_are_known_for_sure(tmp_path, name, text, rows):
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert count_rows(tmp_path / name) == rows


def test_what_is_shown_of_data_is_name_size_and_rows(tmp_path, digests):
    fill(tmp_path, raw_csv="a\n1\n", data__a_csv="a\n", data__b_csv="a\n1\n")
    found = find_data(source("raw.csv"), tmp_path)
    assert shown_of(source("raw.csv"), found, content_digest(found, digests)) == {
        "name": "x", "bytes": 4, "files": 1, "rows": 1,
    }  # fmt: skip
    found = find_data(source("data"), tmp_path)
    assert shown_of(source("data"), found, content_digest(found, digests)) == {
        "name": "x",
        "bytes": 6,
        "files": 2,
    }
