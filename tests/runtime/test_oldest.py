"""What travels to a step's interpreter runs on Python 3.9."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from nbpipe.runtime.stage import archive
from tests.oldest import oldest_python

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


@pytest.mark.parametrize("path", TRAVELS, ids=lambda path: path.parent.name + "/" + path.name)
def test_a_time_out_of_asyncio_is_named_as_such(path: Path):
    """Before Python 3.11 it is another class than the built-in one."""
    code = ast.parse(path.read_text(encoding="utf-8"))
    names = [
        node.lineno for node in ast.walk(code) if isinstance(node, ast.Name) and node.id == "TimeoutError"
    ]
    assert names == []


def test_it_runs_on_the_oldest_interpreter_there_is(tmp_path: Path):
    staged = tmp_path / "runtime.zip"
    staged.write_bytes(archive())
    command = [oldest_python(), "-c", EVERYTHING, str(staged)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == "{'x': 1, 't': {'a': [1, 2]}} ['outputs/a'] {}\n", ran.stderr
