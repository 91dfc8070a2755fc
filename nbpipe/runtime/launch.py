"""Becomes a script: what `python script.py` does, inside an interpreter that runs already."""

from __future__ import annotations

import os
import sys
from types import CodeType, ModuleType, TracebackType

from nbpipe.runtime.live import Flusher

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep


def run_script(script: str, argv: list[str]) -> None:
    """Run a script as `__main__`, as faithfully as `python script argv...` would.

    To be called last and from the top of a process: what the script raises is left to the interpreter, which
    then prints it, ends the threads, runs `atexit` and sets the exit status exactly as it does for any
    script. Only the frames of this package are taken off the traceback.

    Two things differ from `python script.py`, on purpose: the working directory is on `sys.path` too, after
    the script's own folder, because the modules a step takes along lie there; and what is printed arrives
    while the script runs (`nbpipe.runtime.live`). What the variable NBPIPE_RUNTIME names comes last
    on `sys.path`, so that `from nbpipe import Run` works where nbpipe is not installed, and an installed
    nbpipe wins.

    Args:
        script: path of the script, relative to the working directory or absolute.
        argv: its arguments, without the script.
    """
    path = os.path.abspath(script)  # as Python 3.9 and later set __file__
    sys.argv[:] = [script, *argv]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.executable, script, *argv]
    _set_module_path(os.path.dirname(path))
    Flusher().start()
    try:
        module = _new_main(path)
        exec(_compiled(path), module.__dict__)  # noqa: S102 - running it is the purpose
    except SystemExit:
        raise
    except BaseException:
        _hide_own_frames()
        raise


def _set_module_path(folder: str) -> None:
    # The folder as it is named, not where links lead: a working copy may be one of links.
    cwd = os.getcwd()
    if not getattr(sys.flags, "safe_path", False):
        sys.path[:0] = [folder] if folder == cwd else [folder, cwd]
    staged = os.environ.get("NBPIPE_RUNTIME")
    if staged and staged not in sys.path:
        sys.path.append(staged)


def _compiled(path: str) -> CodeType:
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        reason = f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}"
        sys.stderr.write(f"{sys.executable}: {reason}\n")
        raise SystemExit(2) from None
    return compile(source, path, "exec", dont_inherit=True)


def _new_main(path: str) -> ModuleType:
    module = ModuleType("__main__")
    loader = type(__loader__)("__main__", path)  # type: ignore[name-defined]
    # No __spec__: multiprocessing then finds the script by its __file__.
    module.__dict__.update(
        __annotations__={},
        __builtins__=sys.modules["builtins"],
        __cached__=None,
        __file__=path,
        __loader__=loader,
    )
    sys.modules["__main__"] = module
    return module


def _hide_own_frames() -> None:
    hook = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
            trace = trace.tb_next
        hook(kind, error.with_traceback(trace), trace)

    sys.excepthook = excepthook
