"""A project to run pipelines in, and whether a process is alive."""

from __future__ import annotations

import psutil
import pytest

from tests.projects import project

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
