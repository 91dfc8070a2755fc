"""A hundred scripts that do nothing, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import Goal, Work
from tests.benchmarks.pipelines import Pipelines


def works(folder: Path) -> Iterator[Work]:
    """Nothing is remembered when each begins."""
    fan = Pipelines(folder, 100)
    contenders = [fan.with_xargs(), fan.with_doit(fan.forget), fan.with_nbpipe(prepare=fan.forget)]
    yield Work("fan of 100, cold, 2 jobs", contenders, [Goal("nbpipe run", 1.2, "xargs")])
