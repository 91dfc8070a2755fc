"""Finds an interpreter of some version on a machine: the one that is named, on the PATH, or among those of uv."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator

from nbpipe.compute.agent.refusal import Refusal
from nbpipe.compute.checked import find_python
from nbpipe.errors import EnvironmentProbeError

_OLDEST = (3, 9)
_TELL = "import sys; print('{}.{}.{}'.format(*sys.version_info))"
_PATIENCE = 60.0  # seconds an interpreter may take to answer
_UV_PLACES = (
    "~/.local/bin",
    "~/.cargo/bin",
)  # where its installer puts it, which a login over SSH may not look at


async def python_of(wanted: str, version: str) -> tuple[str, str]:
    """An interpreter to make an environment with, and its version.

    Args:
        wanted: a path or a command; empty for the agent's own.
        version: ``3.11`` or ``3.11.4``, as far as it matters; empty for any.

    Raises:
        Refusal: the version is none, or too old for a step, or no interpreter here has it.
        EnvironmentProbeError: there is no such interpreter as is wanted.
    """
    if version and not re.fullmatch(r"\d+(\.\d+){0,2}", version):
        raise Refusal("refused", f"{version[:40]!r} is no version of Python.", remedy="Write it as 3.11.")
    known = []
    base = find_python(wanted or sys.executable, os.environ)
    async for python in _candidates(base, version):
        told = await version_of(python)
        if told and fits(told, version):
            if tuple(map(int, told.split(".")[:2])) < _OLDEST:
                raise Refusal("refused", f"{python} is Python {told}. A step needs Python 3.9 or newer.")
            return python, told
        known.append(f"{python} is {told}" if told else f"{python} does not start")
    if not version:
        raise EnvironmentProbeError(f"The interpreter {base} does not start.")
    minor = ".".join(version.split(".")[:2])
    raise Refusal(
        "refused",
        f"There is no Python {version} for the environment: install it there (uv python install {version}), or"
        " declare another version.",
        place=f"{'; '.join(known)}.",
        remedy=f"python{minor} is looked for on the PATH there, and among the interpreters of uv.",
    )


def find_uv() -> str | None:
    """The path of uv, where it is installed."""
    places = os.pathsep.join(map(os.path.expanduser, _UV_PLACES))
    return shutil.which("uv") or shutil.which("uv", path=places)


async def _candidates(base: str, version: str) -> AsyncIterator[str]:
    yield base
    if not version:
        return
    names = dict.fromkeys(["python" + ".".join(version.split(".")[:2]), "python3"])
    for folder in dict.fromkeys(os.environ.get("PATH", os.defpath).split(os.pathsep)):
        for name in names:
            path = shutil.which(name, path=folder or os.curdir)
            if path is not None and os.path.abspath(path) != base:
                yield os.path.abspath(path)
    uv = find_uv()
    if uv is not None:
        found = await _printed(
            uv, "python", "find", "--no-python-downloads", "--python-preference", "only-managed", version
        )
        if found:
            yield found


async def version_of(python: str) -> str:
    """The version of an interpreter; empty where it does not tell one, as the stand-in of a version manager."""
    told = await _printed(python, "-c", _TELL)
    return told if re.fullmatch(r"\d+\.\d+\.\d+", told) else ""


async def _printed(*command: str) -> str:
    nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=nothing, stdout=pipe, stderr=nothing)
    except OSError:
        return ""
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except asyncio.TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode(errors="replace").strip() if process.returncode == 0 else ""


def fits(told: str, version: str) -> bool:
    """Whether a version is another as far as that is told.

    Example:
        >>> fits("3.11.4", "3.11")
        True
    """
    parts = version.split(".") if version else []
    return told.split(".")[: len(parts)] == parts
