"""A staged runtime serves an interpreter that has no nbpipe."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.compute.base import Job
from nbpipe.compute.local import LocalBackend
from nbpipe.runtime.metrics import fold
from nbpipe.runtime.spool import Spool
from nbpipe.runtime.stage import stage


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with nothing but the standard library."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def backend(request: pytest.FixtureRequest) -> LocalBackend:
    return LocalBackend(forked=request.param)


def run(backend: LocalBackend, job: Job) -> tuple[int | None, str]:
    async def go() -> tuple[int | None, str]:
        output = bytearray()
        ended = await (await backend.start(job, lambda _stream, data: output.extend(data))).wait()
        await backend.aclose()
        return ended.code, output.decode()

    return asyncio.run(go())


def test_a_script_logs_from_an_interpreter_without_nbpipe(backend: LocalBackend, bare: str, tmp_path: Path):
    staged = stage(tmp_path / "runtime")
    (tmp_path / "script.py").write_text(
        "import nbpipe\nfrom nbpipe import Run\nRun.get_context().log('x', 1.5)\nprint(nbpipe.__file__)"
    )
    env = {**os.environ, "NBPIPE_RUNTIME": str(staged), "NBPIPE_SPOOL": str(tmp_path / "spool")}
    code, output = run(backend, Job("t", bare, "script.py", (), tmp_path, env))
    assert (code, output.strip()) == (0, str(staged / "nbpipe" / "__init__.py"))
    assert fold(Spool(str(tmp_path / "spool")).records()) == {"x": 1.5}


def test_what_a_step_does_not_have_is_said(backend: LocalBackend, bare: str, tmp_path: Path):
    (tmp_path / "script.py").write_text("import nbpipe\nnbpipe.Workspace")
    env = {**os.environ, "NBPIPE_RUNTIME": str(stage(tmp_path / "runtime"))}
    code, output = run(backend, Job("t", bare, "script.py", (), tmp_path, env))
    assert code == 1
    assert "nbpipe.Workspace is not there in this interpreter" in output


def test_a_bare_interpreter_runs_steps_without_a_staged_runtime(
    backend: LocalBackend, bare: str, tmp_path: Path
):
    (tmp_path / "script.py").write_text("print('ran')\nimport nbpipe")
    code, output = run(backend, Job("t", bare, "script.py", (), tmp_path, dict(os.environ)))
    assert code == 1
    assert "ran\n" in output
    assert "No module named 'nbpipe'" in output


def test_an_installed_nbpipe_wins(backend: LocalBackend, bare: str, tmp_path: Path):
    installed = tmp_path / "installed" / "nbpipe"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("mine = True")
    (tmp_path / "script.py").write_text("import nbpipe; print(nbpipe.mine)")
    env = {
        **os.environ,
        "NBPIPE_RUNTIME": str(stage(tmp_path / "runtime")),
        "PYTHONPATH": str(tmp_path / "installed"),
    }
    assert run(backend, Job("t", bare, "script.py", (), tmp_path, env)) == (0, "True\n")


def test_staging_twice_and_at_once_gives_one_whole_folder(tmp_path: Path):
    root = Path(__file__).parents[2]
    code = "import pathlib, sys; from nbpipe.runtime.stage import stage; stage(pathlib.Path(sys.argv[1]))"
    call = [sys.executable, "-c", code, tmp_path / "r"]
    processes = [subprocess.Popen(call, cwd=root) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["r"]
    own = {path.name: path.read_bytes() for path in (root / "nbpipe" / "runtime").glob("*.py")}
    staged = tmp_path / "r" / "nbpipe" / "runtime"
    assert {path.name: path.read_bytes() for path in staged.glob("*.py")} == own


def test_the_staged_runtime_needs_the_standard_library_only(bare: str, tmp_path: Path):
    staged = stage(tmp_path / "runtime")
    code = (
        f"import sys; sys.path.insert(0, {str(staged)!r}); import nbpipe; print(nbpipe.Run.get_context().id)"
    )
    ran = subprocess.run([bare, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "OfflineRun\n"
