"""A step's code: found on disk, laid out again from the store."""

from __future__ import annotations

import pytest

from nbpipe.core.node import CellSource, FolderSource, Node
from nbpipe.errors import UsageError
from nbpipe.execution import staging
from nbpipe.execution.modules import Look
from nbpipe.execution.sources import Sources
from nbpipe.execution.staging import Snapshot, lay_out, script_problem, take_snapshot
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore


def fill(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", "utf-8")


def cell(*extra):
    return Node("a", "a", "a.py", CellSource("steps/a/a.py", ".", extra))


def folder(script, where="src"):
    return Node("a", "a", script, FolderSource(where))


def snapshot(root, node):
    return take_snapshot(node, root, [], Look(Sources(StateFolder(root), FileDigests(StateFolder(root)))))


def test_a_cell_is_its_script_its_modules_and_what_it_takes_along(tmp_path):
    fill(
        tmp_path,
        "near.py",
        "far.py",
        "data.txt",
        "lib/one.txt",
        "lib/__pycache__/x.pyc",
        "steps/a/beside.txt",
    )
    fill(tmp_path, "steps/a/a.py")
    (tmp_path / "steps/a/a.py").write_text("import near\n", "utf-8")
    taken = snapshot(tmp_path, cell("data.txt", "lib"))
    assert list(taken.files) == ["a.py", "data.txt", "lib/one.txt", "near.py"]
    assert taken.by_syntax


def test_a_folder_is_all_that_is_not_ignored(tmp_path):
    fill(tmp_path, "src/a.py", "src/b.txt", "src/deep/c.py", "src/.git/HEAD")
    taken = snapshot(tmp_path, folder("a.py"))
    assert list(taken.files) == ["a.py", "b.txt", "deep/c.py"]
    assert not taken.by_syntax


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (cell(), "its file steps/a/a.py is gone"),
        (folder("a.py", "absent"), "there is no folder absent"),
        (folder("absent.py"), "there is no absent.py in src"),
        (folder("../outside.py"), "../outside.py lies outside src"),
        (folder("x" * 300), f"there is no {'x' * 300} in src"),
        (folder("a\0.py"), "there is no a\0.py in src"),
        (folder("deep"), "there is no deep in src"),
    ],
)
def test_a_script_that_cannot_be_found_says_where_it_was_looked_for(tmp_path, node, problem):
    fill(tmp_path, "src/a.py", "src/deep/b.py", "outside.py")
    assert script_problem(node, tmp_path) == problem
    with pytest.raises(UsageError):
        snapshot(tmp_path, node)


def test_what_is_to_be_taken_along_and_is_not_there_is_an_error(tmp_path):
    fill(tmp_path, "steps/a/a.py")
    with pytest.raises(UsageError, match=r"it takes absent\.txt along, and there is no such file"):
        snapshot(tmp_path, cell("absent.txt"))


def test_a_copy_has_the_files_of_the_store_with_their_bits_and_is_no_ones_but_the_steps(tmp_path):
    state = StateFolder(tmp_path)
    store = ObjectStore(state, FileDigests(state))
    digest = store.put_bytes(b"text")
    target = tmp_path / "work"
    lay_out({"a.py": digest, "deep/tool": digest}, {"deep/tool": 0o700}, store, target)
    assert [(target / name).stat().st_mode & 0o777 for name in ("a.py", "deep/tool")] == [0o600, 0o700]
    (target / "a.py").write_text("changed", "utf-8")
    assert store.get_bytes(digest) == b"text"


def test_a_very_large_snapshot_is_told_with_its_largest_files(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "WARN_FILES", 2)
    fill(tmp_path, "a", "b", "c")
    (tmp_path / "b").write_bytes(bytes(3 * 2**20))
    files = {name: tmp_path / name for name in ("a", "b", "c")}
    assert Snapshot(dict(list(files.items())[:2]), by_syntax=False).warning() == ""
    told = Snapshot(files, by_syntax=False).warning()
    assert told.startswith("its code has 3 files, 3 MB; the largest: b (3 MB), ")
    assert ".amlignore" in told
