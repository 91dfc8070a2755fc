"""Copies of outputs beside the store, for those that are declared with a destination."""

from __future__ import annotations

import filecmp
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from nbpipe.core.node import Node
from nbpipe.execution.process_environment import step_run_id
from nbpipe.platform import copy_file
from nbpipe.store.files import TEMPORARY, storing
from nbpipe.store.objects import ObjectStore


def put_copies(node: Node, outputs: Mapping[str, str], run: str, root: Path, objects: ObjectStore) -> None:
    """Copy every output that has a destination.

    Files of the same name are replaced, others stay. ``{run-id}`` and ``{output-name}`` are filled in.

    Args:
        node: the step.
        outputs: output port -> digest.
        run: id of the run.
        root: the workspace, which relative destinations start from.
        objects: the store.

    Raises:
        StoreError: a copy cannot be written.
    """
    # A step's name may be anything; in a path it is letters, digits and a few signs.
    run_id = re.sub(r"[^\w.-]+", "-", step_run_id(run, node.node_id))
    for port in node.outputs:
        if port.destination and port.name in outputs:
            filled = port.destination.replace("{run-id}", run_id).replace("{output-name}", port.name)
            _copy(objects.path(outputs[port.name]), root / filled)


def _copy(source: Path, target: Path) -> None:
    paths = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in paths:
        place = target / (path.relative_to(source) if source.is_dir() else path.name)
        with storing(place):
            if place.is_file() and filecmp.cmp(path, place, shallow=False):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(TEMPORARY + secrets.token_hex(8))
            copy_file(path, part)
            os.replace(part, place)
