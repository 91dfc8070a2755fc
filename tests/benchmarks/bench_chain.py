"""A hundred scripts that do nothing, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import Goal, Work
from tests.benchmarks.pipelines import Pipelines


def works(folder: Path) -> Iterator[Work]:
    """Nothing is remembered when each begins."""
    chain = Pipelines(folder, 100, "chain")
    contenders = [chain.with_xargs(), chain.with_doit(chain.forget), chain.with_nbpipe(prepare=chain.forget)]
    yield Work("chain of 100, cold", contenders, [Goal("nbpipe run", 1.3, "xargs")])
