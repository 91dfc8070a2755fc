"""Dask's command lines as processes, forked of one that has imported them: this takes a second of every start.

It imports nothing of nbpipe, as Dask's own processes do not.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from multiprocessing.context import ForkServerProcess
from pathlib import Path

COMMANDS = {"scheduler": "distributed.cli.dask_scheduler", "worker": "distributed.cli.dask_worker"}

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__, *COMMANDS.values()])


def dask_process(command: str, words: tuple[str, ...], log: Path) -> ForkServerProcess:
    """Start ``dask COMMAND WORDS``, in the folder of its log.

    Args:
        command: ``scheduler`` or ``worker``.
        words: what follows it.
        log: takes all it says.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = _forks.Process(target=_run, args=(command, words, log, env), daemon=False)
    process.start()
    return process


def _run(command: str, words: tuple[str, ...], log: Path, env: dict[str, str]) -> None:
    taken = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(taken, stream)
    os.chdir(log.parent)
    os.environ.clear()  # what it was forked of began in another test
    os.environ.update(env)
    importlib.import_module(COMMANDS[command]).main(words)
