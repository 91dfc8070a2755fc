"""Which files of a folder are its code."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.execution.ignore import DEFAULT_IGNORES, PlainFolders, code_files


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    return folder


def seen(folder: Path) -> list[str]:
    return [name for name, _ in code_files(folder)]


LEFT_OUT = [
    ".git/HEAD", "__pycache__/a.cpython-311.pyc", "old.pyc", ".ipynb_checkpoints/a.py", "a.ipynb", ".venv/pyvenv.cfg",
    "venv/pyvenv.cfg", "node_modules/x/index.js", ".pytest_cache/v", ".mypy_cache/v", ".DS_Store",
    "a.egg-info/PKG-INFO", ".nbpipe/VERSION", ".gitignore", ".amlignore",
]  # fmt: skip


def test_what_tools_leave_in_a_folder_is_no_code_at_any_depth(tmp_path):
    fill(tmp_path, "a.py", "sub/b.py", *LEFT_OUT, *(f"sub/{name}" for name in LEFT_OUT))
    assert seen(tmp_path) == ["a.py", "sub/b.py"]


def test_an_ignore_file_takes_back_what_is_left_out_by_default(tmp_path):
    fill(tmp_path, "a.py", "a.ipynb", "b.ipynb", ".DS_Store")
    (tmp_path / ".gitignore").write_text("!a.ipynb\n!.gitignore\n", "utf-8")
    assert seen(tmp_path) == [".gitignore", "a.ipynb", "a.py"]


def test_amlignore_stands_in_for_gitignore(tmp_path):
    fill(tmp_path, "a.py", "one.txt", "two.txt")
    (tmp_path / ".gitignore").write_text("one.txt\n", "utf-8")
    assert seen(tmp_path) == ["a.py", "two.txt"]
    (tmp_path / ".amlignore").write_text("two.txt\n", "utf-8")
    assert seen(tmp_path) == ["a.py", "one.txt"]


def test_only_the_ignore_file_of_the_root_is_read(tmp_path):
    fill(tmp_path, "a.py", "sub/b.py")
    (tmp_path / "sub" / ".gitignore").write_text("b.py\n", "utf-8")
    assert seen(tmp_path) == ["a.py", "sub/b.py"]


def test_patterns_are_those_of_git(tmp_path):
    fill(
        tmp_path,
        "a.log",
        "sub/b.log",
        "keep.log",
        "build/x.py",
        "sub/build/y.py",
        "docs/d.txt",
        "docs/deep/e.txt",
    )
    (tmp_path / ".amlignore").write_text("# logs\n*.log\n!keep.log\n/build/\ndocs/**/e.txt\n", "utf-8")
    assert seen(tmp_path) == ["docs/d.txt", "keep.log", "sub/build/y.py"]


def test_an_ignore_file_that_is_no_text_ignores_what_it_can(tmp_path):
    fill(tmp_path, "a.py", "b.txt")
    (tmp_path / ".amlignore").write_bytes(b"\xff\xfe\nb.txt\n")
    assert seen(tmp_path) == ["a.py"]


def test_links_are_followed_and_never_in_a_circle(tmp_path):
    fill(tmp_path / "code", "a.py")
    fill(tmp_path / "lib", "b.py")
    (tmp_path / "code" / "lib").symlink_to(tmp_path / "lib")
    (tmp_path / "code" / "self").symlink_to(tmp_path / "code")
    (tmp_path / "code" / "b.py").symlink_to(tmp_path / "lib" / "b.py")
    (tmp_path / "code" / "gone.py").symlink_to(tmp_path / "nowhere")
    assert seen(tmp_path / "code") == ["a.py", "b.py", "lib/b.py"]


@given(
    st.lists(st.sampled_from([name for name in DEFAULT_IGNORES if "*" not in name]), min_size=1, unique=True)
)
def test_every_default_can_be_taken_back(tmp_path_factory, names):
    folder = fill(
        tmp_path_factory.mktemp("code"), *(f"{name}/x.txt" for name in names if "ignore" not in name)
    )
    (folder / ".amlignore").write_text("".join(f"!{name}\n" for name in names), "utf-8")
    found = {name.partition("/")[0] for name in seen(folder)}
    assert found == {name for name in names if name != ".gitignore"}


def much_later() -> int:
    return time.time_ns() + 60_000_000_000


def test_a_folder_of_plain_files_is_remembered_until_a_file_comes_or_goes(tmp_path):
    folders = PlainFolders(much_later)
    fill(tmp_path, "a.py", "__pycache__/a.pyc")
    first = folders.files(str(tmp_path))
    assert first == dict(code_files(tmp_path)) == {"a.py": tmp_path / "a.py"}
    assert folders.files(str(tmp_path)) is first
    fill(tmp_path, "b.py")
    assert list(folders.files(str(tmp_path))) == ["a.py", "b.py"]
    (tmp_path / "a.py").unlink()
    assert list(folders.files(str(tmp_path))) == ["b.py"]


@pytest.mark.parametrize("name", ["sub/b.py", ".gitignore", ".amlignore"])
def test_a_folder_with_more_than_plain_files_is_none_of_them(tmp_path, name):
    folders = PlainFolders(much_later)
    fill(tmp_path, "a.py")
    assert folders.files(str(tmp_path)) is not None
    fill(tmp_path, name)
    assert folders.files(str(tmp_path)) is None


def test_a_folder_with_a_link_or_of_which_nothing_is_there_is_none_of_them(tmp_path):
    folders = PlainFolders(much_later)
    assert folders.files(str(tmp_path / "gone")) is None
    (fill(tmp_path / "code", "a.py") / "b.py").symlink_to(tmp_path)
    assert folders.files(str(tmp_path / "code")) is None


def test_what_was_seen_of_a_young_folder_is_looked_at_again(tmp_path):
    folders = PlainFolders()
    fill(tmp_path, "a.py")
    assert folders.files(str(tmp_path)) is not folders.files(str(tmp_path))
