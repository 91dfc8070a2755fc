"""A project to run pipelines in."""

from __future__ import annotations

from tests.projects import project

__all__ = ["project"]
