"""Writes the runtime as a folder that an interpreter without nbpipe can import from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_PACKAGE = '''\
"""The part of nbpipe that a step's script can import where nbpipe is not installed."""

from nbpipe.runtime.run import Run

__all__ = ["Run"]


def __getattr__(name):
    raise AttributeError(
        "nbpipe." + name + " is not there in this interpreter: it has only what scripts need: nbpipe.Run. "
        "For the rest, install nbpipe-steps in it."
    )
'''


def stage(target: Path) -> Path:
    """Write the folder, whole or not at all; one that is there already stays as it is.

    Its path goes into the variable NBPIPE_RUNTIME of a step, whose launcher puts it last on `sys.path`, so
    that `from nbpipe import Run` works and an installed nbpipe wins.

    Args:
        target: the folder to be. Name it for the version of nbpipe, so that another version writes another.

    Returns:
        `target`.

    Raises:
        OSError: it cannot be written.

    Example:
        >>> [entry.name for entry in stage(Path("runtime-0.1.0")).iterdir()]
        ['nbpipe']
    """
    if (target / "nbpipe").is_dir():
        return target
    own = Path(__file__).parent
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    package = part / "nbpipe"
    (package / "runtime").mkdir(parents=True)
    (package / "__init__.py").write_text(_PACKAGE, encoding="utf-8")
    shutil.copyfile(own.parent / "errors.py", package / "errors.py")
    for module in own.glob("*.py"):
        shutil.copyfile(module, package / "runtime" / module.name)
    for path in package.rglob("*.py"):  # a power cut must not leave torn ones, which would stay
        with open(path, "r+b") as file:
            os.fsync(file.fileno())
    try:
        part.rename(target)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        if not (target / "nbpipe").is_dir():  # not just another run's, a moment earlier
            raise
    return target
