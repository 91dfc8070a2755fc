"""A step's interpreter: finding it, what is installed in it, and what of that counts for reuse."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from nbpipe.core.record import dataclass
from nbpipe.environments import probe_script
from nbpipe.errors import EnvironmentProbeError

OLDEST = (3, 9)
"""Oldest Python a step runs in: what the runtime that travels with it needs."""
_PATIENCE = 60.0  # seconds; a first start from a cold network disk takes long, one that hangs must end
_IN_FOLDER = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_STEERING = ("HOME", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPLATLIBDIR")
_YOUNG = 2_000_000_000  # nanoseconds; the coarsest clock of a file system
_NEVER_COUNTS = "nbpipe"  # it carries a step's metrics and makes no result


def resolve_python(wanted: str, default: str, *, base: Path) -> str:
    """Path of the interpreter that a step asks for.

    Args:
        wanted: an interpreter, the folder of a virtual environment, or a command; empty for the default.
        default: path that an empty ``wanted`` means.
        base: folder that relative paths start from.

    Returns:
        An absolute path; links are kept, since the path is what tells a virtual environment from its base.

    Raises:
        EnvironmentProbeError: there is no such interpreter.

    Example:
        >>> resolve_python("", "/usr/bin/python3", base=Path("."))
        '/usr/bin/python3'
    """
    if not wanted:
        return default
    path = Path(os.path.abspath(base / Path(wanted).expanduser()))  # noqa: PTH100 - resolve() follows links
    if path.is_dir():
        for name in _IN_FOLDER:
            if (path / name).is_file():
                return str(path / name)
    elif path.is_file():
        if os.access(path, os.X_OK):
            return str(path)
        raise EnvironmentProbeError(f"{wanted} is no program.", place=str(path), remedy=_remedy())
    command = shutil.which(wanted) if Path(wanted).name == wanted else None
    if command:
        return str(Path(command).absolute())
    if path.is_dir():
        raise EnvironmentProbeError(
            f"The folder {wanted} holds no Python.", place=str(path), remedy=_remedy()
        )
    raise EnvironmentProbeError(f"No Python {wanted}.", remedy=_remedy())


def _remedy() -> str:
    known = ["python3", *(f"python3.{minor}" for minor in range(OLDEST[1], sys.version_info[1] + 4))]
    there = [command for command in known if shutil.which(command)]
    wanted = "Name an interpreter, the folder of a virtual environment, or a command."
    return f"{wanted} On the PATH: {', '.join(there)}." if there else wanted


@dataclass(frozen=True)
class Interpreter:
    """What was seen of an interpreter.

    Attributes:
        python: the path it was asked by.
        executable: the path it calls itself, behind any shim.
        version: ``3.11``.
        imports: top-level import name -> distributions that bring it.
        versions: distribution -> version; names are normalised (lower case, ``-``).
        site: what was looked at to see all this, each with its stamp (``probe_script.stamp``).
        local_roots: folders of the user's own modules: PYTHONPATH and editable installs.
        target: where the path's folder and the path led to, past all links.
    """

    python: str
    executable: str
    version: str
    imports: Mapping[str, list[str]]
    versions: Mapping[str, str]
    site: list[tuple[str, Any]]
    local_roots: list[str]
    target: str

    def fresh(self) -> bool:
        """Whether nothing was installed, removed or upgraded since; costs a few stats."""
        return _target(self.python) == self.target and all(
            probe_script.stamp(path) == seen for path, seen in self.site
        )

    def settled(self, now: int) -> bool:
        """Whether `fresh` will tell any change after `now` (ns since the epoch).

        Not while something is being installed, which leaves the time of a folder as it was within one tick of
        the clock, and not where a script decides at each start which Python it is, as pyenv's do.
        """
        young = any(isinstance(seen, int) and now - seen < _YOUNG for _, seen in self.site)
        return not young and not _is_script(self.python)

    def ingredients(
        self, imported: Iterable[str], counts: Literal["imports", "full", "none"]
    ) -> dict[str, str]:
        """What of the environment a step's result depends on.

        Args:
            imported: top-level names that the step's code imports; those of no distribution count nothing.
            counts: ``imports`` for the distributions of those names, ``full`` for all, ``none`` for nothing.

        Returns:
            Distribution -> version, and ``python`` -> ``3.11``.
        """
        if counts == "none":
            return {}
        if counts == "full":
            return {"python": self.version, **self.versions}
        names = {name for top in imported if top != _NEVER_COUNTS for name in self.imports.get(top, ())}
        return {"python": self.version, **{name: self.versions[name] for name in sorted(names)}}


class Interpreters:
    """The interpreters of a workspace; each is asked once, and again only when something was installed.

    Args:
        recall: gives back what was remembered under a key, or None.
        remember: keeps a JSON object under a key, for other processes too.
        env: environment in which steps run, as far as an interpreter reads it; default: this process's.

    Example:
        >>> known = {}
        >>> Interpreters(known.get, known.__setitem__).of(sys.executable).version.partition(".")[0]
        '3'
    """

    def __init__(
        self,
        recall: Callable[[str], dict[str, Any] | None],
        remember: Callable[[str, dict[str, Any]], None],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._recall = recall
        self._remember = remember
        self._env = dict(os.environ if env is None else env)
        self._known: dict[str, Interpreter] = {}
        self._turn = threading.Lock()  # a plan's thread and the user's ask at once

    def of(self, python: str, env: Mapping[str, str] | None = None) -> Interpreter:
        """What is installed for an interpreter, as of now.

        Args:
            python: its path.
            env: environment it is started in; default: that of all.

        Raises:
            EnvironmentProbeError: it does not answer, or is older than Python 3.9.
        """
        env = self._env if env is None else env
        key = _key(python, env)
        with self._turn:
            seen = self._known.get(key)
            if seen is not None and seen.fresh():
                return seen
            return self._look(python, key, env)

    def _look(self, python: str, key: str, env: Mapping[str, str]) -> Interpreter:
        found = self._recall(key) or {}
        if found.get("format") == probe_script.FORMAT:
            remembered = self._known[key] = parse_answer(python, found)
            if remembered.fresh():
                return remembered
        now = time.time_ns()
        interpreter = probe(python, env)
        if interpreter.settled(now):
            self._known[key] = interpreter
            self._remember(key, {"format": probe_script.FORMAT, **asdict(interpreter)})
        return interpreter


def _key(python: str, env: Mapping[str, str]) -> str:
    """The interpreter and the variables that decide where it looks for modules."""
    return hashlib.sha256(json.dumps([python, *steering(env)]).encode()).hexdigest()


def steering(env: Mapping[str, str]) -> tuple[str | None, ...]:
    """What an environment says about where an interpreter looks for modules."""
    return tuple(env.get(name) for name in _STEERING)


def _target(python: str) -> str:
    """The folder of a virtual environment as well as its base: either may be behind a link that moves."""
    return os.pathsep.join((os.path.realpath(Path(python).parent), os.path.realpath(python)))


def _is_script(program: str) -> bool:
    try:
        with Path(program).open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def probe(python: str, env: Mapping[str, str]) -> Interpreter:
    """Start an interpreter and ask it what is installed in it.

    Raises:
        EnvironmentProbeError: it does not answer, or is older than Python 3.9.
    """
    try:
        done = subprocess.run(
            [python, probe_script.__file__],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(env),
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"no answer in {_PATIENCE:g} s"
        raise EnvironmentProbeError(f"{python} cannot be started: {why}.", remedy=_remedy()) from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if said and said[-1].startswith("SyntaxError"):
        raise _too_old(python, "is too old")
    return read_answer(python, done.stdout, said[-1] if said else "")


def read_answer(python: str, printed: bytes, complaint: str = "") -> Interpreter:
    """What an interpreter printed that was given `probe_script` to run, on this machine or another.

    Args:
        python: what it was asked by.
        printed: all of its standard output.
        complaint: the last line of its standard error, for the message.

    Raises:
        EnvironmentProbeError: that is no answer, or it is older than Python 3.9.
    """
    for line in reversed(printed.splitlines()):  # a package's .pth file may print something of its own
        if line.startswith(b'{"format"'):
            interpreter = parse_answer(python, json.loads(line))
            if tuple(map(int, interpreter.version.split("."))) < OLDEST:
                raise _too_old(python, f"is Python {interpreter.version}")
            return interpreter
    raise EnvironmentProbeError(
        f"{python} does not answer as a Python does.", place=complaint or None, remedy=_remedy()
    )


def _too_old(python: str, what: str) -> EnvironmentProbeError:
    fact = f"{python} {what}. A step needs Python {OLDEST[0]}.{OLDEST[1]} or newer."
    return EnvironmentProbeError(fact, remedy=_remedy())


def parse_answer(python: str, data: Mapping[str, Any]) -> Interpreter:
    """An interpreter out of the JSON that it answered, or that was kept of it."""
    return Interpreter(
        python=python,
        executable=data["executable"],
        version=data["version"],
        imports=data["imports"],
        versions=data["versions"],
        site=[(path, seen) for path, seen in data["site"]],
        local_roots=data["local_roots"],
        target=data.get("target") or _target(python),
    )
