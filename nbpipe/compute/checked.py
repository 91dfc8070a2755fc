"""Whether a job can be started at all, said before anything is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from functools import lru_cache

from nbpipe.compute.base import Job
from nbpipe.errors import EnvironmentProbeError, UsageError


def check_job(job: Job) -> str:
    """The path of a job's interpreter, once the job is known to be one that can be started.

    Raises:
        UsageError: it holds what no process can be given, or its folder is not there.
        EnvironmentProbeError: there is no such interpreter.
    """
    bad = next((f"argument {text!r}" for text in (job.script, *job.argv) if not _passable(text)), None)
    for name, value in job.env.items():  # values may be secret
        if not name or "=" in name or not (_passable(name) and _passable(value)):
            bad = f"variable {name!r}"
    if bad is not None:
        raise UsageError(
            f"A process cannot be given the {bad[:200]}.",
            place=f"{job.attempt_id}: no text may hold a NUL or half a character, no name be empty or hold =.",
        )
    if not job.cwd.is_dir():
        raise UsageError(f"No folder {job.cwd}.", place=f"{job.attempt_id} was to start in it.")
    return find_python(job.python, job.env, place=f"{job.attempt_id} was to run with it.")


def find_python(wanted: str, env: Mapping[str, str], *, place: str | None = None) -> str:
    """The absolute path of an interpreter.

    Args:
        wanted: a path, or a command on the PATH of `env`.
        env: the environment it will run in.
        place: what it is for, for the message.

    Raises:
        EnvironmentProbeError: there is none.
    """
    python = shutil.which(os.path.expanduser(wanted), path=env.get("PATH"))
    if python is None:
        raise EnvironmentProbeError(
            f"No interpreter {wanted}.",
            place=place,
            remedy=f"The one nbpipe runs with is:  --python {sys.executable}",
        )
    return os.path.abspath(python)


@lru_cache(maxsize=4096)  # steps have most of their variables in common
def _passable(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
