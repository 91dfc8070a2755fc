"""What a step printed is read from its pieces: whole, from any byte on, and as far as they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.compute.slurm.job import OutputRead


def pieces(folder: Path, *texts: str) -> None:
    begin = 0
    for text in texts:
        (folder / f"stdout.{begin}").write_text(text)
        begin += len(text)


def read(stream: OutputRead) -> bytes:
    return b"".join(iter(stream.read, b""))


@pytest.mark.parametrize("offset", range(10))
def test_it_begins_at_any_byte(tmp_path: Path, offset: int) -> None:
    pieces(tmp_path, "abc", "def", "ghi", "")
    stream = OutputRead(tmp_path, "stdout", {"stdout": offset})
    assert read(stream) == b"abcdefghi"[offset:]
    assert stream.offset == 9


def test_what_comes_is_read_also_in_pieces_to_come(tmp_path: Path) -> None:
    stream = OutputRead(tmp_path, "stdout", {})
    assert read(stream) == b""
    pieces(tmp_path, "abc")
    assert read(stream) == b"abc"
    pieces(tmp_path, "abcde", "fg")
    assert read(stream) == b"defg"


def test_where_the_first_pieces_are_gone_the_keeper_is_told_how_far_it_was_read(tmp_path: Path) -> None:
    pieces(tmp_path, "abc", "def", "ghi")
    (tmp_path / "stdout.0").unlink()
    stream = OutputRead(tmp_path, "stdout", {})
    assert read(stream) == b"defghi"
    assert stream.offset == 9
