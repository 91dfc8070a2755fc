"""Runs a short script outside any job, for what it prints: how an interpreter is asked about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from nbpipe.errors import EnvironmentProbeError

_PATIENCE = 60.0  # seconds an interpreter may take to answer


async def printed_by(python: str, script: Path, env: Mapping[str, str]) -> bytes:
    """What a script prints.

    Args:
        python: the interpreter.
        script: its file.
        env: the whole environment.

    Raises:
        EnvironmentProbeError: the interpreter cannot be started, does not answer in a minute, or fails.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            python, str(script), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=dict(env)
        )
    except OSError as error:
        raise EnvironmentProbeError(f"{python} cannot be started: {error.strerror}.") from error
    try:
        printed, complaint = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except asyncio.TimeoutError as error:
        raise EnvironmentProbeError(f"{python} gave no answer in {_PATIENCE:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise EnvironmentProbeError(f"{python} does not answer as a Python does.", place=said or None)
    return printed
