"""Start to exit of a step that does nothing, beside `python script.py`: median of many, taken in turn."""

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

ROUNDS = 200


def plainly(job: Job) -> None:
    subprocess.run([job.python, job.script], cwd=job.cwd, env=dict(job.env), capture_output=True, check=True)


async def main() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    plain: list[float] = []
    forked: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script.py").write_text("pass\n", encoding="utf-8")
        job = Job("bench", sys.executable, "script.py", (), Path(folder), env)
        backend = LocalBackend()
        begun = time.perf_counter()
        await (await backend.start(job, lambda _stream, _data: None)).wait()
        first = time.perf_counter() - begun
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            await (await backend.start(job, lambda _stream, _data: None)).wait()
            forked.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            plainly(job)
            plain.append(time.perf_counter() - begun)
        await backend.aclose()
    for name, seconds in (("python script.py", plain), ("step", forked)):
        print(f"{name:18}{statistics.median(seconds) * 1000:7.2f} ms")
    print(f"{'first step':18}{first * 1000:7.2f} ms")
    print(f"{'ratio':18}{statistics.median(forked) / statistics.median(plain):7.2f}")


if __name__ == "__main__":
    asyncio.run(main())
