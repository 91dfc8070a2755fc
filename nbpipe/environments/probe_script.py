"""Asks an interpreter what it is and what is installed in it; runs by path, inside that interpreter.

It needs the standard library only, of Python 3.9 or newer, and imports little of it, since a plan may wait
for it. Installed metadata is read by hand for the same reason: ``importlib.metadata`` alone takes longer to
import than all this takes to run, and ``pathlib`` a third of it.
"""

from __future__ import annotations

import json
import os
import re
import site
import sys

FORMAT = 2
"""Version of the answer; what an older nbpipe remembered is asked for again."""
_METADATA = (".dist-info", ".egg-info")
_PACKAGES = ("site-packages", "dist-packages")


def stamp(path: str) -> int | list[str] | None:
    """What changes of a path when a package comes, goes or changes version; None when nothing is there.

    That is the modification time of a folder of packages, and of a file. A folder of the user's own sources
    changes all the time; of it, only the metadata that lie in it are looked at.
    """
    try:
        if not is_local(path) or not os.path.isdir(path):
            return os.stat(path).st_mtime_ns
        return sorted(name for name in os.listdir(path) if name.endswith(_METADATA))
    except OSError:
        return None


def is_local(folder: str) -> bool:
    """Whether a folder lies outside every ``site-packages`` and ``dist-packages``."""
    return not set(_PACKAGES).intersection(folder.replace("\\", "/").split("/"))


def answer() -> dict[str, object]:
    """Everything asked, as one JSON object; see ``nbpipe.environments.interpreter.Interpreter``."""
    folders = _module_path()
    stamps = [
        (path, stamp(path)) for path in _watched(folders)
    ]  # first: a change meanwhile is then seen later
    versions: dict[str, str] = {}
    imports: dict[str, list[str]] = {}
    for folder in folders:
        for name, version, tops in _distributions(folder):
            if name in versions:  # as with imports, the first on the path wins
                continue
            versions[name] = version
            for top in tops:
                imports.setdefault(top, []).append(name)
    return {
        "format": FORMAT,
        "version": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "executable": sys.executable,
        "site": stamps,
        "imports": imports,
        "versions": versions,
        "local_roots": _local_roots(folders),
    }


def _module_path() -> list[str]:
    """``sys.path`` without this script's folder, the standard library and archives.

    Folders that are not there stay: they may come.
    """
    own = os.path.dirname(os.path.abspath(__file__))
    library = os.path.dirname(os.__file__)
    foreign = {own, library, sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable)}
    found = []
    for entry in sys.path:
        folder = os.path.abspath(entry)
        of_python = folder in foreign or os.path.basename(folder) in ("lib-dynload", "DLLs")
        archive = folder.endswith(".zip") or os.path.isfile(folder)
        if not of_python and not archive and folder not in found:
            found.append(folder)
    return found


def _watched(folders: list[str]) -> list[str]:
    """What is stamped: the folders, the user's own even if missing, and the files that decide them."""
    watched = [os.path.realpath(sys.executable), os.path.join(sys.prefix, "pyvenv.cfg"), *folders]
    if site.ENABLE_USER_SITE and site.getusersitepackages() not in folders:
        watched.append(site.getusersitepackages())
    for folder in folders:
        if not is_local(folder):
            watched.extend(os.path.join(folder, name) for name in _names(folder) if name.endswith(".pth"))
    return watched


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _distributions(folder: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and top-level imports of everything whose metadata lie in a folder."""
    found = []
    for entry in _names(folder):
        if not entry.endswith(_METADATA) or entry.startswith("~"):  # `~`: what pip could not remove
            continue
        path = os.path.join(folder, entry)
        name, version = _identity(path, entry)
        if name:
            found.append((re.sub(r"[-_.]+", "-", name).lower(), version, _top_levels(path, name)))
    return found


def _identity(path: str, entry: str) -> tuple[str, str]:
    """Name and version; a wheel's folder is named for both, older forms say them in a file."""
    stem, kind = os.path.splitext(entry)
    parts = stem.split("-")
    if kind == ".dist-info" and len(parts) == 2:
        return parts[0], parts[1]
    for candidate in ("METADATA", "PKG-INFO", ""):
        head = _read(os.path.join(path, candidate) if candidate else path).partition("\n\n")[0]
        fields = dict(re.findall(r"^(Name|Version):[ \t]*(.+?)[ \t\r]*$", head, re.MULTILINE))
        if "Name" in fields:
            return fields["Name"], fields.get("Version", "")
    return "", ""


def _top_levels(path: str, name: str) -> list[str]:
    """Import names: as the metadata list them, else as the installed files show them, else the own name."""
    listed = _read(os.path.join(path, "top_level.txt")).split()
    if listed:
        return listed
    record = _read(os.path.join(path, "RECORD"))
    if not record:
        return [name.replace("-", "_")]
    folders = {line[: line.find("/")] for line in record.splitlines() if "/" in line.partition(",")[0]}
    packages = [folder for folder in folders if folder.isidentifier() and folder != "__pycache__"]
    # Modules that lie at the top: x.py, x.pyd, x.cpython-311-x86_64-linux-gnu.so
    modules = re.findall(r"^([^\W\d]\w*)\.(?:[\w.-]+\.)?(?:py|so|pyd),", record, re.MULTILINE)
    return sorted({*packages, *modules})


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _local_roots(folders: list[str]) -> list[str]:
    """Folders of the user's own modules: on the path but none of packages, or behind an editable install."""
    roots = [folder for folder in folders if is_local(folder) and os.path.isdir(folder)]
    for finder in sys.meta_path:
        module = sys.modules.get(getattr(finder, "__module__", None) or "")
        # What setuptools' editable finders hold: module name -> its folder or file.
        mapping = getattr(module, "MAPPING", None)
        for name, target in mapping.items() if isinstance(mapping, dict) else ():
            root = _root_of(str(name), str(target))
            if root and root not in roots:
                roots.append(root)
    return roots


def _root_of(name: str, target: str) -> str:
    """The folder from which a module of this name is found here; empty where names and folders differ."""
    root = os.path.abspath(target)
    for part in reversed(name.split(".")):
        root, base = os.path.split(root)
        if base not in (part, part + ".py"):
            return ""
    return root if os.path.isdir(root) else ""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer()) + "\n")
