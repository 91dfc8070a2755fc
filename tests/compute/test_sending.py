"""An object is sent once, from where the last try ended, and only as what its digest says."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.refusal import Refusal
from nbpipe.compute.announcer import Announcer
from nbpipe.compute.base import Phase
from nbpipe.compute.channel import Answer, Refused
from nbpipe.compute.detour import Detour
from nbpipe.compute.line import Line
from nbpipe.compute.sending import DamagedObject, Sender
from nbpipe.errors import NbpipeError


class Keeping:
    """A machine that keeps objects, and counts the bytes that come."""

    def __init__(self, root: Path, spoilt: int = 0) -> None:
        self.objects = Objects(os.fspath(root))
        self.spoilt = spoilt
        self.came = 0

    async def ask(self, verb: str, told: dict[str, Any], data: bytes = b"") -> Answer:
        await asyncio.sleep(0)
        if verb == "missing":
            return {"missing": self.objects.missing(told["objects"])}, b""
        if verb == "hello":
            return {"machine": "gpu-box"}, b""
        self.came += len(data)
        if self.spoilt:
            self.spoilt -= 1
            data = bytes(len(data))
        try:
            put = (told["digest"], told["offset"], told["size"], told.get("sha256"), data)
            return {"have": self.objects.put(*put)}, b""
        except Refusal as refusal:
            raise Refused(refusal.kind, refusal.fact) from refusal

    async def aclose(self) -> None:
        return


def sender_over(line: Line) -> Sender:
    return Sender(line, Detour(line, lambda chore: chore.close()))


def sent(machine: Keeping, *each: dict[str, Path]) -> list[Phase]:
    """Send objects, those of several jobs together; the phases that were told."""
    heard: list[Phase] = []

    async def open_channel() -> Keeping:
        return machine

    async def go() -> None:
        line = Line("gpu-box", open_channel, 1.0)
        sender = sender_over(line)
        try:
            await asyncio.gather(*(sender.send(objects, Announcer(heard.append)) for objects in each))
        finally:
            await line.aclose()

    asyncio.run(go())
    return heard


@pytest.fixture
def machine(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path / "there")


def content(tmp_path: Path, data: bytes) -> dict[str, Path]:
    digest = blake3(data).hexdigest()
    path = tmp_path / digest[:12]
    path.write_bytes(data)
    return {digest: path}


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 18) + 1, 3_000_000])
def test_what_arrives_is_what_was_sent(machine: Keeping, tmp_path: Path, size: int):
    objects = content(tmp_path, os.urandom(size))
    sent(machine, objects)
    for digest, path in objects.items():
        assert Path(machine.objects.path(digest)).read_bytes() == path.read_bytes()
    assert (machine.came, sent(machine, objects)) == (size, [])


def test_what_came_before_a_break_does_not_come_again(machine: Keeping, tmp_path: Path):
    data = os.urandom(1_000_000)
    objects = content(tmp_path, data)
    machine.objects.put(next(iter(objects)), 0, len(data), None, data[:600_000])
    heard = sent(machine, objects)
    assert machine.came == 400_000
    assert (heard[0].done, heard[-1].done, heard[-1].total) == (0, 400_000, 400_000)


def test_a_rest_of_something_else_is_begun_anew(machine: Keeping, tmp_path: Path):
    data = os.urandom(1_000_000)
    objects = content(tmp_path, data)
    machine.objects.put(next(iter(objects)), 0, len(data), None, bytes(600_000))
    sent(machine, objects)
    assert machine.came == 1_400_000
    assert machine.objects.missing({digest: len(data) for digest in objects}) == {}


def test_what_jobs_have_in_common_is_sent_once(machine: Keeping, tmp_path: Path):
    objects = content(tmp_path, os.urandom(1_000_000))
    heard = sent(machine, objects, objects, objects)
    assert machine.came == 1_000_000
    assert all(phase.done <= phase.total for phase in heard)


def test_what_the_line_spoils_is_sent_again(tmp_path: Path):
    objects = content(tmp_path, os.urandom(1000))
    machine = Keeping(tmp_path / "there", spoilt=2)
    sent(machine, objects)
    assert machine.came == 3000


def test_a_line_that_spoils_everything_is_given_up(tmp_path: Path):
    with pytest.raises(NbpipeError, match="did not arrive"):
        sent(Keeping(tmp_path / "there", spoilt=9), content(tmp_path, os.urandom(1000)))


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("spoil", ["changed", "shorter"])
def test_a_damaged_object_is_named_and_not_kept_there(
    machine: Keeping, tmp_path: Path, size: int, spoil: str
):
    objects = content(tmp_path, b"x" * size)
    ((digest, path),) = objects.items()
    path.write_bytes(b"y" * size if spoil == "changed" else b"x" * (size - 1))
    with pytest.raises(DamagedObject) as error:
        sent(machine, objects)
    assert (error.value.digest, error.value.path) == (digest, path)
    assert not machine.objects.has(digest)


def test_an_object_that_is_not_there_is_said(machine: Keeping, tmp_path: Path):
    objects = {hashlib.sha256().hexdigest(): tmp_path / "nowhere"}
    with pytest.raises(NbpipeError, match="nowhere cannot be sent: No such file"):
        sent(machine, objects)


@pytest.mark.parametrize("size", [200_000, 3_000_000])
def test_runs_that_send_one_object_at_once_are_not_refused_for_each_other(tmp_path: Path, size: int):
    objects = content(tmp_path, os.urandom(size))
    machines = [Keeping(tmp_path / "there") for _ in range(3)]

    async def run(machine: Keeping) -> None:
        async def open_channel() -> Keeping:
            return machine

        line = Line("gpu-box", open_channel, 1.0)
        heard: list[Phase] = []
        try:
            await sender_over(line).send(objects, Announcer(heard.append))
        finally:
            await line.aclose()
        assert [phase.done for phase in heard if phase.done > phase.total] == []

    async def go() -> None:
        await asyncio.gather(*map(run, machines))

    asyncio.run(go())
    assert machines[0].objects.missing(dict.fromkeys(objects, size)) == {}
