"""A program that carries files between a datastore and the machine it runs on, which it travels to.

It reads one line of JSON, its order, and prints lines of JSON::

    {"way": "fetch", "url": "s3://lab/store", "options": {}, "witness": "",
     "files": [{"key": "5f1d", "name": "objects/5f/5f1d", "path": "/tmp/x", "size": 7, "sha256": "9c02"}]}

    {"bytes": 7}                            so many went, in all
    {"there": "5f1d"}                       a file is where it was to go, and what it should be
    {"failed": "5f1d", "why": "..."}        this one is not
    {"unable": "packages", "why": "..."}    nothing more goes: `packages` are missing, the store is `away`, `refuses`
                                            access, or is another one (`strange`)

It ends when its standard input does. A folder needs the standard library alone, a URL its driver of fsspec too.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nbpipe.errors import AccessRefused, MissingExtra, NbpipeError, StoreError, Unreachable
from nbpipe.store.opening import open_folder
from nbpipe.store.remote_folder import RemoteFolder
from nbpipe.store.transfer import Meter, fetch_file, in_parallel, send_file

_CHUNK = 1 << 20

_UNABLE = (
    (MissingExtra, "packages"),
    (Unreachable, "away"),
    (AccessRefused, "refuses"),
    (NbpipeError, "strange"),
)


def main() -> None:
    """Carry out the order on standard input, and end the process."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a driver prints is none of our lines
    turn = threading.Lock()

    def say(**told: Any) -> None:
        with turn:
            out.write(json.dumps(told) + "\n")
            out.flush()

    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        carry(open_folder(order["url"], order["options"]), order, say)
    except NbpipeError as error:
        say(unable=next(word for known, word in _UNABLE if isinstance(error, known)), why=error.fact)
    os._exit(0)  # a driver may have threads that wait for something


def carry(folder: RemoteFolder, order: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Carry every file of an order.

    Args:
        folder: the datastore's folder.
        order: what to do, as the module says.
        say: takes what is to be said, from any thread.

    Raises:
        StoreError: the datastore does not answer, refuses access, or is none of those that are meant.
    """
    if order.get("witness") and folder.look(order["witness"]) is None:
        raise StoreError(f"{folder.url} is another folder there: what was just put into it is not in it.")
    meter = Meter(sum(file["size"] for file in order["files"]), lambda progress: say(bytes=progress.done))
    carry_one = _fetch if order["way"] == "fetch" else _put

    def work(file: Mapping[str, Any]) -> None:
        try:
            carry_one(folder, file, meter)
        except FileNotFoundError:
            say(failed=file["key"], why="it is not there")
        except (Unreachable, AccessRefused):
            raise
        except (StoreError, OSError) as error:
            say(failed=file["key"], why=str(getattr(error, "fact", error)))
        else:
            say(there=file["key"])

    in_parallel(partial(work, file) for file in order["files"])


def _fetch(folder: RemoteFolder, file: Mapping[str, Any], meter: Meter) -> None:
    whole = partial(_is_whole, file["sha256"])
    fetch_file(folder, file["name"], Path(file["path"]), size=file["size"], is_whole=whole, meter=meter)


def _put(folder: RemoteFolder, file: Mapping[str, Any], meter: Meter) -> None:
    source = Path(file["path"])
    if not _is_whole(file["sha256"], source):
        raise StoreError("It was changed since it was made.")
    send_file(folder, file["name"], source, file["size"], meter)


def _is_whole(sha256: str, path: Path) -> bool:
    total = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            total.update(data)
    return total.hexdigest() == sha256


def _end_with_input() -> None:
    """Whoever gave the order is gone."""
    sys.stdin.read()
    os._exit(1)
