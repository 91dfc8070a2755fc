"""What a datastore has does not pass the line, where the machine reaches it; else it does, and no more is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from nbpipe.compute.base import Depot, Offer, Put
from nbpipe.compute.channel import Answer, Channel
from nbpipe.compute.far import FarBackend
from nbpipe.store.carrier_archive import carrier_archive
from nbpipe.store.opening import open_folder
from nbpipe.store.remote_folder import RemoteFolder
from tests.compute.agents import Machine, job
from tests.object_servers import ObjectServer, azure, datastore, faulty, folder, gcs, s3, sftp

__all__ = ["azure", "datastore", "folder", "gcs", "s3", "sftp"]

COUNT = "import sys; print(len(open('in/data', 'rb').read()))"
DATA = os.urandom(900_000)  # aiohttp warns of more than a MiB that the driver of Azure sends at once
COPY = "import os, shutil; os.mkdir('out'); shutil.copy('in/data', 'out/data')"
NAME = blake3(DATA).hexdigest()


class Counted:
    """A channel that counts the bytes of objects that are sent over it."""

    def __init__(self, channel: Channel, machine: Line) -> None:
        self._channel = channel
        self._machine = machine

    async def ask(self, verb: str, told: Mapping[str, Any], data: bytes = b"") -> Answer:
        self._machine.sent[told.get("digest", "")] = self._machine.sent.get(told.get("digest", ""), 0) + len(
            data
        )
        return await self._channel.ask(verb, told, data)

    async def aclose(self) -> None:
        await self._channel.aclose()


class Line(Machine):
    """A machine behind a line that counts."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.sent: dict[str, int] = {}
        self.logged = b""
        self.moved: list[int] = []

    async def open(self) -> Channel:
        return Counted(await super().open(), self)

    def sent_of(self, data: bytes) -> int:
        return self.sent.get(digest(data), 0)

    def count(self, folder: Path, *depots: Depot, times: int = 1, data: bytes = DATA) -> str:
        """Let a job count the bytes of its input there, in one or more attempts; what it printed."""
        printed = b""

        def sink(stream: str, part: bytes) -> None:
            nonlocal printed
            if stream == "stdout":
                printed += part
            elif stream == "stderr":
                self.logged += part

        async def work(backend: FarBackend) -> None:
            for number in range(times):
                made = job(folder, COUNT, data)
                parcel = replace(made.parcel, depots=depots)
                made = replace(made, attempt_id=f"1.count.{number}", python=sys.executable, parcel=parcel)
                handle = await backend.start(made, sink)
                assert (await handle.wait()).code == 0, self.logged
                await handle.forget({})

        self.run(work)
        return printed.decode()

    def put(
        self,
        folder: Path,
        depot: Depot,
        witness: str = "witness",
        alter: Callable[[Path], None] | None = None,
    ) -> Put:
        """Let a job copy its input, bring the copy home, and let the machine put it into a depot."""

        async def work(backend: FarBackend) -> Put:
            made = replace(job(folder, COPY, DATA, ("out/data",)), python=sys.executable)
            handle = await backend.start(made, lambda stream, part: None)
            assert (await handle.wait()).code == 0
            await handle.collect(folder / "home")
            await handle.forget({"out/data": NAME})
            if alter is not None:
                alter(self.root / "objects" / NAME[:2] / NAME)
            objects = {NAME: folder / "home" / "out" / "data"}
            return await handle.put(
                Offer(depot, objects, {NAME: f"objects/{NAME}"}, witness), self.moved.append
            )

        return self.run(work)


def digest(data: bytes) -> str:
    return blake3(data).hexdigest()


def put(folder: RemoteFolder, data: bytes, content: bytes | None = None) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data if content is None else content)
        file.flush()
        folder.create(f"objects/{digest(data)}", Path(file.name), lambda count: None)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path / "there")


def depot_of(url: str, options: Mapping[str, Any], tmp_path: Path, data: bytes = DATA) -> Depot:
    program = tmp_path / "carrier"
    program.write_bytes(carrier_archive())
    told = (digest(carrier_archive()), program)
    return Depot(url, options, told, lambda wanted: {digest(data): f"objects/{digest(data)}"})


@pytest.fixture
def depot(datastore: tuple[str, dict[str, Any]], tmp_path: Path) -> Depot:
    if datastore[0].startswith("memory"):
        pytest.skip("the memory of a process is reached from nowhere else")
    return depot_of(*datastore, tmp_path)


def test_what_a_depot_has_does_not_pass_the_line(line: Line, depot: Depot, folder: RemoteFolder, tmp_path):
    put(folder, DATA)
    assert line.count(tmp_path, depot) == "900000\n"
    assert (line.sent_of(DATA), line.logged) == (0, b"")
    assert line.sent_of(COUNT.encode()) == len(COUNT)


def test_what_is_damaged_there_is_refused_and_comes_over_the_line(
    line: Line, depot: Depot, folder: RemoteFolder, tmp_path
):
    put(folder, DATA, DATA[:-1] + b"!")
    assert line.count(tmp_path, depot) == "900000\n"
    assert line.sent_of(DATA) == len(DATA)
    assert b"is not what its digest says; it is not used." in line.logged


def test_what_is_not_there_comes_over_the_line(line: Line, depot: Depot, folder: RemoteFolder, tmp_path):
    put(folder, b"something else")
    assert line.count(tmp_path, depot) == "900000\n"
    assert line.sent_of(DATA) == len(DATA)
    assert line.logged.count(b"[nbpipe:") == 1


def test_a_depot_that_the_machine_does_not_see_is_tried_once_and_told_once(line: Line, tmp_path: Path):
    nowhere = depot_of(str(tmp_path / "nowhere"), {}, tmp_path)
    asked: list[str] = []
    looked = replace(nowhere, names=lambda wanted: asked.extend(wanted) or nowhere.names(wanted))
    assert line.count(tmp_path, looked) == "900000\n"
    assert line.sent_of(DATA) == len(DATA)
    shutil.rmtree(line.root / "objects")
    line.agent = None
    assert line.count(tmp_path, looked, times=2) == "900000\n" * 2
    assert line.logged.count(b"does not use") == 2  # once each time that it was connected to
    assert b"There is no" in line.logged
    assert len(asked) == 4  # two objects, each time


def test_a_store_that_answers_503_costs_the_detour_alone(line: Line, s3: ObjectServer, tmp_path: Path):
    put(s3.open("busy"), DATA)
    with faulty(s3) as proxy:
        proxy.refuse = 1000
        depot = depot_of(s3.url("busy"), s3.options(proxy.port), tmp_path)
        assert line.count(tmp_path, depot) == "900000\n"
    assert line.sent_of(DATA) == len(DATA)
    assert b"does not answer" in line.logged


def test_what_came_before_the_store_was_away_does_not_come_again(
    line: Line, s3: ObjectServer, tmp_path: Path
):
    data = os.urandom(20_000_000)  # two parts and a half
    put(s3.open("cut"), data)
    with faulty(s3) as proxy:
        gets = iter(["", *["refuse"] * 1000])
        proxy.faults = lambda request: next(gets) if request.startswith("GET") else ""
        depot = depot_of(s3.url("cut"), s3.options(proxy.port), tmp_path, data)
        assert line.count(tmp_path, depot, data=data) == "20000000\n"
    assert 0 < line.sent_of(data) < len(data)


def test_an_interpreter_without_the_drivers_is_told_once_and_works_as_before(
    line: Line, s3: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o700)
    monkeypatch.setattr("nbpipe.compute.agent.carrying.find_python", lambda wanted, env: str(bare))
    put(s3.open("bare"), DATA)
    depot = depot_of(s3.url("bare"), s3.options(), tmp_path)
    assert line.count(tmp_path, depot, times=2) == "900000\n" * 2
    assert line.sent_of(DATA) == len(DATA)
    assert line.logged.count(b"[nbpipe:") == 1
    assert b"which is not installed" in line.logged


def test_what_is_small_is_sent(line: Line, tmp_path: Path):
    (tmp_path / "store").mkdir()
    depot = depot_of(str(tmp_path / "store"), {}, tmp_path, b"small")
    put(open_folder(depot.url), b"small")
    assert line.count(tmp_path, depot, data=b"small") == "5\n"
    assert line.sent_of(b"small") == 5
    assert "carry" not in line.asked


def test_an_agent_that_does_not_know_the_way_is_sent_all(line: Line, tmp_path: Path, monkeypatch):
    from nbpipe.compute.agent.agent import Agent

    monkeypatch.delattr(Agent, "_carry_")
    depot = depot_of(str(tmp_path), {}, tmp_path)
    assert line.count(tmp_path, depot) == "900000\n"
    assert line.sent_of(DATA) == len(DATA)


def test_a_line_that_breaks_at_any_question_harms_nothing(tmp_path: Path):
    (tmp_path / "store").mkdir()
    depot = depot_of(str(tmp_path / "store"), {}, tmp_path)
    put(open_folder(depot.url), DATA)
    for at in (2, 4, 5, 6):
        line = Line(tmp_path / f"there{at}")
        line.breaks = [(at, True)]
        assert line.count(tmp_path, depot) == "900000\n"
        assert line.sent_of(DATA) == 0


def test_nothing_is_left_half_done(line: Line, tmp_path: Path):
    (tmp_path / "store").mkdir()
    depot = depot_of(str(tmp_path / "store"), {}, tmp_path)
    put(open_folder(depot.url), DATA)
    line.count(tmp_path, depot)
    assert list((line.root / "partial").iterdir()) == []
    kept = line.root / "objects" / digest(DATA)[:2] / digest(DATA)
    assert hashlib.sha256(kept.read_bytes()).digest() == hashlib.sha256(DATA).digest()


def test_results_are_put_there_by_the_machine_itself(
    line: Line, depot: Depot, folder: RemoteFolder, tmp_path
):
    put(folder, b"witness")
    assert line.put(tmp_path, depot, f"objects/{digest(b'witness')}") == Put({NAME}, [])
    assert folder.read(f"objects/{NAME}", 0, 10**6) == DATA
    assert sum(line.moved) == len(DATA)


def test_what_lies_there_stays_and_what_is_no_whole_file_is_replaced(
    line: Line, depot: Depot, folder, tmp_path
):
    folder.create("witness", b"x", lambda count: None)
    put(folder, DATA, bytes(len(DATA)))
    assert line.put(tmp_path, depot).there == {NAME}
    assert folder.read(f"objects/{NAME}", 0, 10**6) == bytes(len(DATA))
    folder.replace(f"objects/{NAME}", b"half", lambda count: None)
    again = Line(tmp_path / "again")
    assert again.put(tmp_path, depot).there == {NAME}
    assert folder.read(f"objects/{NAME}", 0, 10**6) == DATA


def test_a_folder_of_the_same_name_that_is_another_one_is_left_alone(line: Line, tmp_path: Path):
    (tmp_path / "store").mkdir()
    done = line.put(tmp_path, depot_of(str(tmp_path / "store"), {}, tmp_path))
    assert done.there == set()
    assert "is another folder there" in next(iter(done.said))
    assert list((tmp_path / "store").iterdir()) == []


def test_a_result_that_was_changed_there_is_not_put(line: Line, tmp_path: Path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "witness").touch()

    def alter(kept: Path) -> None:
        status = kept.stat()
        kept.chmod(0o600)
        kept.write_bytes(DATA[:-1] + b"!")
        os.utime(kept, ns=(status.st_mtime_ns, status.st_mtime_ns))

    done = line.put(tmp_path, depot_of(str(tmp_path / "store"), {}, tmp_path), alter=alter)
    assert done.there == set()
    assert "It was changed since it was made." in next(iter(done.said))


def test_a_store_that_is_away_takes_nothing_and_that_is_said(line: Line, s3: ObjectServer, tmp_path: Path):
    s3.open("gone").create("witness", b"x", lambda count: None)
    with faulty(s3) as proxy:
        proxy.down = True
        done = line.put(tmp_path, depot_of(s3.url("gone"), s3.options(proxy.port), tmp_path))
    assert done.there == set()
    assert "does not answer" in next(iter(done.said))
