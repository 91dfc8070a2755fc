"""Jobs that an agent starts keep the laws of every backend, whatever the way to it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbpipe.compute.agent.agent import Agent
from nbpipe.compute.channel import AgentChannel, Channel
from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.conformance.parcels import ParcelLaws
from nbpipe.compute.far import FarBackend
from nbpipe.compute.relayed import open_here
from tests.oldest import oldest_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")


_HOLDER = """
from pathlib import Path
from nbpipe.compute.far import FarBackend
from nbpipe.compute.relayed import open_here
backend = FarBackend("daemon", lambda: open_here("daemon", Path({root!r})))
"""


class _InProcess(FarBackend):
    """An agent in this process, which ends with the backend."""

    def __init__(self, root: Path) -> None:
        super().__init__("fake", self._open, outlives=False)
        self._agent: Agent | None = None
        self._root = root

    async def _open(self) -> Channel:
        self._agent = self._agent or Agent(str(self._root))
        return AgentChannel("fake", self._agent)

    async def aclose(self) -> None:
        await super().aclose()
        if self._agent is not None:
            await self._agent.aclose()


class TestInProcess(BackendLaws):
    """The fake: no way at all."""

    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        return Target(lambda: _InProcess(tmp_path / "agent"))


class TestDaemon(BackendLaws):
    """A daemon as it is on other machines, of the archive that travels, reached by relays."""

    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        root = tmp_path / "root"
        holder = _HOLDER.format(root=str(root))
        return Target(lambda: FarBackend("daemon", lambda: open_here("daemon", root)), holder=holder)


class _OldestPython:
    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        root, python = tmp_path / "root", oldest_python()
        return Target(lambda: FarBackend("old", lambda: open_here("old", root, python)))


class TestParcelsOnTheOldestPython(_OldestPython, ParcelLaws):
    """A daemon that runs on the oldest interpreter there may be on other machines: the first laws."""


@pytest.mark.slow
class TestDaemonOnTheOldestPython(_OldestPython, BackendLaws):
    """As above: all of them."""
