"""A project to run pipelines in, three steps that ran in it, and whether a process is alive."""

from __future__ import annotations

import psutil
import pytest

from tests.execution.chain import Chain
from tests.projects import Project, project

__all__ = ["project"]


@pytest.fixture
def alive():
    """Whether a process is alive; a zombie is not."""

    def look(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return look


@pytest.fixture
def chain(project: Project) -> Chain:
    """The three steps, run once."""
    chain = Chain(project)
    assert [word for _, word, _ in chain.story()] == ["done", "done", "done"]
    return chain
