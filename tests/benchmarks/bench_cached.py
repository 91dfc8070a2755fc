"""A thousand steps of which none has to run: how long until that is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import PYTHON, Contender, Goal, Work, program, told_by_itself
from tests.benchmarks.pipelines import Pipelines

_STAT = "import os\nfor n in range(1000): os.stat(f'steps/s{n}/step.py')"
_REPLAN = """\
import runpy, time
pipeline = runpy.run_path("pipeline.py")["pipeline"]
pipeline.plan()
begun, used = time.perf_counter(), time.process_time()
plan = pipeline.plan()
wall, cpu = time.perf_counter() - begun, time.process_time() - used
assert plan.count("reuse") == 1000
"""


def works(folder: Path) -> Iterator[Work]:
    """The first run, which is not measured, leaves all that is remembered."""
    fan = Pipelines(folder, 1000)
    fan.remember()
    contenders = [
        Contender("stat", program([PYTHON, "-c", _STAT], fan.nbpipe)),
        fan.with_doit(),
        fan.with_nbpipe("plan"),
        fan.with_nbpipe(),
    ]
    goals = [Goal("nbpipe plan", 1.0, "doit"), Goal("nbpipe run", 1.0, "doit")]
    yield Work("1,000 steps, all cached, fresh process", contenders, goals)
    again = Contender("nbpipe plan again", told_by_itself(_REPLAN, fan.nbpipe))
    yield Work("1,000 steps, all cached, warm process", [again], [Goal(again.name, 0.050)])
