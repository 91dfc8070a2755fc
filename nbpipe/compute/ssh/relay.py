"""The way to a machine's agent: sent there where it is missing, and spoken to over one channel."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import shlex
from contextlib import suppress
from dataclasses import field
from importlib.resources import files

import asyncssh

from nbpipe.compute.ssh.connection import Connection
from nbpipe.core.record import dataclass
from nbpipe.errors import NbpipeError

_PATIENCE = 60.0  # seconds for a login shell and an interpreter to start there
_NOISE = 1 << 20  # bytes a login shell may print before
_OLDEST = (3, 9)

# Runs on any Python, also on one too old for the rest; what a login shell prints comes before the mark.
_FIRST = (
    "import sys,base64;"
    'sys.stdout.write("\\n%s python %d %d %d %s\\n"%((sys.argv[1],)+tuple(sys.version_info[:3])+(sys.platform,)));'
    "sys.stdout.flush();"
    'sys.version_info[:2]>=(3,9) and sys.platform[:5]=="linux" and '
    'eval(compile(base64.b64decode("BOOTSTRAP"),"nbpipe","exec"))'
)


@dataclass
class Relay:
    """What an agent's relay reads and writes, as a `channel.Writer` and a reader.

    Attributes:
        connection: what it goes over.
        process: the relay; its standard streams lead to the agent.
        python: version of the interpreter there, ``3.11.2``.
        complaint: the end of what the machine said on standard error.
    """

    connection: Connection
    process: asyncssh.SSHClientProcess[bytes]
    python: str = ""
    complaint: bytearray = field(default_factory=bytearray)
    _listening: asyncio.Task[None] | None = field(default=None, repr=False)

    def listen(self) -> None:
        """Read standard error as it comes: what nobody takes would hold up the other stream too."""

        async def keep_the_end() -> None:
            with suppress(asyncssh.Error, OSError):  # whoever reads the other stream hears of it too
                while data := await self.process.stderr.read(4096):
                    self.complaint += data
                    del self.complaint[:-4096]

        self._listening = asyncio.create_task(keep_the_end())

    @property
    def last_words(self) -> str:
        """The last line the machine complained with."""
        return self.complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]

    def write(self, data: bytes) -> None:
        """See `channel.Writer`."""
        self.process.stdin.write(data)

    async def drain(self) -> None:
        """See `channel.Writer`."""
        await self.process.stdin.drain()

    def close(self) -> None:
        """Say goodbye to the machine."""
        self.connection.close()

    async def wait_closed(self) -> None:
        """Wait until it is gone, but not for long: it may have gone without a word."""
        await self.connection.wait_closed()

    async def ended(self) -> int | None:
        """The exit status of what ran there, once it ended and all it complained of is here."""
        await self.process.wait_closed()
        if self._listening is not None:
            await self._listening
        return self.process.exit_status


async def open_relay(target: str, connection: Connection, python: str, root: str, archive: bytes) -> Relay:
    """Start the agent's relay on a machine.

    Args:
        target: what the user calls the machine.
        connection: logged in to it; left open when this fails.
        python: the interpreter there: a name, or a path, which may begin with ``~/``.
        root: the agent's folder there, which may begin with ``~/``.
        archive: the agent.

    Raises:
        NbpipeError: there is no such interpreter, it is too old, the system is none that is supported, the
            agent's folder cannot be written, or the machine went away.
    """
    mark = f"nbpipe-{secrets.token_hex(8)}"
    try:
        async with asyncio.timeout(_PATIENCE):
            process = await connection.ssh.create_process(
                _command(python, mark, root, archive), encoding=None
            )
            relay = Relay(connection, process)
            relay.listen()
            await _greet(relay, target, python, mark)
            told = await _marked(relay, mark)
            if told == "send":
                process.stdin.write(archive)
                await process.stdin.drain()
                told = await _marked(relay, mark)
    except TimeoutError as error:
        raise NbpipeError(
            f"{target} let us in, but its Python did not answer in {_PATIENCE:g} s.",
            remedy="Does a login there wait for something? A file such as ~/.bashrc may ask or lock.",
        ) from error
    except (asyncssh.Error, OSError) as error:
        raise NbpipeError(f"{target} let us in, and ended the connection.", place=str(error)) from error
    if told != "ready":
        raise _unwritable(target, root, told)
    return relay


def _command(python: str, mark: str, root: str, archive: bytes) -> str:
    """What a login shell there, whichever it is, starts the relay with."""
    source = base64.b64encode(files(__package__).joinpath("bootstrap.py").read_bytes()).decode()
    told = [mark, root, hashlib.sha256(archive).hexdigest(), str(len(archive))]
    return f"exec {_typed(python)} {shlex.join(['-c', _FIRST.replace('BOOTSTRAP', source), *told])}"


def _typed(path: str) -> str:
    """A path as one types it into a shell that expands ``~/``."""
    return "~/" + shlex.quote(path[2:]) if path.startswith("~/") else shlex.quote(path)


async def _marked(relay: Relay, mark: str) -> str:
    """What the next line of our own says; empty at the end of the output."""
    begin, seen = f"{mark} ".encode(), 0
    while seen < _NOISE:
        try:
            text = await relay.process.stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            break
        seen += len(text)
        if text.startswith(begin):
            return text[len(begin) :].decode("ascii", "replace").strip()
    return ""


async def _greet(relay: Relay, target: str, python: str, mark: str) -> None:
    """Hear which interpreter there is."""
    first = (await _marked(relay, mark)).split()
    if len(first) != 5:
        raise await _no_python(relay, target, python)
    version = tuple(int(part) for part in first[1:4])
    relay.python = ".".join(first[1:4])
    if first[4] != "linux" and not first[4].startswith("linux"):
        raise NbpipeError(f"{target} runs {first[4]}; steps run on Linux machines only.")
    if version[:2] < _OLDEST:
        raise NbpipeError(
            f"The Python on {target} is too old: {python} is {relay.python}, and 3.9 or newer is needed.",
            remedy=_name_one(target),
        )


async def _no_python(relay: Relay, target: str, python: str) -> NbpipeError:
    status = await relay.ended()
    if status == 127 or "not found" in relay.last_words:
        fact = f"No Python on {target}: there is no {python}."
    else:
        fact = f"No Python on {target}: {python} does not answer as one."
    return NbpipeError(fact, place=relay.last_words or None, remedy=_name_one(target))


def _name_one(target: str) -> str:
    return (
        "Install Python 3.9 or newer there, or name the one to use:\n"
        f'ComputeTarget.attach_ssh(ws, "{target}", ..., python="/path/to/python3")'
    )


def _unwritable(target: str, root: str, told: str) -> NbpipeError:
    try:
        answer = json.loads(told) if told else {}
    except ValueError:
        answer = {}
    if answer.get("number") in {28, 122}:  # ENOSPC, EDQUOT; numbers of Linux, which is what runs there
        return NbpipeError(
            f"The disk of {target} is full: the agent does not fit into {answer.get('root', root)}.",
            remedy=f'Make room there, or name another folder:  attach_ssh(ws, "{target}", ..., root="/scratch/me")',
        )
    return NbpipeError(
        f"The agent cannot be put into {answer.get('root', root)} on {target}.",
        place=str(answer.get("error") or "The line broke before it had said why."),
        remedy=f'Name a folder of your own there:  attach_ssh(ws, "{target}", ..., root="~/nbpipe")',
    )
