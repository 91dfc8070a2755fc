"""Submitting: everything a run needs is frozen into the store before its runner starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbpipe.core.compute import LOCAL
from nbpipe.core.graph import Graph
from nbpipe.core.plan import Plan, plan_to_json
from nbpipe.errors import InvalidPipeline, Problem, UsageError
from nbpipe.execution.fingerprinter import Prepared
from nbpipe.execution.frozen import FrozenRun, FrozenStep, FrozenTarget, RunOptions
from nbpipe.execution.given import Given
from nbpipe.execution.run_folder import RunFolder
from nbpipe.platform import detached, open_private
from nbpipe.store.files import own_folder, write_bytes
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore

KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH",
    "PYTHONHOME", "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PATHEXT", "COMSPEC",
)  # fmt: skip
"""Of the submitter's environment the runner itself gets these; the rest goes over its standard input, for the steps."""


def freeze(
    state: StateFolder, objects: ObjectStore, graph: Graph, prepared: Mapping[str, Prepared], plan: Plan, *,
    experiment: str, workspace: Mapping[str, str], options: RunOptions, targets: Mapping[str, FrozenTarget],
) -> FrozenRun:  # fmt: skip
    """Put every file of every step into the store and give the run its id.

    Raises:
        InvalidPipeline: a step's code cannot be read.
    """
    problems = [
        Problem(f"Step {each.node.name}: {each.problem}", step=node)
        for node, each in prepared.items()
        if each.problem
    ]
    if problems:
        raise InvalidPipeline(problems)
    for each in prepared.values():
        if each.snapshot and (text := each.snapshot.warning()):
            warnings.warn(f"Step {each.node.name}: {text}", stacklevel=4)
    steps = {node: freeze_step(objects, each) for node, each in prepared.items()}
    return FrozenRun(
        state.new_run_id(), experiment, workspace, graph, steps, options, plan_to_json(plan), time.time(), targets
    )  # fmt: skip


def freeze_step(objects: ObjectStore, prepared: Prepared) -> FrozenStep:
    """The code of one step, put into the store.

    Raises:
        InvalidPipeline: a file is not what the fingerprint says any more.
    """
    if prepared.snapshot is None:
        raise UsageError(f"Step {prepared.node.name}: {prepared.problem}")
    files = {name: objects.put_file(path) for name, path in prepared.snapshot.files.items()}
    changed = [name for name, seen in prepared.fingerprint.evidence["files"].items() if files[name] != seen]
    if changed:
        fact = f"Step {prepared.node.name}: {', '.join(changed)} changed while the run was submitted."
        raise InvalidPipeline([Problem(fact, "Submit it again.", prepared.node.node_id)])
    modes = {}
    for name, path in prepared.snapshot.files.items():
        if path.stat().st_mode & 0o100:
            modes[name] = 0o700
    counted = None if prepared.node.target == LOCAL else prepared.counted
    return FrozenStep(files, modes, prepared.python, prepared.fingerprint, counted, prepared.lock)


def write_frozen(state: StateFolder, frozen: FrozenRun) -> RunFolder:
    """Write what was frozen; the run's folder."""
    folder = RunFolder(state.run_folder(frozen.run))
    own_folder(folder.path)
    # In one line: json takes ten times as long to lay it out for eyes.
    write_bytes(folder.graph, json.dumps(frozen.to_json()).encode())
    return folder


def start_runner(root: Path, folder: RunFolder, given: Given) -> int:
    """Start a runner in a session of its own, so that it outlives the kernel; its process id.

    Args:
        root: the workspace.
        folder: the run's folder, with its ``graph.json``.
        given: goes to it by a pipe.
    """
    own = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    with open(open_private(folder.runner_log, os.O_WRONLY | os.O_CREAT), "wb") as log:
        process = subprocess.Popen(
            # -P: a file called asyncio.py in the working directory must not become part of the runner.
            [sys.executable, "-P", "-m", "nbpipe.execution.runner", str(root), folder.run_id],
            stdin=subprocess.PIPE, stdout=log, stderr=log, env=own, cwd=root, **detached(),
        )  # fmt: skip

    if process.stdin:  # written before returning: the submitter may end the next moment
        with suppress(BrokenPipeError), process.stdin as pipe:  # it broke already: its log says how
            pipe.write(given.to_bytes())
    # Somebody must take the exit status, or a long-lived kernel collects zombies.
    threading.Thread(target=process.wait, name=f"nbpipe-run-{folder.run_id}", daemon=True).start()
    return process.pid
