"""Requests to a live runner: small files that anybody of the same user may leave in the run's folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from nbpipe.errors import StoreError
from nbpipe.store.files import create_json, is_folder, own_folder, read_json, set_aside


class Request(NamedTuple):
    """What somebody asks of a runner.

    Attributes:
        verb: ``stop`` or ``force``.
        node: the step, or empty for the whole run (``stop`` only).
        by: who asks, as it will stand in the run's story.
    """

    verb: Literal["stop", "force"]
    node: str = ""
    by: str = "you"


def leave_request(folder: Path, request: Request) -> None:
    """Put a request where the runner will find it within a moment."""
    own_folder(folder)
    name = f"{time.time_ns()}"
    while not create_json(folder / f"{name}.json", request._asdict()):
        name += "0"


def take_requests(folder: Path) -> Iterator[Request]:
    """Requests that were left, oldest first; each is taken away. What is no request is set aside."""
    if not is_folder(folder):
        return
    for path in sorted(folder.glob("*.json")):
        with suppress(StoreError, OSError, KeyError, TypeError):
            data = read_json(path)
            request = Request(data["verb"], str(data["node"]), str(data["by"]))
            path.unlink()
            if request.verb in ("stop", "force"):
                yield request
            continue
        with suppress(OSError):
            set_aside(path)
