"""What a kernel holds with a pipeline of a thousand steps in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import Contender, Goal, Work, told_by_itself
from tests.benchmarks.pipelines import Pipelines

_KERNEL = """\
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
code = {code!r}
answers = []
def told(message):
    if message["msg_type"] == "stream": answers.append(message["content"]["text"])
    if message["msg_type"] == "error": answers.append("\\n".join(message["content"]["traceback"]))
try:
    client.execute_interactive(code, output_hook=told, timeout=120)
    try: peak = int(answers[-1])
    except ValueError: raise SystemExit(answers[-1])
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""
_TELL = "import psutil\nprint(psutil.Process().memory_info().rss)\n"
_PLAN = """\
%load_ext nbpipe
import runpy
pipeline = runpy.run_path("pipeline.py")["pipeline"]
plan = pipeline.plan()
"""


def works(folder: Path) -> Iterator[Work]:
    """Resident bytes, after the pipeline was planned."""
    Pipelines(folder, 1000)
    nbpipe = folder / "nbpipe"
    contenders = [
        Contender("bare kernel", told_by_itself(_KERNEL.format(code=_TELL), nbpipe)),
        Contender("with 1,000 steps", told_by_itself(_KERNEL.format(code=_PLAN + _TELL), nbpipe)),
    ]
    yield Work(
        "memory of a kernel", contenders, [Goal("with 1,000 steps", 60e6, "bare kernel", "peak", less=True)]
    )
