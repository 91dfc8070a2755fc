"""Harm done to a file or folder of a state folder, each the same for the same seed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Harm = Callable[[Path, random.Random], None]

HUGE = "[" * 100_000
ODD = [
    None, True, -1, 0, 10**40, 1e308, "", "../../../x", "/etc/passwd", "\x1b[2J", "\ud800", [], {}, [[]], {"x": None},
    "f" * 64, "NaN", 99,
]  # fmt: skip
"""Values that stand where others are meant to."""
_WHOLE = [b"", b"\0" * 64, b"null\n", b"[]\n", b"{}\n", b"7\n", b'"x"\n', b"\xff\xfe\xff", HUGE.encode()]


def flip(path: Path, chance: random.Random) -> None:
    """One bit is another."""
    data = bytearray(path.read_bytes())
    if data:
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
    _write(path, bytes(data))


def truncate(path: Path, chance: random.Random) -> None:
    """The end is missing, at a place where it matters: nothing, one byte, a line's end, half, all but the last."""
    data = path.read_bytes()
    line = data.rfind(b"\n", 0, chance.randrange(len(data)) if data else 0) + 1
    length = chance.choice([0, 1, line, max(line - 1, 0), len(data) // 2, max(len(data) - 1, 0)])
    _write(path, data[:length])


def replace_content(path: Path, chance: random.Random) -> None:
    """Something else altogether, JSON of another shape among it."""
    _write(path, chance.choice(_WHOLE))


def append(path: Path, chance: random.Random) -> None:
    """Something stands behind the end."""
    _write(path, path.read_bytes() + chance.choice([*_WHOLE, chance.randbytes(100)]))


def retell(path: Path, chance: random.Random) -> None:
    """In JSON, or in one of its lines, one value is of another kind or gone; in other files a line is twice."""
    lines = path.read_bytes().split(b"\n")
    try:
        whole = json.loads(path.read_bytes())
    except ValueError:
        number = chance.randrange(len(lines))
        try:
            lines[number] = json.dumps(retold(json.loads(lines[number]), chance)).encode()
        except ValueError:
            lines.insert(number, lines[number])
        _write(path, b"\n".join(lines))
    else:
        _write(path, json.dumps(retold(whole, chance)).encode())


def retold(value: Any, chance: random.Random) -> Any:
    """A JSON value with one place in it changed, a deep one as soon as a shallow one."""
    places = list(_places(value))
    if not places:
        return chance.choice(ODD)
    holder, name = chance.choice(places)
    if chance.random() < 0.25:
        del holder[name]
    else:
        holder[name] = chance.choice(ODD)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        yield value, name
        yield from _places(value[name])


def of_the_future(path: Path, chance: random.Random) -> None:
    """A later nbpipe wrote it: formats are higher, fields and kinds are new."""
    data = path.read_bytes()
    if data.startswith(b"SQLite"):
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
    elif path.name == "VERSION":
        _write(path, b"nbpipe 99\n")
    else:
        _write(path, b"\n".join(_of_the_future(data, chance)))


def _of_the_future(data: bytes, chance: random.Random) -> Iterator[bytes]:
    for line in [data] if _is_json(data) else data.split(b"\n"):
        if _is_json(line) and isinstance(told := json.loads(line), dict):
            told |= {
                name: 99 for name in ("format", "nbpipe_graph", "scheme") if name in told or name == "format"
            }
            told["of_tomorrow"] = {"all": "new"}
            if "event" in told and chance.random() < 0.3:
                told["event"] = "step_teleported"
            yield json.dumps(told).encode()
        else:
            yield line


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def delete(path: Path, chance: random.Random) -> None:
    """It is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def become_folder(path: Path, chance: random.Random) -> None:
    """A folder stands in its place, sometimes with something in it."""
    delete(path, chance)
    path.mkdir()
    if chance.random() < 0.5:
        (path / "7").write_text("?")


def become_file(path: Path, chance: random.Random) -> None:
    """A file stands in its place."""
    delete(path, chance)
    path.write_text(chance.choice(["", "?"]))


def become_pipe(path: Path, chance: random.Random) -> None:
    """A pipe stands in its place: who opens it waits for the other end, for ever."""
    delete(path, chance)
    os.mkfifo(path)


def become_link(path: Path, chance: random.Random) -> None:
    """A link stands in its place: to nowhere, to itself, to a file or folder outside."""
    outside = path.parents[len(path.parts) - path.parts.index(".nbpipe") - 1].parent / "outside"
    folder = path.is_dir() and not path.is_symlink()
    delete(path, chance)
    inside = outside / "folder" if folder else outside / "precious.txt"
    path.symlink_to(chance.choice([Path("nowhere"), Path(path.name), inside]))


def _write(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


TO_FILES: list[Harm] = [
    flip, flip, truncate, replace_content, append, retell, retell, retell, of_the_future, delete, become_folder,
    become_pipe, become_link,
]  # fmt: skip
TO_FOLDERS: list[Harm] = [delete, become_file, become_pipe, become_link]
