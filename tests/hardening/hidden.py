"""Edits that hide: each puts other bytes into a file and covers its traces as well as it can."""

from __future__ import annotations

import mmap
import os
import shutil
import time
from pathlib import Path

SECOND = 1_000_000_000


def write(file: Path, data: bytes) -> None:
    """No cover but the speed: it may fall into one tick of the clock with the edit before."""
    file.write_bytes(data)


def set_back(file: Path, data: bytes) -> None:
    """As `rsync -t` and `tar` do: the modification time is the old one."""
    before = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def in_the_future(file: Path, data: bytes) -> None:
    """Written by a machine whose clock is hours ahead."""
    file.write_bytes(data)
    os.utime(file, ns=(0, time.time_ns() + 10_000 * SECOND))


def in_the_past(file: Path, data: bytes) -> None:
    """Out of an archive that keeps no times."""
    file.write_bytes(data)
    os.utime(file, ns=(0, 0))


def copy_over(file: Path, data: bytes) -> None:
    """`cp -p` of a file that is as old: the inode stays."""
    other = _equally_old(file, data)
    shutil.copy2(other, file)
    other.unlink()


def rename_over(file: Path, data: bytes) -> None:
    """`rsync` proper: another file takes the name, with the old times."""
    _equally_old(file, data).replace(file)


def swap(file: Path, data: bytes) -> None:
    """Two files change names."""
    other = _equally_old(file, data)
    aside = other.with_suffix(".aside")
    file.rename(aside)
    other.rename(file)
    aside.unlink()


def delete_and_recreate(file: Path, data: bytes) -> None:
    """The inode is used again at once on most file systems."""
    before = file.stat()
    file.unlink()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def through_a_hard_link(file: Path, data: bytes) -> None:
    """The bytes are written under another name."""
    other = file.parent.parent / f"{file.name}.linked"
    other.hardlink_to(file)
    set_back(other, data)
    other.unlink()


def retarget(file: Path, data: bytes) -> None:
    """The name is a link from now on, to a file that is as old."""
    other = _equally_old(file, data)
    target = other.with_suffix(f".{time.monotonic_ns()}")
    other.rename(target)
    file.unlink()
    file.symlink_to(target)


def through_a_map(file: Path, data: bytes) -> None:
    """Written in memory; the file system learns of it late."""
    with file.open("r+b") as opened:
        opened.truncate(len(data))
        with mmap.mmap(opened.fileno(), 0) as mapped:
            mapped[:] = data


def _equally_old(file: Path, data: bytes) -> Path:
    other = file.parent.parent / f"{file.name}.new"
    other.write_bytes(data)
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    return other


HIDDEN = [
    write, set_back, in_the_future, in_the_past, copy_over, rename_over, swap, delete_and_recreate, through_a_hard_link,
    retarget, through_a_map,
]  # fmt: skip
