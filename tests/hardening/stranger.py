"""What somebody may have done to a state folder before he gave it away: tricks, each at every place where it works.

A trick is done to a state folder that real runs have left; what lies outside, in a folder that is nobody's to touch,
is there for its links to lead to.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import digest_of
from nbpipe.store.digests import digest_bytes
from nbpipe.store.manifest import Entry, Manifest
from nbpipe.store.results import _check
from tests.hardening import damage

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


def leave_hot_journal(state: Path, outside: Path) -> None:
    """A journal names a second one, which SQLite removes when it has put the first one back: a file of the user's."""
    database = state / "registry" / "digests.sqlite"
    magic = bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">IIIII", 0, 0, database.stat().st_size // 4096, 512, 4096)
    name = os.fsencode(outside / "precious.txt")
    tail = struct.pack(">I", 0x40000000 // 4096 + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
    database.with_name(database.name + "-journal").write_bytes(head.ljust(512, b"\0") + tail)


def leave_write_ahead_log(state: Path, outside: Path) -> None:
    """The database keeps a log beside it, whose files are somebody else's."""
    database = state / "registry" / "digests.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute("PRAGMA journal_mode = WAL")
    for ending in ("-wal", "-shm"):
        beside = database.with_name(database.name + ending)
        beside.unlink(missing_ok=True)
        os.link(outside / "precious.txt", beside)


def leave_another_database(state: Path, outside: Path) -> None:
    """The database is one of the user's, with tables of its own."""
    database = state / "registry" / "digests.sqlite"
    database.unlink()
    os.link(outside / "mine.sqlite", database)


def leave_triggers(state: Path, outside: Path) -> None:
    """What looks like a table is a view, and what is written there does something else."""
    database = state / "registry" / "digests.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.executescript("""
            ALTER TABLE digests RENAME TO kept;
            CREATE VIEW digests AS SELECT file, mtime_ns, ctime_ns, size, printf('%064d', 0) AS digest FROM kept;
            CREATE TRIGGER took INSTEAD OF INSERT ON digests BEGIN
                INSERT OR REPLACE INTO kept VALUES (new.file, new.mtime_ns, new.ctime_ns, new.size, printf('%064d', 0));
            END;
        """)


# Names that lead out.

NAMES = [
    "../../../outside/precious.txt",
    "/etc/passwd",
    "..",
    "a/../../../../outside",
    "<script>alert(1)</script>",
    "\x1b]0;x\x07",
]


def name_outside(state: Path, outside: Path) -> None:
    """Texts in records, one after another, are paths that lead out; a run for each kind of text."""
    texts = [str(outside / "precious.txt"), *NAMES]
    for path in [
        *state.glob("runs/*/events.jsonl"),
        *state.glob("registry/*/*.jsonl"),
        *state.glob("runs/*/graph.json"),
    ]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for number, line in enumerate(lines):
            lines[number] = _renamed(line, texts, number)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in state.glob("results/*/*.json"):
        record = json.loads(path.read_text())
        record["outputs"] = {
            name: texts[number % len(texts)] for number, name in enumerate([*record["outputs"], "../x"])
        }
        _forge(path, record)
    (state / "runs" / "last").write_text("../../outside")


def _renamed(value: Any, texts: list[str], number: int) -> Any:
    """A record in which one kind of text in seven is another."""
    if isinstance(value, dict):
        return {
            name: _renamed(each, texts, number + place) for place, (name, each) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [_renamed(each, texts, number + place) for place, each in enumerate(value)]
    if isinstance(value, str) and number % 7 == 0 and value:
        return texts[number % len(texts)]
    return value


def _forge(path: Path, record: dict[str, Any]) -> None:
    """A result that bears its own check."""
    record.pop("check", None)
    path.chmod(0o600)
    path.write_text(json.dumps({**record, "check": _check(record)}))


def forge_manifests(state: Path, outside: Path) -> None:
    """Results name trees whose manifests say that a file of theirs lies outside, each under its right digest."""
    for number, path in enumerate(sorted(state.glob("results/*/*.json"))):
        record = json.loads(path.read_text())
        for name in record["outputs"]:
            wanted = [
                Manifest("file", (Entry("../" * 6 + "outside/precious.txt", "file", 9, 0o644, "0" * 64),)),
                Manifest("folder", (Entry("..", "folder"), Entry("../x", "link", target="../../../outside"))),
                Manifest(
                    "folder", (Entry("a", "link", target=str(outside)), Entry("b", "link", target="../../x"))
                ),
            ][number % 3]
            record["outputs"][name] = plant(state, wanted)
        _forge(path, record)
    for path in state.glob("runs/*/events.jsonl"):
        _point_to(path, plant(state, Manifest("file", (Entry("/etc/passwd", "file", 9, 0o644, "0" * 64),))))


def plant(state: Path, manifest: Manifest) -> str:
    """Put a manifest where its digest says, and a folder for its tree."""
    data = manifest.to_bytes()
    blob = state / "objects" / digest_bytes(data)[:2] / digest_bytes(data)
    blob.parent.mkdir(exist_ok=True)
    if not blob.exists():
        blob.write_bytes(data)
    blob.with_name(blob.name + ".tree").mkdir(exist_ok=True)
    return blob.name


def _point_to(events: Path, digest: str) -> None:
    told = [json.loads(line) for line in events.read_text().splitlines()]
    for event in told:
        for name in event.get("outputs", {}):
            event["outputs"][name] = digest
    events.write_text("".join(json.dumps(event) + "\n" for event in told))


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


NUMBERS = ["1" + "0" * 400, "9" * 5000, "-1", "1e15", "9" * 15, "1e999", "-1e999", "NaN"]


def leave_numbers(number: str) -> Trick:
    """Every number of every record is this one, but those that say which format it has."""

    def trick(state: Path, outside: Path) -> None:
        for path in files(state):
            if path.suffix in (".json", ".jsonl", ".stamp") and ".tree" not in str(path):
                path.chmod(0o600)
                lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
                told = [json.dumps(_numbered(json.loads(line))).replace('"NUMBER"', number) for line in lines]
                path.write_text("\n".join(told) + "\n")
        for path in state.glob("results/*/*.json"):
            with contextlib.suppress(ValueError):
                _forge(path, json.loads(path.read_text()))
        for path in state.glob("runs/*/steps/*/1"):
            (path / "order").write_text(f"o {number}\ne {number}\n")
        for folder in (state / "runs", *state.glob("results/*")):
            (folder / ("9" * 25)).mkdir()
            (folder / f"{'8' * 25}.json").write_text("{}")
        (state / "runs" / "last").write_text(number)

    return trick


def _numbered(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _numbered(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each) for each in value]
    told = isinstance(value, int | float) and not isinstance(value, bool)
    return "NUMBER" if told and name not in ("format", "nbpipe_graph", "scheme") else value


def leave_a_huge_version(state: Path, outside: Path) -> None:
    """The marker's number has more digits than Python reads."""
    (state / "VERSION").write_text(f"nbpipe {'9' * 5000}\n")


def forge_blobs(chance: random.Random) -> Trick:
    """What is kept under its digest says something else, and everything that names it names the forgery."""

    def trick(state: Path, outside: Path) -> None:
        renamed = {}
        for blob in sorted(state.glob("objects/??/*")):
            if blob.is_file() and not blob.suffix and (told := _as_json(blob)) is not None:
                data = json.dumps(damage.retold(told, chance)).encode()
                renamed[blob.name] = digest = digest_bytes(data)
                twin = state / "objects" / digest[:2] / digest
                twin.parent.mkdir(exist_ok=True)
                twin.write_bytes(data)
                for ending in (".tree", ".stamp"):
                    if (beside := blob.with_name(blob.name + ending)).exists():
                        beside.rename(twin.with_name(twin.name + ending))
        for path in files(state):
            if path.suffix in (".json", ".jsonl"):
                path.write_text(
                    re.sub(r"[0-9a-f]{64}", lambda found: renamed.get(found[0], found[0]), path.read_text())
                )
        for path in state.glob("results/*/*.json"):
            _forge(path, json.loads(path.read_text()))

    return trick


def _as_json(path: Path) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(path.read_bytes())
    return None


def save_other_cells(state: Path, outside: Path) -> None:
    """The cells that a restarted kernel remembers have other scripts, for files of the user's and in other folders."""
    (outside / "code").mkdir()
    for path in state.glob("registry/notebooks/*.json"):
        told = json.loads(path.read_text())
        for number, declaration in enumerate(told["declarations"]):
            declaration["body"] = CANARY.format(marker=str(outside / "canary"))
            options = (
                "--overwrite",
                f"--overwrite --source-directory {outside}/code",
                "--source-directory .",
            )[number % 3]
            declaration["line"] = f"{options} {declaration['line']}"
        path.write_text(json.dumps(told))


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
