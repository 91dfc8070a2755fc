"""A fresh state folder and the store's parts over it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    root = tmp_path / "workspace"
    root.mkdir()
    return StateFolder(root)


@pytest.fixture
def store(state: StateFolder) -> ObjectStore:
    return ObjectStore(state, FileDigests(state))


@pytest.fixture
def results(state: StateFolder) -> Results:
    return Results(state)


@pytest.fixture
def later():
    """A clock ten seconds ahead, by which files made just now are old enough to be trusted."""
    return lambda: time.time_ns() + 10_000_000_000
