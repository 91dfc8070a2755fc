"""A million lines of 100 bytes from a step, beside plain Python into a pipe: what live output costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nbpipe.compute.base import Job
from nbpipe.compute.local import LocalBackend

ROUNDS = 5
SCRIPT = "line = 'x' * 99\nfor _ in range(1_000_000):\n    print(line)\n"


def plainly(job: Job) -> tuple[float, float]:
    """Seconds of wall and of CPU with plain Python."""
    begun, before = time.perf_counter(), os.times()
    with subprocess.Popen(
        [job.python, job.script], cwd=job.cwd, env=dict(job.env), stdout=subprocess.PIPE
    ) as process:
        while os.read(process.stdout.fileno(), 256 * 1024):
            pass
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu


async def as_step(backend: LocalBackend, job: Job) -> tuple[float, float]:
    """The same as a step."""
    size = 0

    def sink(_stream: str, data: bytes) -> None:
        nonlocal size
        size += len(data)

    begun = time.perf_counter()
    ended = await (await backend.start(job, sink)).wait()
    if size != 100_000_000:
        raise SystemExit(f"{size} bytes arrived")
    return time.perf_counter() - begun, ended.cpu


async def main() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script.py").write_text(SCRIPT, encoding="utf-8")
        job = Job("bench", sys.executable, "script.py", (), Path(folder), env)
        backend = LocalBackend()
        rounds = [(plainly(job), await as_step(backend, job)) for _ in range(ROUNDS)]
        await backend.aclose()
    for position, what in enumerate(("wall", "cpu")):
        plain = statistics.median(one[position] for one, _ in rounds)
        step = statistics.median(other[position] for _, other in rounds)
        print(f"{what:6} python script.py {plain:6.3f} s   step {step:6.3f} s   ratio {step / plain:5.2f}")


if __name__ == "__main__":
    asyncio.run(main())
