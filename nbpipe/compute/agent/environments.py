"""Virtual environments that jobs ask for, each resolved into a lock, and made once on a machine for each lock."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import platform
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from nbpipe.compute.agent.installers import build, resolved
from nbpipe.compute.agent.pythons import fits, python_of, version_of
from nbpipe.compute.agent.refusal import Refusal, working_in

RENEW = "Have what the step declares resolved anew:  nbpipe targets --renew"


class Environments:
    """The virtual environments under an agent's folder, by the digest of the lock that they are made of.

    Args:
        root: the agent's folder.
    """

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, "environments")
        self._working: dict[str, asyncio.Task[Any]] = {}

    @property
    def busy(self) -> bool:
        """Whether one is being resolved or made."""
        return any(not task.done() for task in self._working.values())

    async def lock(
        self, token: str, python: str, packages: Sequence[str], version: str, wait: float
    ) -> dict[str, Any]:
        """What an environment would be made of that holds some packages, as of now.

        Args:
            token: names the question; who asks again with it gets the same answer.
            python: the interpreter it is made with, if it has the version; empty for the agent's own.
            packages: requirements.
            version: of Python, or empty for any.
            wait: seconds to wait at most; the resolving goes on.

        Returns:
            ``python``, ``version`` and ``lines``, as of `nbpipe.compute.lock.Lock`; empty while it is resolved.

        Raises:
            NbpipeError: there is no such interpreter, or no such set of packages.
        """

        async def resolve() -> dict[str, Any]:
            base, told = await python_of(python, version)
            lines = await resolved(base, packages)
            return {"python": base, "version": ".".join(told.split(".")[:2]), "lines": lines}

        _check(packages)
        found: dict[str, Any] | None = await self._worked(f"lock {token}", resolve, wait)
        return found or {}

    async def get(self, python: str, version: str, lines: Sequence[str], wait: float) -> str:
        """The interpreter of an environment, which is made where it is not there.

        Args:
            python: the interpreter it is made with.
            version: which that is to be.
            lines: of a lock.
            wait: seconds to wait for it at most; the making goes on.

        Returns:
            Its path; empty while it is made.

        Raises:
            NbpipeError: it cannot be made; says what the installer said last.
        """
        _check(lines)
        base = shutil.which(python or sys.executable) or python
        lock = [os.path.realpath(base), sys.platform, platform.machine(), *sorted(lines)]
        name = hashlib.sha256(json.dumps(lock).encode()).hexdigest()[:24]
        made = os.path.join(self._folder, name, "bin", "python")
        if os.path.exists(made):
            with suppress(OSError):
                os.utime(os.path.join(self._folder, name))  # what is asked for stays
            return made
        found: str | None = await self._worked(name, lambda: self._make(name, base, version, lines), wait)
        return found or ""

    async def _worked(self, key: str, work: Callable[[], Awaitable[Any]], wait: float) -> Any:
        """What comes of some work, which is begun once; None while it goes on."""
        if key not in self._working:
            # What nobody came back for is found out anew.
            self._working = {name: each for name, each in self._working.items() if not each.done()}
            self._working[key] = asyncio.ensure_future(work())
        working = self._working[key]
        await asyncio.wait({working}, timeout=wait)
        if not working.done():
            return None
        self._working.pop(key, None)
        return working.result()

    async def _make(self, name: str, base: str, version: str, lines: Sequence[str]) -> str:
        """Make an environment beside its place, and give it its name in one rename; one maker at a time."""
        now = await version_of(base)
        if not fits(now, version):
            raise Refusal(
                "refused",
                f"{base} is Python {now} now, and the environment was resolved for {version}."
                if now
                else f"{base} does not start, with which the environment was to be made.",
                remedy=RENEW,
            )
        target = os.path.join(self._folder, name)
        with working_in(self._folder):
            os.makedirs(self._folder, 0o700, exist_ok=True)
            lock = os.open(f"{target}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if not os.path.exists(target):
                draft = f"{target}.{secrets.token_hex(4)}"
                try:
                    await _build(draft, base, lines)
                    _rename_in_scripts(draft, target)
                    os.rename(draft, target)
                finally:
                    await asyncio.to_thread(shutil.rmtree, draft, True)
        finally:
            os.close(lock)
        return os.path.join(target, "bin", "python")


async def _build(draft: str, base: str, lines: Sequence[str]) -> None:
    """Make an environment; where what is locked cannot be had any more, something else may."""
    try:
        await build(draft, base, lines)
    except Refusal as error:
        error.remedy = f"{error.remedy}\n{RENEW}"
        raise


def _check(lines: Sequence[str]) -> None:
    """See that lines are requirements and no options, which would let them come from anywhere."""
    wrong = [
        each for each in lines if not isinstance(each, str) or "\n" in each or each.strip().startswith("-")
    ]
    if wrong:
        raise Refusal("refused", f"{wrong[0]!r:.80} is no requirement.")


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
