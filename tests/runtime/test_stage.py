"""A staged runtime serves an interpreter that has no nbpipe."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nbpipe.compute.base import Job
from nbpipe.compute.local import LocalBackend
from nbpipe.runtime.metrics import fold
from nbpipe.runtime.spool import Spool
from nbpipe.runtime.stage import archive


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with nothing but the standard library."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def backend(request: pytest.FixtureRequest) -> LocalBackend:
    return LocalBackend(forked=request.param)


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """The runtime as a run has it."""
    path = tmp_path / "runtime.zip"
    path.write_bytes(archive())
    return path


def run(backend: LocalBackend, job: Job) -> tuple[int | None, str]:
    async def go() -> tuple[int | None, str]:
        output = bytearray()
        ended = await (await backend.start(job, lambda _stream, data: output.extend(data))).wait()
        await backend.aclose()
        return ended.code, output.decode()

    return asyncio.run(go())


def test_a_script_logs_from_an_interpreter_without_nbpipe(
    backend: LocalBackend, bare: str, staged: Path, tmp_path: Path
):
    (tmp_path / "script.py").write_text(
        "import nbpipe\nfrom nbpipe import Run\nRun.get_context().log('x', 1.5)\nprint(nbpipe.__file__)"
    )
    env = {**os.environ, "NBPIPE_RUNTIME": str(staged), "NBPIPE_SPOOL": str(tmp_path / "spool")}
    code, output = run(backend, Job("t", bare, "script.py", (), tmp_path, env))
    assert (code, output.strip()) == (0, str(staged / "nbpipe" / "__init__.py"))
    assert fold(Spool(str(tmp_path / "spool")).records()) == {"x": 1.5}


def test_what_a_step_does_not_have_is_said(backend: LocalBackend, bare: str, staged: Path, tmp_path: Path):
    (tmp_path / "script.py").write_text("import nbpipe\nnbpipe.Workspace")
    env = {**os.environ, "NBPIPE_RUNTIME": str(staged)}
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


def test_an_installed_nbpipe_wins(backend: LocalBackend, bare: str, staged: Path, tmp_path: Path):
    installed = tmp_path / "installed" / "nbpipe"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("mine = True")
    (tmp_path / "script.py").write_text("import nbpipe; print(nbpipe.mine)")
    env = {
        **os.environ,
        "NBPIPE_RUNTIME": str(staged),
        "PYTHONPATH": str(tmp_path / "installed"),
    }
    assert run(backend, Job("t", bare, "script.py", (), tmp_path, env)) == (0, "True\n")


def test_the_archive_has_every_module_and_is_the_same_each_time(staged: Path):
    folder = Path(__file__).parents[2] / "nbpipe" / "runtime"
    own = {f"nbpipe/runtime/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
    with zipfile.ZipFile(staged) as packed:
        told = {name: packed.read(name) for name in packed.namelist()}
    assert {name: told[name] for name in told if name.startswith("nbpipe/runtime/")} == own
    assert archive() == staged.read_bytes()


def test_nothing_compiled_is_left_beside_it(bare: str, staged: Path):
    subprocess.run([bare, "-c", IMPORT, staged], check=True, capture_output=True)
    assert not [path for path in staged.parent.rglob("*.pyc") if "venv" not in path.parts]


def test_the_staged_runtime_needs_the_standard_library_only(bare: str, staged: Path):
    ran = subprocess.run([bare, "-I", "-S", "-c", IMPORT, staged], capture_output=True, text=True, check=True)
    assert ran.stdout == "OfflineRun\n"


IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import nbpipe; print(nbpipe.Run.get_context().id)"
