"""A state folder of which pieces may not be written, or not even read: a program, to run without special rights.

``python -m tests.hardening.locked_up a-w|a= TEMPLATE FOLDER``
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

from tests.hardening import lived_in

PIECES = (
    ".", "VERSION", "objects", "objects/*", "objects/*/*", "objects/*/*.tree/*", "results", "results/*", "results/*/*",
    "runs", "runs/*", "runs/*/*", "runs/2/graph.json", "runs/2/events.jsonl", "runs/*/steps/*/*/*", "registry",
    "registry/*", "registry/*/*", "registry/digests.sqlite", "registry/sources.jsonl", "tmp", "locks", "locks/*",
)  # fmt: skip
"""What is locked, as patterns below the state folder; all that a pattern matches at once."""


def as_anybody() -> list[str]:
    """Words to put in front of a command so that permissions bind it, as they do not bind root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]


def lock(state: Path, pattern: str, mode: str) -> list[tuple[Path, int]]:
    """Take rights away; what they were."""
    taken = []
    for path in [state] if pattern == "." else sorted(state.glob(pattern)):
        if not path.is_symlink():
            before = stat.S_IMODE(path.stat().st_mode)
            taken.append((path, before))
    for path, before in taken:
        path.chmod(before & 0o555 if mode == "a-w" else 0)
    return taken


def unlock(root: Path) -> None:
    """Give rights to all folders that are left, so that they can be removed."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        folder.chmod(0o700)
        waiting += [path for path in folder.iterdir() if not path.is_symlink() and path.is_dir()]


def suffer(root: Path, pattern: str, mode: str) -> None:
    """Look at everything and run; an exception is one that a user would see."""
    lock(root / ".nbpipe", pattern, mode)
    with lived_in.no_hang():
        for words, (status, text) in lived_in.look(root).items():
            assert status in (0, 1, 2), (words, text)
        lived_in.look_closely(root)
        lived_in.in_a_notebook(root)
        for options in ((), ("--force", "all")):
            status, text = lived_in.run_again(root, *options)
            if status:
                assert any(
                    told in text for told in ("Cannot write", "cannot be read", "Permission denied")
                ), text
            else:
                assert lived_in.results(root) == lived_in.REFERENCE
    print(f"{pattern}: {'refused' if status else 'run'}")


def main(mode: str, template: str, folder: str) -> None:
    """Lock each piece in a workspace of its own."""
    probe = Path(folder) / "probe"
    probe.touch(0)
    assert not os.access(probe, os.R_OK), "permissions bind nobody here"
    for number, pattern in enumerate(PIECES):
        root = lived_in.copy_of(Path(template), Path(folder) / f"work{number}")
        suffer(root, pattern, mode)
        os.chdir(folder)
        unlock(root)
        shutil.rmtree(root)
    print("all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
