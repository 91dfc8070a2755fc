"""What runs in a Dask worker: an agent beside it, and the task that claims a slot for a job.

It travels as text, so that workers need no nbpipe and no Python of the same version: it stands on Dask and the
standard library alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

_MADE = "exec(source, space) or space[made](source, *told)"
_LENGTHS = struct.Struct(">IQ")  # as in nbpipe/compute/agent/frames.py
_ENDING = 10.0  # seconds in which an agent ends what runs


def _travelling(source: str, made: str, *told: Any) -> tuple[Any, ...]:
    """How an object of this module is pickled: as the text that makes it where it arrives."""
    space = {"__name__": "nbpipe_worker"}
    return eval, (_MADE, {"source": source, "space": space, "made": made, "told": told})


class Claim:
    """The task that holds a slot of a worker, until whoever wants it lets go of it.

    Args:
        source: the text of this module.
        plugin: name of the plugin.
        key: of this task.
        topic: where to say which worker it is.
        gpus: how many of the worker's it wants.
    """

    __tornado_coroutine__ = True  # Dask runs it in the worker's event loop

    def __init__(self, source: str, plugin: str, key: str, topic: str, gpus: int) -> None:
        self._source = source
        self._told = (plugin, key, topic, gpus)

    def __reduce__(self) -> tuple[Any, ...]:
        return _travelling(self._source, "Claim", *self._told)

    async def __call__(self) -> None:
        """Hold the slot."""
        plugin, *told = self._told
        held: Any = get_worker().plugins[plugin]
        await held.hold(*told)


class AgentPlugin(WorkerPlugin):
    """Gives a worker an agent, a process that is started when it is first asked something and ends with the worker.

    When the scheduler takes a claim back, since whoever made it let go of it or is gone, the job is ended.

    Args:
        source: the text of this module.
        name: of the plugin and of the handler that asks its agent: another one for each agent, so that holders
            with different versions of nbpipe leave each other alone.
        archive: the agent.
    """

    idempotent = True  # a second holder does not replace the agent of the first

    def __init__(self, source: str, name: str, archive: bytes) -> None:
        self.name = name
        self.source = source
        self._archive = archive
        self._agent: _Agent | None = None
        self._claims: dict[str, _Held] = {}
        self._gpus: dict[str, list[str]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _travelling(self.source, "AgentPlugin", self.name, self._archive)

    def setup(self, worker: Worker) -> None:
        """Begin; called in the worker's event loop."""
        self._worker: Any = worker
        self._starting = asyncio.Lock()
        worker.handlers[self.name] = self._ask

    async def teardown(self, worker: Worker) -> None:
        """End every job, and let every claim end."""
        worker.handlers.pop(self.name, None)
        for claim in self._claims.values():
            claim.released.set()
        if self._agent is not None:
            await self._agent.aclose()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """A task goes from one state to another; called in the worker's event loop."""
        if key in self._claims and finish in ("cancelled", "released", "forgotten"):
            claim = self._claims.pop(key)
            claim.released.set()
            if claim.attempt_id:
                self._worker.loop.add_callback(self._end, claim.attempt_id)

    async def hold(self, key: str, topic: str, gpus: int) -> None:
        """Say where a claim is, and wait until it is released."""
        if self._worker.state.tasks[key].state != "executing":
            return  # it was taken back before it came here
        self._claims[key] = claim = _Held()
        try:
            told = {"claim": key, "worker": self._worker.address, "gpus": self._give(key, gpus)}
            self._worker.log_event(topic, told)
            await claim.released.wait()
        finally:
            self._claims.pop(key, None)
            self._gpus.pop(key, None)

    def _give(self, key: str, count: int) -> list[str]:
        """Names of GPUs that no other claim has, where the worker has more than one; else it has the one it sees."""
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        total = int(self._worker.state.total_resources.get("GPU", 0))
        names = visible[:total] if len(visible) >= total else [str(number) for number in range(total)]
        taken = {name for given in self._gpus.values() for name in given}
        free = [name for name in names if name not in taken]
        self._gpus[key] = free[:count]
        return self._gpus[key]

    async def _end(self, attempt_id: str) -> None:
        question = json.dumps({"verb": "cancel", "told": {"attempt": attempt_id, "grace": 0.0}})
        if self._agent is not None:
            with suppress(OSError):
                await self._agent.ask(question, b"")

    async def _ask(self, question: str, data: bytes, claim: str = "") -> dict[str, Any]:
        """Ask the agent; head and data are as `nbpipe.compute.agent.frames` has them, the id left out.

        With a claim, the question starts a job, whose slot it is from then on.
        """
        if claim:
            if claim not in self._claims:
                return {"taken_back": True}
            self._claims[claim].attempt_id = json.loads(question)["told"]["attempt"]
        try:
            async with self._starting:
                if self._agent is None or self._agent.ended:
                    root = os.path.join(self._worker.local_directory, self.name)
                    self._agent = await _Agent.started(root, self._archive)
            head, beside = await self._agent.ask(question, bytes(data))
        except OSError as error:
            return {"gone": str(error) or type(error).__name__}
        return {"head": head, "data": beside}


class _Held:
    """A claim that is held here, and whose job has its slot, if one has begun."""

    def __init__(self) -> None:
        self.attempt_id = ""
        self.released = asyncio.Event()


class _Agent:
    """An agent that is a process, and the socket to it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        said: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.ended = False
        self._process = process
        self._said = said
        self._reader = reader
        self._writer = writer
        self._asked: dict[int, asyncio.Future[tuple[str, bytes]]] = {}
        self._number = 0
        self._turn = asyncio.Lock()
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def started(cls, root: str, archive: bytes) -> _Agent:
        """Start one of an archive, in a folder of its own."""
        said = os.path.join(root, "agent.log")
        process, ours = await asyncio.to_thread(_launched, root, archive, said)
        return cls(process, said, *await asyncio.open_connection(sock=ours))

    async def ask(self, question: str, data: bytes) -> tuple[str, bytes]:
        """What it answers; many questions may be on their way.

        Raises:
            OSError: it has ended.
        """
        if self.ended:
            raise ConnectionError(self._last_words())
        self._number = number = self._number + 1
        answer: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        head = f'{{"id": {number}, {question[1:]}'.encode("ascii")
        try:
            async with self._turn:
                self._writer.write(_LENGTHS.pack(len(head), len(data)) + head)
                self._writer.write(data)
                await self._writer.drain()
            return await answer
        finally:
            del self._asked[number]

    async def _read(self) -> None:
        try:
            while True:
                head_length, data_length = _LENGTHS.unpack(await self._reader.readexactly(_LENGTHS.size))
                head = (await self._reader.readexactly(head_length)).decode("ascii")
                data = await self._reader.readexactly(data_length)
                answer = self._asked.get(json.loads(head)["id"])
                if answer is not None and not answer.done():
                    answer.set_result((head, data))
        except (asyncio.IncompleteReadError, OSError):
            self.ended = True
            self._writer.close()
            await asyncio.to_thread(self._process.wait)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(ConnectionError(self._last_words()))

    def _last_words(self) -> str:
        with suppress(OSError), open(self._said, encoding="utf-8", errors="replace") as file:
            said = file.read()[-2000:].strip().rpartition("\n")[2]
            return said or "its agent has ended"
        return "its agent has ended"

    async def aclose(self) -> None:
        """Let it end every job and itself."""
        self._writer.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reading), _ENDING)
        if self._process.poll() is None:
            self._process.kill()


def _launched(root: str, archive: bytes, said: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """An agent's process, and our end of the socket to it."""
    os.makedirs(root, 0o700, exist_ok=True)
    packed = os.path.join(root, "agent.zip")
    if not os.path.exists(packed):
        with open(packed + ".new", "wb") as file:
            file.write(archive)
        os.replace(packed + ".new", packed)
    ours, theirs = socket.socketpair()
    command = [sys.executable, packed, "serve", root]
    with theirs, open(said, "wb") as log:
        process = subprocess.Popen(
            command, stdin=theirs.fileno(), stdout=log, stderr=log, start_new_session=True
        )
    return process, ours
