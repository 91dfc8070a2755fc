"""Fixtures of the live graph."""

from __future__ import annotations

from tests.live.pages import notebook

__all__ = ["notebook"]
