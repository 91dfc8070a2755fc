"""A channel to the agent's daemon of a folder of this machine, by a relay that is a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from nbpipe.compute.agent.archive import archive
from nbpipe.compute.channel import StreamChannel
from nbpipe.platform import private_folder

_LOGIN = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""Variables that a daemon, and so every job, has: what a login would give; what else the user has set is private."""

_ENDING = 2.0  # seconds in which a relay ends when nobody speaks with it any more


class RelayedChannel(StreamChannel):
    """A channel over the standard streams of a relay.

    Args:
        name: how the machine is called, in messages.
        process: the relay; its standard input and output are pipes.
        complaint: a file that has what it says on its standard error.
    """

    def __init__(self, name: str, process: Process, complaint: Path) -> None:
        reader, writer = process.stdout, process.stdin
        super().__init__(name, reader, writer, why_ended=self._last_words)  # type: ignore[arg-type]
        self._process = process
        self._complaint = complaint

    def _last_words(self) -> str:
        with suppress(OSError):
            return self._complaint.read_text("utf-8", "replace").strip().rpartition("\n")[2]
        return ""

    async def aclose(self) -> None:
        """Close the streams, and see the relay end; the daemon goes on."""
        await super().aclose()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING):
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        # Its transport has a reader of its own, which nobody reads to the end.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
        self._complaint.unlink(missing_ok=True)


async def open_here(name: str, root: Path, python: str = sys.executable) -> RelayedChannel:
    """Start a relay to the daemon of a folder, which is started too if there is none.

    Args:
        name: how the machine is called, in messages.
        root: the agent's folder.
        python: interpreter of relay and daemon.

    Raises:
        OSError: the folder cannot be written, or the interpreter not be started.
    """
    archived = await asyncio.to_thread(_archived, root)
    descriptor, complaint = tempfile.mkstemp(prefix="relay-", dir=root)
    env = {variable: os.environ[variable] for variable in _LOGIN if variable in os.environ}
    with open(descriptor, "wb") as said:
        process = await asyncio.create_subprocess_exec(
            python, str(archived), "connect", str(root), stdin=PIPE, stdout=PIPE, stderr=said, env=env
        )
    return RelayedChannel(name, process, Path(complaint))


def _archived(root: Path) -> Path:
    """The agent's archive, in its folder."""
    packed = archive()
    path = root / f"agent-{hashlib.sha256(packed).hexdigest()[:16]}.zip"
    if not path.exists():
        private_folder(root)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(packed)
        os.replace(partial, path)
    return path
