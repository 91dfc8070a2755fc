"""Packs the runtime into one file that an interpreter without nbpipe can import from."""

from __future__ import annotations

import io
import os
import zipfile
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


def archive() -> bytes:
    """The runtime as a zip archive, the same bytes each time.

    The path of a file with it goes into the variable NBPIPE_RUNTIME of a step, whose launcher puts it last on
    `sys.path`, so that `from nbpipe import Run` works and an installed nbpipe wins. In an archive nobody
    leaves compiled modules, which an interpreter would believe without looking at their source.

    Example:
        >>> zipfile.ZipFile(io.BytesIO(archive())).namelist()[:2]
        ['nbpipe/__init__.py', 'nbpipe/errors.py']
    """
    own = Path(__file__).parent
    files = {"__init__.py": _PACKAGE.encode(), "errors.py": (own.parent / "errors.py").read_bytes()}
    for name in sorted(os.listdir(own)):
        if name.endswith(".py"):
            files[f"runtime/{name}"] = (own / name).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(f"nbpipe/{name}"), text)
    return packed.getvalue()
