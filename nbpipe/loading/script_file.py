"""A Python file, run in a process of its own for the ``Pipeline`` that it leaves in a variable."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nbpipe.errors import NotebookError
from nbpipe.loading.declared import Told, read_report
from nbpipe.workspace import DECLARE_MODE


def declared_by_script(path: Path) -> list[Told]:
    """The pipelines of a Python file.

    It is run as a program, from its own folder, by this interpreter; ``submit`` starts nothing meanwhile.

    Raises:
        NbpipeError: what the file raised: of nbpipe's own as it is, else a ``NotebookError`` that names the line.
    """
    with tempfile.TemporaryDirectory(prefix="nbpipe-") as folder:
        report = Path(folder) / "declared.json"
        done = subprocess.run(
            # -P: a file beside it that is called json.py must not take the place of the library's.
            [sys.executable, "-P", "-m", "nbpipe.loading.script_process", str(path.absolute()), str(report)],
            cwd=path.absolute().parent, env={**os.environ, DECLARE_MODE: "1"}, stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
        if not report.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise NotebookError(
                f"{path.name} cannot be loaded: its process ended with {done.returncode}.",
                place=said[-1] if said else None,
            )
        return read_report(report)
