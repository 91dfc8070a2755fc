"""The spool takes records from any number of writers at once, and files under names that stay inside it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UsageError
from nbpipe.runtime.spool import MemorySpool, Spool, artifact_name
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[Spool, MemorySpool])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    return MemorySpool() if request.param is MemorySpool else Spool(str(tmp_path / "spool"))


def test_records_come_back_in_order(spool: Spool):
    for number in range(3):
        spool.append("metric", name="loss", value=number, run="step")
    assert [(record["record"], record["value"]) for record in spool.records()] == [
        ("metric", n) for n in range(3)
    ]
    assert all(record["time"] > 0 for record in spool.records())


def test_a_spool_nobody_wrote_to_is_empty(spool: Spool):
    assert (spool.records(), spool.names()) == ([], [])


WRITER = """
import os, sys, threading
from nbpipe.runtime.spool import Spool
spool = Spool(sys.argv[1])
os.fork()
def work(number):
    for n in range(100):
        spool.append("metric", name=f"{os.getpid()}-{number}", value=n, padding="x" * (n * 97 % 9000))
threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_eight_processes_tear_no_line(tmp_path: Path):
    folder = tmp_path / "spool"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], cwd=ROOT) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    seen: dict[str, list[int]] = {}
    # The forked halves may still be writing when their parents are done.
    lines = folder / "spool.jsonl"
    eventually(lambda: lines.read_bytes().count(b"\n") == 8 * 2 * 100)
    for line in lines.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        seen.setdefault(record["name"], []).append(record["value"])
    assert list(seen.values()) == [list(range(100))] * 16


def test_a_torn_or_foreign_line_is_passed_over(tmp_path: Path):
    spool = Spool(str(tmp_path))
    spool.append("tag", name="a", value=1)
    with (tmp_path / "spool.jsonl").open("ab") as file:
        file.write(b'[1, 2]\n\xff\xfe\n{"no": "record"}\n{"record": "metric", "na')
    assert [record["name"] for record in spool.records()] == ["a"]


def test_a_kept_file_is_a_copy_and_the_last_of_a_name_counts(tmp_path: Path):
    spool = Spool(str(tmp_path / "spool"))
    source = tmp_path / "model.bin"
    source.write_bytes(b"one")
    assert spool.keep("./outputs/model.bin", source) == "outputs/model.bin"
    source.write_bytes(b"changed")
    assert Path(spool.path("outputs/model.bin")).read_bytes() == b"one"
    spool.keep("outputs/model.bin", io.BytesIO(b"two"))
    spool.keep("text", io.StringIO("três"))
    assert Path(spool.path("outputs/model.bin")).read_bytes() == b"two"
    assert Path(spool.path("text")).read_text(encoding="utf-8") == "três"
    assert spool.names() == ["outputs/model.bin", "text"]


def test_what_is_no_file_is_refused(spool: Spool, tmp_path: Path):
    with pytest.raises(UsageError, match="No file"):
        spool.keep("a", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="is a folder"):
        spool.keep("a", str(tmp_path))
    assert spool.names() == []


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "C:\\x", "c:x", "\\\\host\\x", "a\0b", ".", 3]
)
def test_a_name_that_leads_out_is_refused(spool: Spool, name: str):
    with pytest.raises(UsageError):
        spool.keep(name, io.BytesIO(b"x"))


@given(st.text(st.sampled_from("ab./\\:\0 ~"), max_size=12))
def test_every_accepted_name_stays_inside(name: str):
    try:
        kept = artifact_name(name)
    except UsageError:
        return
    root = Path("/root-of-a-spool")
    inside = Path(root, *kept.split("/"))
    assert ".." not in inside.parts
    assert inside != root
    assert inside.is_relative_to(root)
    assert artifact_name(kept) == kept


def test_a_secret_never_comes_to_the_disk(tmp_path: Path):
    spool = Spool(str(tmp_path / "spool"), ["s3cret"])
    spool.append("metric", kind="scalar", name="a s3cret", value="s3cret", run="step")
    assert b"s3cret" not in (tmp_path / "spool" / "spool.jsonl").read_bytes()
    assert [(each["record"], each["name"], each["value"]) for each in spool.records()] == [
        ("metric", "a ***", "***")
    ]
