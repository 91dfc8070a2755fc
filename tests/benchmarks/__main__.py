"""Run benchmarks: ``python -m tests.benchmarks [--rounds N] [NAME...]``, where NAME is that of a ``bench_NAME.py``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.frame import ROUNDS, measure
from tests.benchmarks.report import plot, table

_FOLDER = Path(__file__).parent
_OUTPUT = _FOLDER.parents[1] / "build" / "bench"


def main() -> int:
    """Measure what is asked for, print a table, and write it and a plot to ``build/bench``."""
    known = sorted(path.stem.removeprefix("bench_") for path in _FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each does each work")
    parser.add_argument(
        "--folder", default=_in_memory(), help="where to work; default: a file system in memory"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - {*known}:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    results = []
    for name in asked.names or known:
        with tempfile.TemporaryDirectory(prefix="nbpipe-bench-", dir=asked.folder) as folder:
            for work in importlib.import_module(f"tests.benchmarks.bench_{name}").works(Path(folder)):
                print(f"{name}: {work.name}", file=sys.stderr, flush=True)
                results.append(measure(work, asked.rounds))
    where = f"Worked in {asked.folder or tempfile.gettempdir()}; {asked.rounds} rounds, in turn; ± is half the spread."
    told = f"{table(results)}\n{where}\n"
    print(told)
    _OUTPUT.mkdir(parents=True, exist_ok=True)
    (_OUTPUT / "bench.md").write_text(told, "utf-8")
    plot(results, _OUTPUT / "bench.svg")
    print(f"Written: {_OUTPUT / 'bench.md'}, {_OUTPUT / 'bench.svg'}")
    return 0


def _in_memory() -> str | None:
    """A file system in memory, where there is one: making a file takes 5 us there, on some disks 400."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main())
