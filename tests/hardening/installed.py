"""A throw-away environment into which packages are "installed" by writing their metadata and one module."""

from __future__ import annotations

import os
import shutil
import venv
from pathlib import Path


class Installed:
    """A virtual environment; made without pip, by links."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
        self.site = next(folder.glob("lib/python*/site-packages"))

    def install(self, name: str, version: str) -> None:
        """Put a package there, in place of its other versions."""
        self.remove(name)
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        (info / "RECORD").write_text(f"{name}.py,,\n", "utf-8")
        (self.site / f"{name}.py").write_text(f"VERSION = {version!r}\n", "utf-8")

    def remove(self, name: str) -> None:
        """Take a package away, with what Python compiled of it."""
        for old in (*self.site.glob(f"{name}-*.dist-info"), self.site / "__pycache__"):
            shutil.rmtree(old, ignore_errors=True)
        (self.site / f"{name}.py").unlink(missing_ok=True)

    def age(self) -> None:
        """All times at their zero, as in images that are built to be reproducible."""
        for path in (self.folder / "pyvenv.cfg", self.site):
            os.utime(path, ns=(0, 0))
