"""Small packages that a test makes, and the folder that stands for an index."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest


def wheel(folder: Path, name: str = "tiny", version: str = "1.0", *, needs: Iterable[str] = ()) -> Path:
    """A wheel of one module, which has its version as `VERSION`; others are needed by name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    told = "".join(f"Requires-Dist: {each}\n" for each in needs)
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}.py", f"VERSION = {version!r}\nSIZE = 'tiny'\n")
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{told}")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uv and pip find packages in a folder, and nowhere else."""
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")


def index_of_a_login(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a machine that has of our variables what a login has: by a file of its user, with uv on the PATH."""
    config = home / ".config/uv/uv.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"no-index = true\nfind-links = [{str(folder)!r}]\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
