"""What has to be waited for before anything is done: imports, the magics, the command, a step's process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import PYTHON, Contender, Goal, Work, program, told_by_itself
from tests.benchmarks.pipelines import NBPIPE

_LOAD = """\
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
begun, used = time.perf_counter(), time.process_time()
shell.run_line_magic("load_ext", "nbpipe")
wall, cpu = time.perf_counter() - begun, time.process_time() - used
"""
_STARTS = 50
_PLAINLY = f"""\
import subprocess, sys, time
open("script.py", "w").write("pass")
subprocess.run([sys.executable, "script.py"])
begun = time.perf_counter()
for _ in range({_STARTS}):
    subprocess.run([sys.executable, "script.py"], capture_output=True)
wall = (time.perf_counter() - begun) / {_STARTS}
"""
_FORKED = f"""\
import asyncio, os, sys, time
from pathlib import Path
from nbpipe.compute.base import Job
from nbpipe.compute.local import LocalBackend
open("script.py", "w").write("pass")

async def main():
    job = Job("bench", sys.executable, "script.py", (), Path(), dict(os.environ))
    backend = LocalBackend()
    async def step():
        await (await backend.start(job, lambda stream, data: None)).wait()
    await step()
    begun = time.perf_counter()
    for _ in range({_STARTS}):
        await step()
    taken = time.perf_counter() - begun
    await backend.aclose()
    return taken / {_STARTS}

wall = asyncio.run(main())
"""


def works(folder: Path) -> Iterator[Work]:
    """Bytecode is there: an installed package has it."""

    def python(code: str) -> Contender:
        return Contender(f"python -c '{code}'", program([PYTHON, "-c", code], folder))

    version = Contender("nbpipe --version", program([NBPIPE, "--version"], folder))
    imported = python("import nbpipe")
    yield Work(
        "start", [python("pass"), imported, version], [Goal(imported.name, 0.100), Goal(version.name, 0.150)]
    )
    load = Contender("%load_ext nbpipe", told_by_itself(_LOAD, folder))
    yield Work("the magics, in a started IPython", [load], [Goal(load.name, 0.200)])
    plain = Contender("python script.py", told_by_itself(_PLAINLY, folder))
    forked = Contender("a step's process", told_by_itself(_FORKED, folder))
    yield Work("a script that does nothing", [plain, forked], [Goal(forked.name, 1.0, plain.name)])
