"""What axe-core finds in a page that would stand in somebody's way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")


def serious_faults(page: Page, where: str) -> list[tuple[str, str, str]]:
    """Every serious or critical fault below an element: rule, markup, and what to do.

    Args:
        page: the page.
        where: a selector.
    """
    if not AXE.is_file():
        told = "no axe-core here: make test brings it, or  npm ci  in labextension/"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "where => axe.run(where).then(({ violations }) => violations)", where
    )
    return [
        (each["id"], node["html"][:200], node["failureSummary"])
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
