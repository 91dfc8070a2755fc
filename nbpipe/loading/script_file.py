"""A Python file, run in a process of its own for the ``Pipeline`` that it leaves in a variable."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from nbpipe.errors import NotebookError
from nbpipe.loading import script_process
from nbpipe.loading.declared import Told, read_report
from nbpipe.workspace import DECLARE_MODE


class _Ended(NamedTuple):
    """How the process of a file ended: its exit code, and what it said on its standard error."""

    code: int
    said: bytes


def declared_by_script(path: Path) -> list[Told]:
    """The pipelines of a Python file.

    It is run as a program, from its own folder, by this interpreter; ``submit`` starts nothing meanwhile.

    Raises:
        NbpipeError: what the file raised: of nbpipe's own as it is, else a ``NotebookError`` that names the line.
    """
    with tempfile.TemporaryDirectory(prefix="nbpipe-") as folder:
        report = Path(folder) / "declared.json"
        run = _forked if _can_be_copied() else _spawned
        ended = run(path.absolute(), report)
        if not report.exists():
            said = ended.said.decode("utf-8", "replace").strip().splitlines()
            raise NotebookError(
                f"{path.name} cannot be loaded: its process ended with {ended.code}.",
                place=said[-1] if said else None,
            )
        return read_report(report)


def _can_be_copied() -> bool:
    """Whether a copy of this process would be whole: of its threads only one comes along, and no lock is given back.

    A copy has imported already what a new interpreter would need a tenth of a second for.
    """
    return sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1


def _spawned(script: Path, report: Path) -> _Ended:
    done = subprocess.run(
        # -P: a file beside it that is called json.py must not take the place of the library's.
        [sys.executable, "-P", "-m", script_process.__name__, str(script), str(report)],
        cwd=script.parent, env={**os.environ, DECLARE_MODE: "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, check=False,
    )  # fmt: skip
    return _Ended(done.returncode, done.stderr)


def _forked(script: Path, report: Path) -> _Ended:
    sys.stdout.flush()
    sys.stderr.flush()
    said = report.with_name("said")
    child = os.fork()
    if child == 0:
        try:
            _leave_behind(script.parent, said)
            script_process.run_as_program(script, report)
            _end_as_program()
        except BaseException:  # noqa: BLE001 - a copy must not go on as what it was copied from
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:  # an interrupt
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    return _Ended(os.waitstatus_to_exitcode(status), said.read_bytes())


def _leave_behind(folder: Path, said: Path) -> None:
    """Give up what a new process would not have: our streams and folder, what came by our own ``sys.path``."""
    atexit._clear()  # noqa: SLF001 - ours, such as to remove our temporary folders
    os.environ[DECLARE_MODE] = "1"
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - they live as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of the command
    beside = {entry.name.removesuffix(".py") for entry in os.scandir(folder)}
    foreign = beside - sys.stdlib_module_names - {"nbpipe"}
    for name in [name for name in sys.modules if name.partition(".")[0] in foreign]:
        del sys.modules[name]


def _end_as_program() -> None:
    """Do what an interpreter does at its end: threads are waited for, what was left open is written."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to have them called
    vars(sys.modules["__main__"]).clear()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
