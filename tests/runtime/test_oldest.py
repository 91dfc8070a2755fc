"""What travels to a step's interpreter runs on Python 3.9."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nbpipe.runtime.stage import archive

PACKAGE = Path(__file__).parents[2] / "nbpipe"
COMPUTE = ("base", "checked", "forked", "output", "short_script")
TRAVELS = [
    PACKAGE / "errors.py",
    *sorted((PACKAGE / "runtime").glob("*.py")),
    *(PACKAGE / "compute" / f"{name}.py" for name in COMPUTE),
    *sorted((PACKAGE / "compute" / "agent").glob("*.py")),
]

EVERYTHING = """
import io, sys
sys.path.insert(0, sys.argv[1])
from nbpipe import Run
import nbpipe.errors, nbpipe.runtime.stage
run = Run.get_context()
run.log("x", 1)
run.log_table("t", {"a": [1, 2]})
run.upload_file("outputs/a", io.BytesIO(b"a"))
run.tag("k", "v")
run.complete()
print(run.get_metrics(), run.get_file_names(), run.input_datasets)
"""


@pytest.mark.parametrize("path", TRAVELS, ids=lambda path: path.parent.name + "/" + path.name)
def test_its_syntax_is_that_of_python_3_9(path: Path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_it_runs_on_the_oldest_interpreter_there_is(tmp_path: Path):
    names = [f"python3.{minor}" for minor in (9, 10)]
    found = [path for path in map(shutil.which, names) if path and answers(path)]
    if not found:
        pytest.skip("no Python 3.9 or 3.10 here")
    staged = tmp_path / "runtime.zip"
    staged.write_bytes(archive())
    ran = subprocess.run(
        [found[0], "-c", EVERYTHING, str(staged)], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "{'x': 1, 't': {'a': [1, 2]}} ['outputs/a'] {}\n", ran.stderr


def answers(python: str) -> bool:
    """Whether a name found on PATH is an interpreter, and not the stand-in of a version manager."""
    return (
        subprocess.run([python, "-c", ""], capture_output=True, check=False, env=dict(os.environ)).returncode
        == 0
    )
