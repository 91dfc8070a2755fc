"""The backends of this machine keep the laws of every backend."""

from __future__ import annotations

import sys

import pytest

from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.local import LocalBackend

_HOLDER = """
from nbpipe.compute.local import LocalBackend
backend = LocalBackend()
"""


class TestForked(BackendLaws):
    """Forked by zygotes, as on Linux."""

    @pytest.fixture
    def target(self) -> Target:
        if sys.platform != "linux":
            pytest.skip("forks only on Linux")
        return Target(LocalBackend, holder=_HOLDER)


class TestSpawned(BackendLaws):
    """Each an interpreter started anew, as elsewhere; a daemon gets away, and so does a job whose holder is killed."""

    @pytest.fixture
    def target(self) -> Target:
        return Target(lambda: LocalBackend(forked=False), family=("plain", "deaf"))
