"""What somebody may have done to a state folder before he gave it away: tricks, each at every place where it works.

A trick is done to a state folder that real runs have left; what lies outside, in a folder that is nobody's to touch,
is there for its links to lead to.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

from nbpipe.core.fingerprint import digest_of

Trick = Callable[[Path, Path], None]
"""Takes the state folder, and the folder outside."""

FOLDERS = {
    **{name: (name,) for name in ("objects", "results", "runs", "registry", "tmp", "locks")},
    "folders in them": ("objects/??", "results/*", "runs/*", "registry/*", "tmp/*"),
    "trees, requests and steps": ("objects/??/*.tree", "runs/*/requests", "runs/*/steps"),
    "attempts": ("runs/*/steps/*/*",),
}
"""Where links may stand instead of folders."""


def files(state: Path, but: str = "") -> list[Path]:
    """Every file of a state folder."""
    return [
        path
        for path in sorted(state.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != but
    ]


def spoil(folder: Path) -> None:
    """Damage every second record below a folder, so that whoever reads it wants to set it aside."""
    for number, path in enumerate(files(folder)):
        if number % 2 and path.suffix in (".json", ".jsonl", "", ".stamp"):
            path.chmod(0o600)
            path.write_bytes(b"{")


def link_folders(*patterns: str, spoiled: bool, relative: bool = False) -> Trick:
    """Folders are links to what they were, which lies outside now."""

    def trick(state: Path, outside: Path) -> None:
        found = sorted(folder for pattern in patterns for folder in state.glob(pattern))
        for number, folder in enumerate(found):
            if folder.is_dir() and not folder.is_symlink():
                twin = outside / f"twin{number}"
                shutil.move(folder, twin)
                folder.symlink_to(os.path.relpath(twin, folder.parent) if relative else twin)
                if spoiled:
                    spoil(twin)

    return trick


def link_files(state: Path, outside: Path) -> None:
    """Every file but the marker is a link to what it was, which lies outside now."""
    for number, path in enumerate(files(state, but="VERSION")):
        twin = outside / f"twin{number}"
        shutil.move(path, twin)
        path.symlink_to(twin)


def share_files(*, spoiled: bool) -> Trick:
    """Every file has a second name outside: what is written into it is written there."""

    def trick(state: Path, outside: Path) -> None:
        if spoiled:
            spoil(state)
            (state / "VERSION").write_bytes(b"")
        for number, path in enumerate(files(state)):
            os.link(path, outside / f"twin{number}")

    return trick


def link_one(place: Path) -> Trick:
    """One thing is a link to what it was, which lies outside now."""

    def trick(state: Path, outside: Path) -> None:
        twin = outside / place.name
        shutil.move(state / place, twin)
        (state / place).symlink_to(twin)

    return trick


def share_one(place: Path) -> Trick:
    """One file, or each in a folder, has a second name outside."""

    def trick(state: Path, outside: Path) -> None:
        for path in files(state / place) or [state / place]:
            os.link(path, outside / path.name)

    return trick


def link_outputs(state: Path, outside: Path) -> None:
    """Files of stored outputs are links to files outside, of equal content; in folders that nobody may write."""
    for number, path in enumerate(sorted(state.glob("objects/*/*.tree/**/*"))):
        if path.is_file() and not path.is_symlink():
            twin = outside / f"twin{number}"
            shutil.copy2(path, twin)
            path.parent.chmod(0o700)
            path.unlink()
            path.symlink_to(twin)
    for folder in state.glob("objects/*/*.tree"):
        folder.chmod(0o500)


def leave_locks(state: Path, outside: Path) -> None:
    """Every lock that is ever taken is there, and is a file of somebody else."""
    names = ["gc", "run-ids", "history", *(f"slot-{number}" for number in range(9)), "key-" + "0" * 64]
    for name in names:
        (state / "locks" / name).unlink(missing_ok=True)
        os.link(outside / "precious.txt", state / "locks" / name)
    for path in state.glob("runs/*/lock"):
        path.unlink()
        os.link(outside / "precious.txt", path)


def leave_pipes(state: Path, outside: Path) -> None:
    """Logs, requests and some records are pipes, which nobody ever writes to."""
    for pattern in (
        "runs/*/steps/*/*/*",
        "runs/*/requests/*",
        "runs/2/events.jsonl",
        "registry/*/*",
        "locks/*",
    ):
        for path in state.glob(pattern):
            if path.is_file():
                path.unlink()
                os.mkfifo(path)


# The memory of digests, which SQLite opens.


def _database(state: Path, *statements: str) -> Path:
    """A database as it should be, in which something was done besides."""
    database = state / "registry" / "digests.sqlite"
    database.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.executescript("""
            CREATE TABLE digests (
                file TEXT PRIMARY KEY, mtime_ns INTEGER, ctime_ns INTEGER, size INTEGER, digest TEXT
            ) WITHOUT ROWID;
            PRAGMA user_version = 1;
        """)
        for statement in statements:
            made.executescript(statement)
    return database


def leave_hot_journal(state: Path, outside: Path) -> None:
    """A journal names a second one, which SQLite removes when it has put the first one back: a file of the user's."""
    database = _database(state)
    magic = bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">IIIII", 0, 0, database.stat().st_size // 4096, 512, 4096)
    name = os.fsencode(outside / "precious.txt")
    tail = struct.pack(">I", 0x40000000 // 4096 + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
    database.with_name(database.name + "-journal").write_bytes(head.ljust(512, b"\0") + tail)


def leave_write_ahead_log(state: Path, outside: Path) -> None:
    """The database keeps a log beside it, whose files are somebody else's."""
    database = _database(state, "PRAGMA journal_mode = WAL")
    for ending in ("-wal", "-shm"):
        beside = database.with_name(database.name + ending)
        beside.unlink(missing_ok=True)
        os.link(outside / "precious.txt", beside)


def leave_another_database(state: Path, outside: Path) -> None:
    """The database is one of the user's, with tables of its own."""
    database = _database(state)
    database.unlink()
    os.link(outside / "mine.sqlite", database)


def leave_triggers(state: Path, outside: Path) -> None:
    """What looks like a table is a view that tells one digest of every file, and keeps what is written."""
    _database(state, """
        ALTER TABLE digests RENAME TO kept;
        CREATE VIEW digests AS SELECT '' AS file, 0 AS mtime_ns, 0 AS ctime_ns, 0 AS size, printf('%064d', 0) AS digest;
        CREATE TRIGGER took INSTEAD OF INSERT ON digests BEGIN
            INSERT OR REPLACE INTO kept VALUES (new.file, 0, 0, 0, printf('%064d', 0));
        END;
    """)  # fmt: skip


# Code that waits to be run.

CANARY = "import os\nopen({marker!r}, 'a').write(__file__ + '\\n')\n"
MODULES = (
    "sitecustomize",
    "usercustomize",
    "nbpipe",
    "json",
    "conftest",
    "__main__",
    "__init__",
    "pack",
    "helper",
    "runner",
)


def leave_code(state: Path, outside: Path) -> None:
    """Modules that tell when they are run lie in every folder, and where an older nbpipe kept its runtime."""
    text = CANARY.format(marker=str(outside / "canary"))
    runtime = state / "tmp" / "runtime" / "nbpipe" / "runtime"
    runtime.mkdir(parents=True, exist_ok=True)
    folders = [state, *(path for path in state.rglob("*") if path.is_dir() and ".tree" not in str(path))]
    for folder in folders:
        for module in MODULES:
            (folder / f"{module}.py").write_text(text)
    for folder in (state, state / "tmp", state / "registry"):
        (folder / "bin").mkdir(exist_ok=True)
        for name in ("python", "python3", "git", "dot", "nvidia-smi"):
            (folder / "bin" / name).write_text(f"#!/bin/sh\necho $0 >> {outside / 'canary'}\n")
            (folder / "bin" / name).chmod(0o755)
    (state / "pyvenv.cfg").write_text("home = /usr/bin\n")


def name_interpreters(state: Path, outside: Path) -> None:
    """What is remembered of interpreters names another program, and says that nothing has changed since."""
    leave_code(state, outside)
    for path in state.glob("registry/interpreters/*.json"):
        told = json.loads(path.read_text())
        told["known"] |= {
            "executable": str(state / "bin" / "python"),
            "local_roots": [str(state)],
            "site": [],
        }
        told["check"] = digest_of(told["known"])
        path.write_text(json.dumps(told))
