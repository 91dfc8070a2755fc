"""The checks of ``nbpipe doctor``: what each looks at, what it says, and what to do about it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError
from nbpipe.platform import lock_file
from nbpipe.store.files import STATE_NAME, is_folder
from nbpipe.workspace import Workspace

DISTRIBUTION = "nbpipe-steps"
OTHER_PROJECT = "nbpipe"
"""The name on the package index that belongs to another project; it brings the same import name."""
OLDEST = (3, 11)
"""Oldest Python that nbpipe itself runs on."""
LITTLE_SPACE, SOME_SPACE = 200 * 10**6, 2 * 10**9
"""Bytes free under which a run will hardly end well, and under which it is worth a note."""


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: what was looked at.
        status: ``ok``, ``note`` (does no harm) or ``failed``.
        text: one line.
        remedy: what to do, may have several lines, or empty.
    """

    name: str
    status: Literal["ok", "note", "failed"]
    text: str
    remedy: str = ""


def all_checks(workspace: Workspace) -> Iterator[Check]:
    """Every check of this machine and a workspace, in an order in which a failure explains the later ones."""
    yield python()
    yield distributions()
    yield from other_project()
    of_workspace: tuple[Callable[[Workspace], Check], ...] = (writable, state, space, locks, runs)
    for check in of_workspace:
        try:
            yield check(workspace)
        except NbpipeError as error:
            yield Check(check.__name__, "failed", error.fact, error.details)
    yield kernels()
    yield layout()
    yield jupyterlab()
    yield dot()


def python() -> Check:
    """Whether this interpreter is new enough."""
    text = f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}"
    if sys.version_info[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Check("Python", "failed", text, f"nbpipe needs Python {oldest} or newer.")
    return Check("Python", "ok", text)


def distributions() -> Check:
    """Whether all that nbpipe imports is installed."""
    try:
        wanted = importlib.metadata.requires(DISTRIBUTION) or []
        version = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return Check(
            "packages", "note", f"{DISTRIBUTION} is not installed; this is its source.", "pip install -e ."
        )
    names = [re.split(r"[^\w.-]", line)[0] for line in wanted if "extra ==" not in line]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return Check(
            "packages", "failed", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}"
        )
    return Check("packages", "ok", f"{DISTRIBUTION} {version} and the {len(names)} it needs")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def other_project() -> Iterator[Check]:
    """Whether the other project of the package index is installed too, whose files would mix with ours."""
    if _installed(OTHER_PROJECT):
        yield Check(
            "package name", "failed",
            f"The package {OTHER_PROJECT} is installed too; it is another project with the same import name.",
            f"pip uninstall {OTHER_PROJECT} && pip install --force-reinstall --no-deps {DISTRIBUTION}",
        )  # fmt: skip


def writable(workspace: Workspace) -> Check:
    """Whether files can be made in the workspace."""
    try:
        with tempfile.TemporaryFile(dir=workspace.root):
            pass
    except OSError as error:
        remedy = "Choose another folder, or mend its owner:  ls -ld ."
        return Check("workspace", "failed", f"{workspace.root} cannot be written: {error.strerror}.", remedy)
    return Check("workspace", "ok", str(workspace.root))


def state(workspace: Workspace) -> Check:
    """Whether the state folder is ours and of a format that is read here."""
    folder = workspace.state.path
    if not os.path.lexists(folder):
        return Check("state", "ok", f"{STATE_NAME}/ will be made at the first run")
    try:
        workspace.state.ensure()
    except NbpipeError as error:
        return Check("state", "failed", error.fact, error.details)
    return Check("state", "ok", f"{STATE_NAME}/ is there and can be read")


def space(workspace: Workspace) -> Check:
    """How much room the workspace's disk has."""
    from nbpipe.views.wording import size

    free = shutil.disk_usage(workspace.root).free
    text = f"{size(free)} free"
    if free < LITTLE_SPACE:
        return Check("disk", "failed", text, "Free what old runs keep:  nbpipe gc")
    return Check("disk", "note" if free < SOME_SPACE else "ok", text)


def locks(workspace: Workspace) -> Check:
    """Whether the file system keeps two processes from one lock."""
    folder = workspace.state.locks if is_folder(workspace.state.locks) else workspace.root
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as one, Path(one.name).open("ab") as two:
            excludes = lock_file(one.fileno()) and not lock_file(two.fileno())
    except OSError as error:
        excludes, why = False, error.strerror or str(error)
    else:
        why = "two took one lock"
    if not excludes:
        remedy = (
            "Put the workspace on a disk of this machine; two runs at once would not see each other here."
        )
        return Check("locks", "failed", f"{folder} knows no locks: {why}.", remedy)
    return Check("locks", "ok", "files can be locked")


def runs(workspace: Workspace) -> Check:
    """Whether a run broke off, or cannot be read."""
    found = workspace.runs()
    broken, damaged = [], []
    for run in found:
        try:
            if run.graph and run.interrupted:
                broken.append(run.id)
        except (NbpipeError, OSError, KeyError, TypeError, ValueError, AttributeError):
            damaged.append(run.id)
    if damaged:
        remedy = f"Take {'it' if len(damaged) == 1 else 'them'} away:  nbpipe gc\n{workspace.state.runs}"
        return Check("runs", "note", f"cannot be read: {', '.join(damaged)}", remedy)
    if broken:
        remedy = "Run again; what was finished is reused."
        return Check("runs", "note", f"broke off: {', '.join(broken[:8])} (their runner is gone)", remedy)
    return Check("runs", "ok", f"{len(found)}, none broke off")


def kernels() -> Check:
    """Whether there is a Python kernel whose interpreter is there."""
    from jupyter_client.kernelspec import KernelSpecManager

    found: list[str] = []
    lost: list[str] = []
    for name, spec in KernelSpecManager().get_all_specs().items():
        if spec["spec"].get("language", "").lower() == "python":
            argv = spec["spec"].get("argv") or [""]
            (found if shutil.which(argv[0]) else lost).append(name)
    if not found:
        return Check("kernels", "failed", "no Python kernel", "python -m ipykernel install --user")
    if lost:
        gone = " ".join(lost)
        remedy = f"jupyter kernelspec remove {gone}"
        return Check("kernels", "note", f"{', '.join(found)}; the interpreter of {gone} is gone", remedy)
    return Check("kernels", "ok", ", ".join(found))


def layout() -> Check:
    """Whether graphs are laid out by the good part, or by the plain one."""
    try:
        importlib.import_module("fast_sugiyama")
    except ImportError as error:
        return Check("graph layout", "note", f"the plain one; fast-sugiyama cannot be loaded ({error})")
    return Check("graph layout", "ok", "fast-sugiyama")


def jupyterlab() -> Check:
    """Whether JupyterLab is there."""
    if importlib.util.find_spec("jupyterlab") is None:
        remedy = f"{sys.executable} -m pip install jupyterlab"
        return Check("JupyterLab", "note", "not in this environment; notebooks run without it", remedy)
    return Check("JupyterLab", "ok", importlib.metadata.version("jupyterlab"))


def dot() -> Check:
    """Whether Graphviz's own program is there, which nothing here needs."""
    found = shutil.which("dot")
    if found:
        return Check("dot", "ok", found)
    return Check("dot", "note", "not there; only rendering a .dot file by Graphviz wants it")
