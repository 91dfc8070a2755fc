"""What another machine sends stays inside the folder it is for, and arrives as it was there."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from nbpipe.compute import collecting
from nbpipe.compute.base import Collected
from nbpipe.compute.channel import Answer
from nbpipe.compute.collecting import Collector
from nbpipe.compute.line import Line
from nbpipe.errors import NbpipeError
from tests.compute.agents import nobody


class Sending:
    """A machine that sends what it wants."""

    def __init__(self, entries: list[dict[str, Any]], contents: dict[str, bytes], damaged: int = 0) -> None:
        self.entries = entries
        self.contents = contents
        self.damaged = damaged
        self.fetched = 0

    async def ask(self, verb: str, told: dict[str, Any], data: bytes = b"") -> Answer:
        if verb == "list":
            return {"entries": self.entries, "written": [], "changed": []}, b""
        if verb != "get":
            return {}, b""
        self.fetched += 1
        content = self.contents[told["path"]]
        sum_of_it = hashlib.sha256(content).hexdigest()
        if self.damaged:
            self.damaged -= 1
            content = b"!" + content[1:]
        return {"size": len(content), "sha256": sum_of_it}, content

    async def aclose(self) -> None:
        return


def entry(path: str, kind: str = "file", **more: Any) -> dict[str, Any]:
    return {"path": path, "type": kind, "size": 3, "mode": 0o644, "target": "", **more}


def collected(machine: Sending, into: Path, *results: str) -> Collected:
    async def open_channel() -> Sending:
        return machine

    async def go() -> Collected:
        line = Line("gpu-box", open_channel, 1.0)
        try:
            return await Collector(line, "1.a.1", results, nobody()).collect(into)
        finally:
            await line.aclose()

    return asyncio.run(go())


@pytest.mark.parametrize(
    "path",
    ["../out", "/etc/out", "out/../../x", "other", "out//x", "out/./x", "outer", "", "out/\0", "out/x/"],
)
def test_nothing_lands_where_no_result_is(tmp_path: Path, path: str):
    home = tmp_path / "home"
    machine = Sending([entry("out", "folder"), entry(path)], {path: b"bad"})
    with pytest.raises(NbpipeError, match="gpu-box"):
        collected(machine, home, "out")
    assert machine.fetched == 0
    assert not home.exists()


def test_no_link_is_followed_that_came_before(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    entries = [
        entry("out", "folder"),
        entry("out/to", "link", target=str(elsewhere)),
        entry("out/to/file"),
        entry("out/to/link", "link", target="x"),
    ]
    collected(Sending(entries, {"out/to/file": b"abc"}), tmp_path / "home", "out")
    assert list(elsewhere.iterdir()) == []


def test_no_link_that_lies_here_is_followed(tmp_path: Path):
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    elsewhere.mkdir()
    home.mkdir()
    (elsewhere / "file").write_text("mine")
    (home / "out").symlink_to(elsewhere)
    entries = [entry("out", "folder"), entry("out/file")]
    collected(Sending(entries, {"out/file": b"abc"}), home, "out")
    assert (elsewhere / "file").read_text() == "mine"
    assert (home / "out/file").read_bytes() == b"abc"
    assert not (home / "out").is_symlink()


def test_what_took_the_place_of_a_folder_keeps_its_own_permissions(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    entries = [
        entry("out", "folder", mode=0o755),
        entry("out/to", "folder", mode=0o777),
        entry("out/to", "link", target=str(elsewhere)),
    ]
    collected(Sending(entries, {}), tmp_path / "home", "out")
    assert elsewhere.stat().st_mode & 0o777 == 0o700


def test_nothing_that_comes_runs_as_somebody_else(tmp_path: Path):
    collected(Sending([entry("out", mode=0o6755)], {"out": b"abc"}), tmp_path, "out")
    assert (tmp_path / "out").stat().st_mode & 0o7777 == 0o755


def test_a_file_that_is_longer_than_was_told_is_not_taken(tmp_path: Path):
    class Endless(Sending):
        async def ask(self, verb: str, told: dict[str, Any], data: bytes = b"") -> Answer:
            answer, content = await super().ask(verb, told, data)
            return ({"size": 3}, b"x" * 1000) if verb == "get" else (answer, content)

    machine = Endless([entry("out")], {"out": b"abc"})
    with pytest.raises(NbpipeError, match="did not arrive as it is"):
        collected(machine, tmp_path, "out")
    assert machine.fetched == 3


def test_a_link_that_is_no_text_is_refused(tmp_path: Path):
    with pytest.raises(NbpipeError, match="gpu-box"):
        collected(Sending([entry("out", "link", target="a\0b")], {}), tmp_path / "home", "out")


@pytest.mark.parametrize(
    "wrong", [{"path": "out"}, ["out"], entry("out", mode="many"), entry("out", size="x"), None]
)
def test_what_is_no_list_of_results_is_said(tmp_path: Path, wrong: Any):
    with pytest.raises(NbpipeError, match="gpu-box tells of results in a way"):
        collected(Sending([wrong], {}), tmp_path / "home", "out")
    assert not (tmp_path / "home").exists()


def test_a_pipe_or_device_is_no_result(tmp_path: Path):
    with pytest.raises(NbpipeError, match="out is a pipe"):
        collected(Sending([entry("out", "pipe")], {}), tmp_path, "out")


def test_a_file_that_arrives_as_something_else_is_fetched_again(tmp_path: Path):
    machine = Sending([entry("out")], {"out": b"abc"}, damaged=2)
    collected(machine, tmp_path, "out")
    assert ((tmp_path / "out").read_bytes(), machine.fetched) == (b"abc", 3)


def test_a_file_that_never_arrives_as_it_is_is_said(tmp_path: Path):
    with pytest.raises(NbpipeError, match="out did not arrive as it is on gpu-box"):
        collected(Sending([entry("out")], {"out": b"abc"}, damaged=9), tmp_path, "out")


def test_no_room_here_is_said_before_anything_is_fetched(tmp_path: Path):
    machine = Sending([entry("out", size=1 << 60)], {"out": b"abc"})
    with pytest.raises(NbpipeError, match=r"no room on this machine(?s:.)*MB are free"):
        collected(machine, tmp_path, "out")
    assert machine.fetched == 0


def test_no_room_here_is_said_when_it_shows_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(collecting.os, "write", full)
    with pytest.raises(NbpipeError, match="no room on this machine"):
        collected(Sending([entry("out")], {"out": b"abc"}), tmp_path, "out")
