"""What a step prints arrives whole, in order, at once, within bounds and without its secrets."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import StoreError
from nbpipe.execution import logs
from nbpipe.execution.logs import LogWriter, Position, StepLog

streams = st.sampled_from(logs.STREAMS)
writes = st.lists(st.tuples(streams, st.binary(max_size=12)), max_size=30)


def merged(chunks):
    """Neighbours of one stream as one, empty ones gone."""
    out = []
    for stream, data in chunks:
        if out and out[-1][0] == stream:
            out[-1] = (stream, out[-1][1] + data)
        elif data:
            out.append((stream, data))
    return out


def of(stream, chunks):
    return b"".join(data for name, data in chunks if name == stream)


@given(st.lists(st.one_of(st.tuples(streams, st.binary(max_size=6)), st.integers(1, 9)), max_size=30))
def test_a_reader_who_looks_at_any_time_sees_all_in_order(actions):
    """A number is a look of a reader with so much room."""
    with tempfile.TemporaryDirectory() as folder:
        writer, log, position = LogWriter(Path(folder)), StepLog(Path(folder)), None
        written, seen = [], []
        for action in actions:
            if isinstance(action, int):
                chunks, position = log.read(position, limit=action)
                assert sum(len(data) for _, data in chunks) <= action
                seen += chunks
            else:
                writer.write(*action)
                written.append(action)
        seen += log.read(position)[0]
        assert merged(seen) == merged(written)
        writer.close()
        assert merged(log.read()[0]) == merged(written)
        assert log.read(log.read()[1])[0] == []


def test_readers_and_writer_at_once_agree(tmp_path):
    writer, seen = LogWriter(tmp_path), []
    written = [(logs.STREAMS[n * n % 3 % 2], b"%d\n" % n) for n in range(3000)]
    done = threading.Event()

    def follow():
        position = Position()
        while True:
            last = done.is_set()
            chunks, position = StepLog(tmp_path).read(position)
            seen.extend(chunks)
            if last:
                return

    reader = threading.Thread(target=follow)
    reader.start()
    for stream, data in written:
        writer.write(stream, data)
    writer.close()
    done.set()
    reader.join()
    assert merged(seen) == merged(written)


def test_output_is_there_before_the_log_is_closed(tmp_path):
    writer = LogWriter(tmp_path)
    writer.write("stdout", b"half a line")
    assert StepLog(tmp_path).text() == "half a line"
    writer.close()


def test_one_stream_costs_one_line_of_order(tmp_path):
    writer = LogWriter(tmp_path)
    for _ in range(1000):
        writer.write("stdout", b"x")
    writer.close()
    assert (tmp_path / "order").read_bytes() == b"o 1000\n"


def test_logs_are_their_owners_alone(tmp_path):
    writer = LogWriter(tmp_path / "new")
    writer.write("stdout", b"out")
    writer.write("stderr", b"err")
    writer.close()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}


@given(writes, st.integers(8, 60))
def test_head_and_tail_are_kept_and_what_is_missing_is_counted(actions, limit):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = LogWriter(folder, limit=limit)
        for stream, data in actions:
            writer.write(stream, data)
        writer.close()
        assert {path.name for path in folder.iterdir()} <= {"order", "stderr.log", "stdout.log"}
        kept = 0
        for stream in logs.STREAMS:
            whole, found = of(stream, actions), StepLog(folder).tail(stream, 10_000)
            head, notice, tail = cut(found)
            missing = len(whole) - len(head) - len(tail)
            assert whole.startswith(head)
            assert whole.endswith(tail)
            assert (f"{missing:,} bytes of {stream}".encode() in notice) if missing else not notice
            kept += len(head) + len(tail)
        total = sum(len(data) for _, data in actions)
        assert kept == total if total <= limit // 2 else limit // 2 <= kept <= limit


def cut(found: bytes):
    """Head, notice and tail of one stream's log; what is whole is all head."""
    head, mark, rest = found.partition(b"\n[nbpipe: ")
    notice, _, tail = rest.partition(b"]\n")
    return head, mark + notice, tail


@pytest.mark.parametrize("limit", [8, 16, 1000])
def test_the_last_bytes_of_a_stream_are_known_at_any_time(tmp_path, limit):
    writer = LogWriter(tmp_path, limit=limit)
    for digit in b"0123456789":
        writer.write("stderr", bytes([digit]))
        assert writer.tail("stderr", 2) == b"0123456789"[max(0, digit - 49) : digit - 47]
    writer.close()
    assert writer.tail("stderr", 2) == b"89"
    assert writer.tail("stdout", 2) == b""


def test_a_secret_in_pieces_is_masked_in_each_stream(tmp_path):
    writer = LogWriter(tmp_path, secrets=["hunter22", ""])
    for stream, data in (("stdout", b"a hunt"), ("stderr", b"hun"), ("stdout", b"er22 b"), ("stderr", b"t")):
        writer.write(stream, data)
    writer.close()
    assert StepLog(tmp_path).text("stdout") == "a *** b"
    assert StepLog(tmp_path).text("stderr") == "hunt"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "AABBaabb"),
        (b"o 2\ne 2\no 2", "AAaaBBbb"),  # the last line without its end
        (b"o 2\n\0\0\0\0\n", "AABBaabb"),
        (b"o 2\nx 2\n", "AABBaabb"),
        (b"o " + b"9" * 5000 + b"\n", "AABBaabb"),
    ],
)
def test_without_a_sound_order_nothing_is_lost(tmp_path, order, expected):
    writer = LogWriter(tmp_path)
    for stream, data in (("stdout", b"AA"), ("stderr", b"aa"), ("stdout", b"BB"), ("stderr", b"bb")):
        writer.write(stream, data)
    writer.close()
    (tmp_path / "order").unlink()
    if order is not None:
        (tmp_path / "order").write_bytes(order)
    assert StepLog(tmp_path).text() == expected


def test_a_log_that_is_not_there_is_empty(tmp_path):
    log = StepLog(tmp_path / "none")
    assert (log.text(), log.text("stderr"), log.size(), log.read()) == ("", "", 0, ([], Position()))


def test_any_bytes_show_as_text(tmp_path):
    writer = LogWriter(tmp_path)
    writer.write("stdout", b"\xff\x00caf\xc3\xa9")
    writer.close()
    assert StepLog(tmp_path).text() == "\ufffd\0café"


def test_an_earlier_log_is_overwritten(tmp_path):
    for text in (b"a long first one", b"short"):
        writer = LogWriter(tmp_path)
        writer.write("stderr", text)
        writer.close()
        writer.close()
    assert StepLog(tmp_path).text() == "short"


def test_nothing_is_written_to_a_closed_log(tmp_path):
    writer = LogWriter(tmp_path)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write("stdout", b"late")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_in_our_words(tmp_path):
    writer = LogWriter(tmp_path)
    writer.write("stdout", b"x")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._head._fds["stdout.log"])
    os.close(full)
    with pytest.raises(StoreError, match="No space left") as told:
        writer.write("stdout", b"x")
    assert told.value.errno == errno.ENOSPC
    writer.close()
