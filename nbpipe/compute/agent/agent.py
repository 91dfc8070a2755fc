"""The agent: answers what another machine asks of this one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbpipe.compute.agent.attempt import Attempt
from nbpipe.compute.agent.carrying import Carryings
from nbpipe.compute.agent.environments import Environments
from nbpipe.compute.agent.leavings import Leavings
from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.refusal import Refusal, told, working_in
from nbpipe.compute.checked import find_python
from nbpipe.compute.forked import Zygotes
from nbpipe.compute.short_script import printed_by
from nbpipe.errors import NbpipeError, UsageError

PROTOCOL = 2
"""Number of what is asked and answered; agents of different numbers do not speak with each other."""

_TIDY = 3600.0  # seconds between two looks at what jobs left
_MOST = 1 << 22  # bytes in one answer

Answer = tuple[dict[str, Any], bytes]


class Agent:
    """Starts jobs on this machine and keeps what they need and leave.

    It belongs to one event loop. When its process ends, however that happens, so do its jobs.

    Args:
        root: its folder, made for the user alone.

    Example::

        agent = Agent("/tmp/agent")
        told, data = await agent.answer("hello", {}, b"")
        await agent.aclose()
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))
        with working_in(self.root):
            for folder in (self.root, os.path.join(self.root, "attempts")):
                os.makedirs(folder, 0o700, exist_ok=True)
            self._objects = Objects(self.root)
        self._carryings = Carryings(self.root, self._objects)
        self._environments = Environments(self.root)
        self._born = secrets.token_hex(8)
        self._zygotes = Zygotes()
        self._attempts: dict[str, Attempt] = {}
        self._starting: dict[str, asyncio.Future[None]] = {}
        self._tidying: asyncio.Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs, or an environment is made or an object carried for one."""
        return (
            bool(self._starting)
            or self._environments.busy
            or self._carryings.busy
            or any(each.ended is None for each in self._attempts.values())
        )

    async def answer(self, verb: str, asked: Mapping[str, Any], data: bytes) -> Answer:
        """Do what is asked.

        Args:
            verb: a word of the protocol.
            asked: what belongs to it.
            data: bytes beside it.

        Raises:
            NbpipeError: it cannot be done.
        """
        do = getattr(self, f"_{verb}_", None)
        if do is None:
            raise Refusal("refused", f"This agent does not know {verb[:80]!r}.")
        try:
            answer: Answer = await do(asked, data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refusal(
                "refused", f"{verb} was asked in a way that cannot be understood: {error!r:.200}"
            ) from error
        return answer

    async def frame(self, head: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """The head and bytes of the answer to a question that came as a frame; every error is an answer."""
        try:
            answered, more = await self.answer(str(head.get("verb")), head.get("told") or {}, data)
        except NbpipeError as error:
            return {"id": head.get("id"), **told(error)}, b""
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked waits for an answer
            fact = f"The agent failed: {type(error).__name__}: {str(error)[:500]}"
            return {"id": head.get("id"), **told(Refusal("refused", fact))}, b""
        return {"id": head.get("id"), "told": answered}, more

    def keep_tidy(self) -> None:
        """Remove now and every hour what jobs left and nobody will ask for, until it is closed."""
        self._tidying = asyncio.ensure_future(self._keep_tidy())

    async def _keep_tidy(self) -> None:
        leavings = Leavings(self.root)
        while True:
            gone = set(await asyncio.to_thread(leavings.tidy))
            self._attempts = {name: each for name, each in self._attempts.items() if each.folder not in gone}
            await asyncio.sleep(_TIDY)

    async def aclose(self) -> None:
        """End every job."""
        if self._tidying is not None:
            self._tidying.cancel()
        await self._carryings.aclose()
        await self._zygotes.aclose()

    async def _hello_(self, _asked: Mapping[str, Any], _data: bytes) -> Answer:
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        devices = [name for name in os.listdir("/dev") if re.fullmatch("nvidia[0-9]+", name)]
        return {
            "protocol": PROTOCOL,
            "machine": socket.gethostname(),
            "root": self.root,
            "cpus": cpus or 1,
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "gpus": len(devices),
            "disk": shutil.disk_usage(self.root).free,
            "python": ".".join(map(str, sys.version_info[:3])),
            "pid": os.getpid(),
            "born": self._born,
        }, b""

    async def _missing_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        return {"missing": self._objects.missing(asked["objects"])}, b""

    async def _put_(self, asked: Mapping[str, Any], data: bytes) -> Answer:
        part = (asked["digest"], asked["offset"], asked["size"], asked.get("sha256"), data)
        if len(data) < 1 << 16:
            return {"have": self._objects.put(*part)}, b""
        return {"have": await asyncio.to_thread(self._objects.put, *part)}, b""

    async def _carry_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        return await self._carryings.carry(asked), b""

    async def _start_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        attempt_id = str(asked["attempt"])
        machine = {"machine": socket.gethostname()}
        if attempt_id in self._starting:
            await asyncio.shield(self._starting[attempt_id])
        if self._known(attempt_id) is not None:
            return {"started": False, **machine}, b""
        attempt = Attempt(self._folder(attempt_id), asked["parcel"], self._objects)
        starting = self._starting[attempt_id] = asyncio.ensure_future(attempt.start(asked, self._zygotes))
        starting.add_done_callback(lambda done: self._started(attempt_id, attempt, done))
        await asyncio.shield(starting)
        return {"started": True, **machine}, b""

    def _started(self, attempt_id: str, attempt: Attempt, done: asyncio.Future[None]) -> None:
        self._starting.pop(attempt_id, None)
        if not done.cancelled() and done.exception() is None:
            self._attempts[attempt_id] = attempt

    async def _read_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        attempt = await self._attempt(asked)
        return await attempt.read(asked["offsets"], float(asked["wait"]), min(int(asked["most"]), _MOST))

    async def _cancel_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        await (await self._attempt(asked)).cancel(float(asked["grace"]))
        return {}, b""

    async def _list_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        attempt = await self._attempt(asked)
        return await asyncio.to_thread(attempt.place.listing), b""

    async def _get_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        attempt = await self._attempt(asked)
        read = attempt.place.read
        return await asyncio.to_thread(read, asked["path"], int(asked["offset"]), int(asked["most"]))

    async def _forget_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        attempt = self._known(str(asked["attempt"]))
        if attempt is None:
            return {}, b""
        if attempt.ended is None:
            raise UsageError("A job that runs cannot be forgotten.")
        await asyncio.to_thread(attempt.remove, asked.get("kept") or {})
        self._attempts.pop(str(asked["attempt"]), None)
        return {}, b""

    async def _script_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        env = {**os.environ, **asked["env"]}
        python = find_python(asked["python"] or sys.executable, env)
        with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
            file.write(asked["text"])
            file.flush()
            return {}, await printed_by(python, Path(file.name), env)

    async def _lock_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        wanted = str(asked["token"]), asked["python"], [*asked["packages"]], str(asked["version"])
        return await self._environments.lock(*wanted, float(asked["wait"])), b""

    async def _environment_(self, asked: Mapping[str, Any], _data: bytes) -> Answer:
        wanted = str(asked["python"]), str(asked["version"]), [*asked["lines"]], float(asked["wait"])
        return {"python": await self._environments.get(*wanted)}, b""

    async def _attempt(self, asked: Mapping[str, Any]) -> Attempt:
        attempt_id = str(asked["attempt"])
        if attempt_id in self._starting:
            await asyncio.wait({self._starting[attempt_id]})
        attempt = self._known(attempt_id)
        if attempt is None:
            raise Refusal("unknown", f"Nothing is known of {attempt_id[:200]} here.")
        attempt.asked_for()
        return attempt

    def _known(self, attempt_id: str) -> Attempt | None:
        if attempt_id not in self._attempts:
            folder = self._folder(attempt_id)
            if not os.path.exists(os.path.join(folder, "parcel.json")):
                return None
            self._attempts[attempt_id] = Attempt.found(folder, self._objects)
        return self._attempts[attempt_id]

    def _folder(self, attempt_id: str) -> str:
        """An attempt's folder: readable, and safe whatever the id holds."""
        digest = hashlib.sha256(attempt_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        readable = re.sub(r"[^A-Za-z0-9_.]+", "-", attempt_id).strip("-.")[:40]
        return os.path.join(self.root, "attempts", f"{readable}-{digest}")
