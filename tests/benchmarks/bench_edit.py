"""One script of a fan is edited and writes the same bytes as before: how long until all is in order again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.benchmarks.frame import Goal, Sample, Work
from tests.benchmarks.pipelines import Pipelines, write_script


def works(folder: Path) -> Iterator[Work]:
    """What reads the edited script's output is not run again; that one step ran is looked at."""
    fan = Pipelines(folder, 100, "gathered")
    fan.remember()
    edits = count()

    def edit() -> None:
        text = f"import sys\nopen(sys.argv[1], 'w').write('7')  # edit {next(edits)}\n"
        for place in (fan.doit, fan.nbpipe):
            write_script(place, "s7", text)

    nbpipe = fan.with_nbpipe(prepare=edit)

    def run_one_step() -> Sample:
        sample = nbpipe.run()
        newest = max(
            (fan.nbpipe / ".nbpipe/runs").glob("*/events.jsonl"), key=lambda path: int(path.parent.name)
        )
        ran = [
            line for line in newest.read_text().splitlines() if json.loads(line)["event"] == "step_started"
        ]
        if len(ran) != 1:
            raise SystemExit(f"{len(ran)} steps ran")
        return sample

    contenders = [fan.with_doit(edit), type(nbpipe)(nbpipe.name, run_one_step, nbpipe.prepare)]
    yield Work("one script of 100 edited, same output", contenders, [Goal("nbpipe run", 1.0, "doit")])
