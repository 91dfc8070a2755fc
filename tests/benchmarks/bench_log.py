"""A log of a million lines as a view reads it: opened, a page anywhere, a search, and what the kernel holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbpipe.execution.logs import LogWriter
from tests.benchmarks.frame import Contender, Goal, Work, told_by_itself

_LINES = 1_000_000
_OPEN = """\
import pathlib, random, resource, sys, time
def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
from nbpipe.execution.logs import StepLog
from nbpipe.live.log_index import LogIndex
from nbpipe.live.log_view import LogView
LogIndex(StepLog(pathlib.Path("none"))).advance(0.1)
def now():
    return time.perf_counter(), time.process_time()
def since(begun):
    return tuple(end - start for start, end in zip(begun, now()))
before, begun = held(), now()
view = LogView("v")
view._index = LogIndex(StepLog(pathlib.Path({folder!r})))
while not view._index.advance(1.0):
    pass
opened = since(begun)
assert view.page(1, 1).total == {lines}
places = random.Random(1).sample(range({lines}), 200)
def pages():
    took = []
    for first in places:
        begun = now()
        assert view.page(first, 200).lines[0].number == first
        took.append(since(begun))
    return sorted(took)
"""
_FLOOR = """\
import pathlib, time
begun, used = time.perf_counter(), time.process_time()
data = {{}}
for path in pathlib.Path({folder!r}).glob("*.log"):
    with open(path, "rb") as file:
        while block := file.read(2**18):
            data[path] = data.get(path, 0) + block.count(b"\\n")
wall, cpu = time.perf_counter() - begun, time.process_time() - used
"""
_PARTS = {
    "open": "wall, cpu, peak = *opened, held() - before",
    "page of 200 lines": "wall, cpu = pages()[len(places) // 2]\npeak = held() - before",
    "slowest page": "cpu = max(cpu for wall, cpu in pages())\npeak = held() - before",
    "find what is not there": """\
begun = now()
first, more = 1, True
while more:
    hits = view.find("no such words", first)
    first, more = hits.next, hits.more
wall, cpu = since(begun)
peak = held() - before
""",
}
_SHAPES = {"one stream": 1, "a line of stderr after each ten": 10}


def works(folder: Path) -> Iterator[Work]:
    """The floor counts the lines of the files; memory is what the process holds more than before."""
    for shape, (name, every) in enumerate(_SHAPES.items()):
        place = folder / f"log-{shape}"
        _write(place, every)
        code = _OPEN.format(folder=str(place), lines=_LINES)
        contenders = [Contender("count lines", told_by_itself(_FLOOR.format(folder=str(place)), folder))]
        contenders += [
            Contender(part, told_by_itself(code + measured, folder)) for part, measured in _PARTS.items()
        ]
        goals = [
            Goal("open", 1.5, figure="cpu"),
            Goal("page of 200 lines", 0.02, figure="cpu"),
            Goal("slowest page", 0.1, figure="cpu"),
            Goal("find what is not there", 2.0, figure="cpu"),
            Goal("find what is not there", 8e6, figure="peak"),
        ]
        yield Work(f"log of 1,000,000 lines, {name}", contenders, goals)


def _write(place: Path, every: int) -> None:
    """A log of 100 bytes a line, ten lines at a time and with ``every`` of ten one of stderr behind them."""
    writer = LogWriter(place)
    errors = 0 if every == 1 else _LINES // (every + 1)
    out = _LINES - errors
    done = 0
    while done < out:
        count = min(every if every > 1 else 1000, out - done)
        text = "".join(f"{done + each:>8} {'x' * 90}\n" for each in range(count))
        writer.write("stdout", text.encode())
        done += count
        if errors:
            errors -= 1
            writer.write("stderr", b"e" * 99 + b"\n")
    while errors:
        errors -= 1
        writer.write("stderr", b"e" * 99 + b"\n")
    writer.close()
