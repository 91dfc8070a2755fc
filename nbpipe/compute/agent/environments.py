"""Virtual environments that jobs ask for, each made once on a machine: by uv where there is one, else by pip."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Sequence

from nbpipe.compute.agent.refusal import Refusal, working_in
from nbpipe.compute.checked import find_python

_SAID = 400  # characters of the last line of an installer that failed


class Environments:
    """The virtual environments under an agent's folder, by the digest of what they are made of.

    Args:
        root: the agent's folder.
    """

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, "environments")
        self._making: dict[str, asyncio.Task[str]] = {}

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return any(not task.done() for task in self._making.values())

    async def get(self, python: str, packages: Sequence[str], wait: float) -> str:
        """The interpreter of an environment, which is made where it is not there.

        Args:
            python: the interpreter it is made of; empty for the agent's own.
            packages: requirements, one a line of a lock.
            wait: seconds to wait for it at most; the making goes on.

        Returns:
            Its path; empty while it is made.

        Raises:
            NbpipeError: it cannot be made; says what the installer said last.
        """
        base = find_python(python or sys.executable, os.environ)
        wrong = [
            each for each in packages if not isinstance(each, str) or "\n" in each or each.startswith("-")
        ]
        if wrong:
            raise Refusal("refused", f"{wrong[0]!r:.80} is no requirement.")
        lock = json.dumps([os.path.realpath(base), sys.platform, sorted(packages)])
        name = hashlib.sha256(lock.encode()).hexdigest()[:24]
        made = os.path.join(self._folder, name, "bin", "python")
        if os.path.exists(made):
            return made
        if name not in self._making:
            self._making[name] = asyncio.ensure_future(self._make(name, base, packages))
        making = self._making[name]
        await asyncio.wait({making}, timeout=wait)
        if not making.done():
            return ""
        self._making.pop(name, None)
        return making.result()

    async def _make(self, name: str, base: str, packages: Sequence[str]) -> str:
        """Make an environment beside its place, and give it its name in one rename; one maker at a time."""
        target = os.path.join(self._folder, name)
        with working_in(self._folder):
            os.makedirs(self._folder, 0o700, exist_ok=True)
            lock = os.open(f"{target}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if not os.path.exists(target):
                draft = f"{target}.{secrets.token_hex(4)}"
                try:
                    await _build(draft, base, packages)
                    _rename_in_scripts(draft, target)
                    os.rename(draft, target)
                finally:
                    await asyncio.to_thread(shutil.rmtree, draft, True)
        finally:
            os.close(lock)
        return os.path.join(target, "bin", "python")


async def _build(folder: str, base: str, packages: Sequence[str]) -> None:
    python = os.path.join(folder, "bin", "python")
    uv = shutil.which("uv")
    if uv is not None:
        await _run(uv, "venv", "--quiet", "--python", base, folder)
        await _run(uv, "pip", "install", "--quiet", "--python", python, "--", *packages)
    else:
        await _run(base, "-m", "venv", folder)
        quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
        await _run(python, "-m", "pip", "install", *quiet, "--", *packages)


async def _run(*command: str) -> None:
    """Run an installer to its end.

    Raises:
        Refusal: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise Refusal(
            "refused",
            f"The environment cannot be made: {lines[-1].strip()[:_SAID]}",
            place="\n".join(line[:_SAID] for line in lines[-6:-1]) or None,
            remedy="Look at the packages that the step declares, and at what that machine can reach.",
        )


def _rename_in_scripts(draft: str, target: str) -> None:
    """Let the environment's commands name the interpreter where it will lie."""
    scripts = os.path.join(draft, "bin")
    for entry in os.scandir(scripts):
        if entry.is_file(follow_symlinks=False):
            with open(entry.path, "r+b") as file:
                text = file.read()
                if text.startswith(b"#!") and draft.encode() in text:
                    file.seek(0)
                    file.write(text.replace(draft.encode(), target.encode()))
                    file.truncate()
