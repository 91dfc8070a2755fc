"""The oldest interpreter that runs what travels to other machines: looked for on the PATH and beside it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest


@lru_cache(maxsize=1)
def _found() -> str | None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # tests have a HOME of their own
    kept = sorted(map(str, home.glob(".pyenv/versions/3.9.*/bin/python3.9")))
    for each in filter(None, [shutil.which("python3.9"), *kept]):
        # A name on the PATH may be the stand-in of a version manager.
        if subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
            return each
    return None


def oldest_python() -> str:
    """The path of a Python 3.9; the test is skipped where there is none."""
    found = _found()
    if found is None:
        pytest.skip("no Python 3.9 here")
    return found
