"""An object arrives whole however many send it at once, and nobody is refused for the others."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from blake3 import blake3

from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.refusal import Refusal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")

DATA = random.Random(7).randbytes(400_000)
DIGEST, SUM = blake3(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(os.fspath(tmp_path))


def part(start: int, end: int) -> tuple[str, int, int, str | None, bytes]:
    return DIGEST, start, len(DATA), SUM if end >= len(DATA) else None, DATA[start:end]


def put_all(objects: Objects, count: int, begin: threading.Barrier | None = None) -> None:
    """Send the data in parts as a sender does, from where it is."""
    have = 0
    while have < len(DATA):
        if begin is not None:
            begin.wait()
            begin = None
        have = objects.put(*part(have, have + count))


def whole(objects: Objects) -> bool:
    return Path(objects.path(DIGEST)).read_bytes() == DATA and not list(Path(objects._partial).iterdir())


@pytest.mark.parametrize("agents", [1, 2], ids=["one-agent", "two-agents"])
def test_many_that_send_one_object_at_once_are_all_heard(tmp_path: Path, agents: int):
    for trial in range(10):
        root = os.fspath(tmp_path / str(trial))
        known = [Objects(root) for _ in range(agents)]
        begin = threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(put_all, known[n % agents], 9_000 + 100 * n, begin) for n in range(4)]
            assert [each.result(60) for each in sent] == [None] * 4
        assert whole(known[0])


def test_who_comes_later_goes_on_where_the_others_are(objects: Objects):
    assert objects.put(*part(0, 100_000)) == 100_000
    assert objects.put(*part(0, 1_000)) == 100_000
    assert objects.put(*part(50_000, 150_000)) == 150_000
    assert objects.missing({DIGEST: len(DATA)}) == {DIGEST: 150_000}
    assert objects.put(*part(150_000, len(DATA))) == len(DATA)
    assert objects.put(*part(100_000, 200_000)) == len(DATA)
    assert whole(objects)


def test_what_another_agent_began_is_gone_on_with(tmp_path: Path):
    one, two = Objects(os.fspath(tmp_path)), Objects(os.fspath(tmp_path))
    one.put(*part(0, 10_000))
    two.put(*part(10_000, 20_000))
    one.put(*part(20_000, 30_000))
    assert two.put(*part(30_000, len(DATA))) == len(DATA)
    assert whole(two)


def test_a_part_before_which_something_is_missing_is_not_taken(objects: Objects):
    with pytest.raises(Refusal, match="0 bytes of") as error:
        objects.put(*part(10, 20))
    assert error.value.kind == "offset"


def test_an_object_that_is_something_else_is_begun_anew(objects: Objects):
    objects.put(DIGEST, 0, len(DATA), None, b"!" + DATA[1:100])
    with pytest.raises(Refusal, match="did not arrive whole") as error:
        objects.put(*part(100, len(DATA)))
    assert error.value.kind == "digest"
    put_all(objects, 150_000)
    assert whole(objects)


def test_what_arrived_whole_and_was_not_kept_in_time_is_kept_by_who_comes_next(objects: Objects):
    (Path(objects._partial) / DIGEST).write_bytes(DATA)
    assert objects.missing({DIGEST: len(DATA)}) == {DIGEST: len(DATA)}
    assert objects.put(*part(0, 10)) < len(DATA)
    assert objects.put(*part(len(DATA), len(DATA))) == len(DATA)
    assert whole(objects)


def test_an_empty_object_is_an_object(objects: Objects):
    empty = blake3(b"").hexdigest()
    assert objects.put(empty, 0, 0, hashlib.sha256(b"").hexdigest(), b"") == 0
    assert objects.has(empty, 0)
