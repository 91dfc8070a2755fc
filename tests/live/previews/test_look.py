"""What can be shown of a file: pictures by their bytes, texts with nothing hidden, arrays without unpickling."""

from __future__ import annotations

import base64
import io
import os
import pickle
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.live.previews.image import LARGEST, kind_of
from nbpipe.live.previews.look import look_into
from nbpipe.live.previews.parquet import is_safe
from nbpipe.live.previews.source import Source, encoding_of

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\0"))
        + chunk(b"IEND", b"")
    )


def source(folder: Path, name: str, data: bytes) -> Source:
    (folder / name).write_bytes(data)
    return Source(folder / name, name)


def test_a_picture_is_shown_as_what_its_bytes_are(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.jpg", png(1, 1)), 0, 1)
    assert (card.kind, card.image[:22]) == ("image", "data:image/png;base64,")
    assert base64.b64decode(card.image[22:]) == png(1, 1)


@pytest.mark.parametrize(
    "data", [b"<svg onload='x()'/>", b"", b"\x89PNG\r\n", png(60_000, 60_000), b"\xff\xd8\xff" + b"\xff" * 99]
)
def test_what_is_no_picture_or_would_fill_the_memory_is_none(tmp_path: Path, data: bytes) -> None:
    card = look_into(source(tmp_path, "a.png", data), 0, 1)
    assert (card.kind, card.image) == ("binary", "")


def test_a_picture_too_large_is_not_sent(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.png", png(1, 1) + bytes(LARGEST)), 0, 1)
    assert (card.kind, card.image) == ("binary", "")
    assert "too large" in card.note


def test_the_formats_of_the_web_are_known_by_their_bytes() -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x10\x00\x20"
    webp = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x0f\0\0\x1f\0\0"
    assert [kind_of(each) for each in (png(1, 1), GIF, jpeg, webp)] == ["png", "gif", "jpeg", "webp"]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_picture_or_none(data: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8L"):
        assert kind_of(start + data) in {"png", "jpeg", "gif", "webp", ""}


def test_svg_is_text(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.svg", b"<svg onload='x()'/>"), 0, 1)
    assert (card.kind, card.text) == ("text", "<svg onload='x()'/>")


@given(st.binary(max_size=200))
def test_nothing_hidden_leaves_in_a_text(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    card = look_into(source(tmp_path_factory.mktemp("data"), "a.txt", data), 0, 1)
    assert all(each.isprintable() or each in "\n\u200c\u200d" for each in card.text)


def test_json_is_laid_out_and_what_is_none_is_text(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.json", b'{"a":[1,"\\u202e"]}'), 0, 1)
    assert (card.kind, card.text) == ("json", '{\n  "a": [\n    1,\n    "[U+202E]"\n  ]\n}')
    for data in (b"{", b"[" * 100_000, b"9" * 5000, b"\xff"):
        assert look_into(source(tmp_path, "b.json", data), 0, 1).kind == "text"


def test_long_texts_show_their_beginning(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.txt", b"x" * 5000 + b"\n" * 300_000), 0, 1)
    assert card.cut
    assert card.text.startswith("x" * 1000 + "…\n")


def test_bytes_are_shown_in_hex(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "model.bin", bytes(range(20))), 0, 1)
    assert (card.kind, card.text.split("\n")[1]) == ("binary", "10 11 12 13")
    assert card.note == "20 B"


def test_encodings_are_told_from_the_beginning() -> None:
    euro = "€".encode()
    assert encoding_of(euro[:-1], whole=False) == "utf-8"
    assert encoding_of(euro[:-1], whole=True) == "latin-1"
    assert encoding_of("a".encode("utf-16"), whole=True) == "utf-16"


def test_an_array_is_read_by_pages_as_numpy_reads_it(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    for array in (
        numpy.arange(12.0).reshape(6, 2),
        numpy.arange(7, dtype=">i2"),
        numpy.array([[True], [False]]),
        numpy.arange(4, dtype="f2"),
    ):
        data = io.BytesIO()
        numpy.save(data, array)
        card = look_into(source(tmp_path, "a.npy", data.getvalue()), 1, 3)
        rows = array[1:4] if array.ndim == 2 else array[1:4, None]
        assert card.rows == tuple(tuple(map(str, row)) for row in rows.tolist())
        assert (card.total, card.first) == (len(array), 1)
        assert card.note.startswith(str(array.dtype.newbyteorder("=")))
    data = io.BytesIO()
    numpy.save(data, numpy.zeros((2, 3, 4)))
    assert look_into(source(tmp_path, "a.npy", data.getvalue()), 0, 3).note == "float64, 2 × 3 × 4"


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    data = io.BytesIO()
    numpy.save(data, numpy.array([Trap()], dtype=object), allow_pickle=True)
    card = look_into(source(tmp_path, "a.npy", data.getvalue()), 0, 3)
    assert "unpickling runs code" in card.note
    for name in ("a.pkl", "a.joblib", "a.pt"):
        assert look_into(source(tmp_path, name, pickle.dumps(Trap())), 0, 3).kind in {"binary", "text"}
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "head",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00__import__('os')", b"\x93NUMPY\x01\x00\x04\x00{{{{"],
)
def test_a_damaged_array_is_bytes(tmp_path: Path, head: bytes) -> None:
    assert look_into(source(tmp_path, "a.npy", head), 0, 3).kind == "binary"


def test_parquet_is_a_table_where_pyarrow_is(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"a": list(range(5000)), "b": [f"{number}" for number in range(4999)] + [None]})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    for first in (0, 699, 700, 4995):
        card = look_into(Source(tmp_path / "a.parquet", "a.parquet"), first, 10)
        numbers = list(range(first, min(first + 10, 5000)))
        assert card.rows == tuple((str(each), str(each) if each < 4999 else "") for each in numbers)
        assert (card.columns, card.total) == (("a", "b"), 5000)


def test_what_is_no_parquet_says_so(tmp_path: Path) -> None:
    card = look_into(source(tmp_path, "a.parquet", b"PAR1nothing"), 0, 3)
    assert card.kind == "binary"
    assert "Parquet" in card.note or "pyarrow" in card.note


@pytest.mark.parametrize("kind", ["pipe", "folder", "gone"])
def test_a_pipe_is_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.csv"
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "folder":
        path.mkdir()
    with pytest.raises(StoreError, match=r"a\.csv cannot be read"):
        look_into(Source(path, "a.csv"), 0, 1)


@pytest.mark.parametrize(
    ("version", "safe"), [("13.0.0", False), ("14.0.0", False), ("14.0.1", True), ("21.0.0.dev4", True)]
)
def test_a_pyarrow_that_may_run_what_a_file_holds_is_not_used(version: str, safe: bool) -> None:
    assert is_safe(SimpleNamespace(__version__=version)) is safe
