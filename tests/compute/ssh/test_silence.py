"""Packets that are dropped without a word are noticed, in a network namespace of the test's own."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbpipe.compute.base import Backend
from nbpipe.compute.conformance.trial import Target, Trial
from nbpipe.compute.ssh.kind import KIND
from nbpipe.errors import NbpipeError
from tests.sshd import Sshd, missing, sshd_in
from tests.waiting import eventually

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

HERE, THERE = "10.211.55.1", "10.211.55.2"
NOWHERE = "02:00:00:00:00:99"


def ip(*words: str, namespace: str = "") -> str:
    command = ["ip", *(["-n", namespace] if namespace else []), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(f"{' '.join(command)}: {ran.stderr}")
    return ran.stdout


@dataclass
class Cable:
    """Two interfaces that are joined, one of them in a namespace.

    Attributes:
        name: of the namespace.
        ends: the interfaces, here and there, with their addresses of hardware.
    """

    name: str
    ends: dict[str, str]

    def silence(self) -> None:
        """Frames go to nobody, both ways, and nobody is told."""
        self._neighbours(NOWHERE, NOWHERE)

    def speak(self) -> None:
        """Frames arrive."""
        here, there = self.ends.values()
        self._neighbours(here, there)

    def _neighbours(self, here: str, there: str) -> None:
        near, far = self.ends
        fixed = ("nud", "permanent")
        ip("neigh", "replace", THERE, "lladdr", there, "dev", near, *fixed)
        ip("neigh", "replace", HERE, "lladdr", here, "dev", far, *fixed, namespace=self.name)


@pytest.fixture
def cable() -> Iterator[Cable]:
    if os.geteuid() or shutil.which("ip") is None:
        missing("only root can make a network namespace, with iproute2")
    mark = secrets.token_hex(3)
    name, near, far = f"nbpipe-{mark}", f"nb{mark}a", f"nb{mark}b"
    try:
        ip("netns", "add", name)
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
    except OSError as error:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        missing(f"no network namespace can be made here: {error}")
    try:
        for interface, address, where in ((near, HERE, ""), (far, THERE, name)):
            ip("addr", "add", f"{address}/30", "dev", interface, namespace=where)
            ip("link", "set", interface, "up", namespace=where)
        ends = {near: ip("link", "show", near).split("link/ether ")[1].split()[0]}
        ends[far] = ip("link", "show", far, namespace=name).split("link/ether ")[1].split()[0]
        made = Cable(name, ends)
        made.speak()
        yield made
    finally:
        ip("link", "del", near)  # at once; a namespace goes when the last that works in it is gone
        ip("netns", "del", name)


@pytest.fixture
def sshd(cable: Cable, tmp_path: Path) -> Iterator[Sshd]:
    with sshd_in(tmp_path / "sshd", host=THERE, prefix=("ip", "netns", "exec", cable.name)) as server:
        yield server


def test_dropped_packets_are_noticed_and_the_step_is_taken_up_again(cable: Cable, sshd: Sshd, tmp_path: Path):
    trial = Trial(Target(lambda: KIND.open("gpu-box", KIND.check(sshd.settings), sshd.environ)), tmp_path)

    async def work(backend: Backend) -> None:
        source = "import time\nfor n in range(100, 400): print(n, flush=True); time.sleep(0.05)\n"
        handle, heard = await trial.started(backend, await trial.job(backend, source))
        await heard.line("110")
        cable.silence()
        await asyncio.to_thread(eventually, lambda: heard.named("away"), 60)
        taken = len(heard.lines)
        cable.speak()
        assert (await handle.wait()).code == 0
        assert taken < 300
        assert heard.lines == [str(n) for n in range(100, 400)]

    trial.run(work)


def test_a_machine_behind_silence_is_told(
    cable: Cable, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("nbpipe.compute.ssh.connection._PATIENCE", 1.0)
    trial = Trial(Target(lambda: KIND.open("gpu-box", KIND.check(sshd.settings), sshd.environ)), tmp_path)
    cable.silence()
    with pytest.raises(NbpipeError, match=r"10\.211\.55\.2, port \d+\) does not answer"):
        trial.run(lambda backend: backend.probe())
    cable.speak()
    assert trial.run(lambda backend: backend.probe()).cpus
