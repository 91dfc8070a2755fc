"""A step that reads a file of one GiB: never seen, unchanged, and touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.frame import PYTHON, Contender, Goal, Work, program
from tests.benchmarks.pipelines import DOIT, NBPIPE, age, forget_doit, forget_nbpipe, write_script

_HASH = "from blake3 import blake3; blake3(max_threads=blake3.AUTO).update_mmap('big.bin')"
_DODO = """\
def task_step():
    return {{"file_dep": ["steps/s/step.py", "big.bin"], "actions": [["{python}", "steps/s/step.py", "big.bin"]]}}
"""
_FORGET = {"doit": forget_doit, "nbpipe run": forget_nbpipe}
_PIPELINE = """\
from nbpipe import Dataset, Pipeline, PythonScriptStep, Workspace
big = Dataset.File.from_files("big.bin").as_named_input("big").as_mount()
step = PythonScriptStep("step.py", name="s", source_directory="steps/s", arguments=[big], inputs=[big])
pipeline = Pipeline(Workspace("."), [step])
"""


def works(folder: Path) -> Iterator[Work]:
    """The floor reads and hashes the same file."""
    write_script(folder, "s", "pass\n")
    (folder / "dodo.py").write_text(_DODO.format(python=PYTHON))
    (folder / "pipeline.py").write_text(_PIPELINE)
    block = os.urandom(2**20)
    with (folder / "big.bin").open("wb") as file:
        file.writelines(block for _ in range(1024))
    age(folder)
    cold = [_contender(peer, folder, partial(forget, folder)) for peer, forget in _FORGET.items()]
    yield _work("cold", folder, cold, Goal("nbpipe run", 2.0, "blake3"))
    unchanged = [_contender(peer, folder) for peer in _FORGET]
    yield _work("unchanged", folder, unchanged, Goal("nbpipe run", 1.0, "doit"))
    touched = [_contender(peer, folder, partial(_touch, folder)) for peer in _FORGET]
    yield _work("touched", folder, touched, Goal("nbpipe run", 2.0, "blake3"))


def _work(name: str, folder: Path, peers: Sequence[Contender], goal: Goal) -> Work:
    floor = Contender("blake3", program([PYTHON, "-c", _HASH], folder))
    return Work(f"1 GiB input, {name}", [floor, *peers], [goal])


def _contender(peer: str, folder: Path, prepare: Callable[[], object] = lambda: None) -> Contender:
    words = {"doit": [DOIT], "nbpipe run": [NBPIPE, "run", "pipeline.py"]}[peer]
    return Contender(peer, program(words, folder), prepare)


def _touch(folder: Path) -> None:
    """Another time of change than ever before, and not a young one."""
    then = (folder / "big.bin").stat().st_mtime - 10
    os.utime(folder / "big.bin", (then, then))
