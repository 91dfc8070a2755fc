"""Facts about source files, remembered by content."""

from __future__ import annotations

from nbpipe.execution.sources import Sources
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder


def sources(root):
    state = StateFolder(root)
    return Sources(state, FileDigests(state))


def test_comments_change_the_content_and_not_the_syntax(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import os\nx = 1\n", "utf-8")
    one = sources(tmp_path).facts(path)
    path.write_text("import os  # files\n\nx=1\n", "utf-8")
    two = sources(tmp_path).facts(path)
    assert one.content != two.content
    assert one.syntax == two.syntax
    assert one.imports == two.imports == (("os", 0),)


def test_what_is_no_python_counts_by_its_bytes(tmp_path):
    path = tmp_path / "a.py"
    for data in (b"x = = 1\n", b"\xff\xfe", b"x = 1\0", b"(" * 1000):
        path.write_bytes(data)
        facts = sources(tmp_path).facts(path)
        assert (facts.syntax, facts.imports) == (f"bytes:{facts.content}", ())


def test_what_was_learned_is_there_for_the_next_process_and_damage_is_passed_over(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import os\n", "utf-8")
    learned = sources(tmp_path).facts(path)
    known = tmp_path / ".nbpipe/registry/sources.jsonl"
    before = known.read_bytes()
    assert sources(tmp_path).facts(path) == learned
    assert known.read_bytes() == before
    known.write_bytes(b'{torn\n[]\n{"content": 3}\n' + before)
    assert sources(tmp_path).facts(path) == learned
    known.unlink()
    known.mkdir()
    assert sources(tmp_path).facts(path) == learned


def test_a_workspace_that_cannot_be_written_is_read_all_the_same(tmp_path):
    (tmp_path / ".nbpipe").write_text("a file in the way", "utf-8")
    (tmp_path / "a.py").write_text("import os\n", "utf-8")
    assert sources(tmp_path).facts(tmp_path / "a.py").imports == (("os", 0),)
