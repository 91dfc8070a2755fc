"""What travels to a step's interpreter runs on Python 3.9."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from nbpipe.runtime.stage import archive
from nbpipe.store.carrier_archive import TRAVELS as CARRIER
from nbpipe.store.carrier_archive import carrier_archive
from tests.oldest import oldest_python

PACKAGE = Path(__file__).parents[2] / "nbpipe"
COMPUTE = ("base", "checked", "forked", "lock", "output", "short_script")
TRAVELS = [
    PACKAGE / "errors.py",
    *sorted((PACKAGE / "runtime").glob("*.py")),
    *(PACKAGE / "compute" / f"{name}.py" for name in COMPUTE),
    *sorted((PACKAGE / "compute" / "agent").glob("*.py")),
    *(PACKAGE / name for name in CARRIER if name != "errors.py"),
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


@pytest.mark.parametrize("name", CARRIER)
def test_the_carrier_imports_only_what_travels_with_it(name: str):
    code = ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
    modules = {node.module for node in code if isinstance(node, ast.ImportFrom)}
    ours = {
        f"{module.removeprefix('nbpipe.').replace('.', '/')}.py" for module in modules if "nbpipe" in module
    }
    assert ours - {*CARRIER} == set()


def test_the_carrier_runs_on_it_too(tmp_path: Path):
    oldest = oldest_python()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a").write_bytes(b"content")
    program = tmp_path / "carrier"
    program.write_bytes(carrier_archive())
    sha256 = hashlib.sha256(b"content").hexdigest()
    file = {"key": "k", "name": "a", "path": str(tmp_path / "here"), "size": 7, "sha256": sha256}
    fetched = carried(oldest, program, "fetch", str(tmp_path / "store"), file)
    assert {"there": "k"} in fetched
    assert (tmp_path / "here").read_bytes() == b"content"
    assert {"there": "k"} in carried(oldest, program, "put", str(tmp_path / "store"), {**file, "name": "b/c"})
    assert (tmp_path / "store" / "b" / "c").read_bytes() == b"content"
    unable = carried(oldest, program, "fetch", "s3://lab/store", file)[-1]
    assert unable["unable"] == "packages"


def carried(
    python: str, program: Path, way: str, url: str, file: dict[str, object]
) -> list[dict[str, object]]:
    """What a carrier says."""
    order = json.dumps({"way": way, "url": url, "options": {}, "files": [file]})
    pipe = subprocess.PIPE
    with subprocess.Popen([python, str(program)], stdin=pipe, stdout=pipe, text=True) as ran:
        ran.stdin.write(order + "\n")
        ran.stdin.flush()
        return [json.loads(line) for line in ran.stdout]
