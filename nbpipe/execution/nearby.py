"""What lies near a notebook: the files and modules that a step missed because it was not given them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_DEPTH = 2
_FOLDERS = 2000  # a look around, not a search of the disk
_FOREIGN = {"node_modules", "site-packages", "dist-packages", "venv", "env", "__pycache__"}


def there(path: Path) -> bool:
    """Whether something lies at a path, which may be any text that a script took for one."""
    with suppress(OSError, ValueError):
        return path.exists()
    return False


def as_seen(path: Path, folder: Path) -> str:
    """A path relative to a folder, with slashes; absolute where no relative one exists (another Windows drive)."""
    with suppress(ValueError):
        return os.path.relpath(path, folder).replace(os.sep, "/")
    return path.as_posix()


def modules_near(name: str, notebook_folder: Path, workspace: Path) -> list[Path]:
    """Files and packages that would be imported by a top-level name, nearest first.

    Looked at are the notebook's folder and the workspace, then what is up to two levels below them or beside them;
    never virtual environments, hidden folders or more than some thousand folders.
    """
    found: list[Path] = []
    for folder in _folders(notebook_folder, workspace):
        for path in (folder / f"{name}.py", folder / name):
            if path not in found and (there(path) if path.suffix else _holds_python(path)):
                found.append(path)
    return found


def _folders(notebook_folder: Path, workspace: Path) -> Iterator[Path]:
    near = dict.fromkeys((notebook_folder, workspace))
    yield from near
    seen = 0
    for start in dict.fromkeys((*near, notebook_folder.absolute().parent)):
        level = [start]
        for _ in range(_DEPTH):
            level = [below for folder in level for below in _below(folder)]
            seen += len(level)
            if seen > _FOLDERS:
                return
            yield from level


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _is_code_folder(entry)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _is_code_folder(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _FOREIGN:
        return False
    return entry.is_dir(follow_symlinks=False) and not there(Path(entry.path, "pyvenv.cfg"))


def _holds_python(folder: Path) -> bool:
    """Whether a folder can be imported: it has an ``__init__.py`` or, as a namespace, at least a module."""
    with suppress(OSError, ValueError):
        return folder.is_dir() and any(path.suffix == ".py" for path in folder.iterdir())
    return False
