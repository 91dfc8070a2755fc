"""A real ipykernel for tests: cells are run as a front end runs them, with ids, and their outputs collected."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

SECONDS = 60


@dataclass
class Outcome:
    """What one cell gave: its reply, what it printed, displayed and raised."""

    reply: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.reply["status"] == "ok"

    @property
    def printed(self) -> str:
        return "".join(m["content"]["text"] for m in self.messages if m["msg_type"] == "stream")

    @property
    def displayed(self) -> list[dict[str, Any]]:
        kinds = ("display_data", "execute_result")
        return [m["content"]["data"] for m in self.messages if m["msg_type"] in kinds]

    @property
    def error(self) -> str:
        """The error as a front end shows it."""
        return "\n".join(self.reply.get("traceback", [])) or self.reply.get("evalue", "")


class Kernel:
    """A kernel and its client."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=SECONDS)

    def run(self, code: str, cell: str = "", **metadata: Any) -> Outcome:
        """Run a cell; with ``cell`` its id goes along as JupyterLab sends it."""
        self.client.session.metadata = {**({"cellId": cell} if cell else {}), **metadata}
        sent = self.client.execute(code)
        self.client.session.metadata = {}
        messages = []
        end = time.monotonic() + SECONDS
        while True:
            message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.1))
            if message["parent_header"].get("msg_id") != sent:
                continue
            messages.append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        return Outcome(self._reply(sent), messages)

    def value(self, expression: str) -> str:
        """The repr of an expression in the kernel."""
        reply = self._reply(self.client.execute("", silent=True, user_expressions={"value": expression}))
        found = reply["user_expressions"]["value"]
        assert found["status"] == "ok", found
        return found["data"]["text/plain"]

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of the code."""
        return self._reply(self.client.complete(code, len(code)))["matches"]

    def help(self, code: str) -> str:
        """The text that ``?`` shows."""
        reply = self._reply(self.client.execute(code))
        return "\n".join(page["data"]["text/plain"] for page in reply["payload"] if page["source"] == "page")

    def _reply(self, sent: str) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                message = self.client.get_shell_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") == sent:
                return message["content"]
        raise AssertionError("the kernel did not answer")


@contextmanager
def kernel_in(folder: Path, **environment: str) -> Iterator[Kernel]:
    """A kernel whose working directory is ``folder``."""
    import os

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, **environment})
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        kernel.client.stop_channels()
        manager.shutdown_kernel(now=True)
