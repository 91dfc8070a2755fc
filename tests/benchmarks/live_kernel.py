"""A real kernel with a view of its pipeline: what a page would see, and when, and what the kernel holds."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import start_new_kernel

from tests.benchmarks.frame import Sample

LONGEST = 300.0
"""Seconds after which what does not come is given up."""

_DECLARE = """
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.session import current
for place in range({count}):
    rank = place // 8
    read = f"--in {{{{o{{place - 8}}}}}} " if rank else ""
    current().declare(
        f"s{{place}}.py {{read}}--out {{{{>o{{place}}}}}}", "x = 0\\n", "pipeline_step",
        Cell(f"c{{place}}", f"cell {{place}}"),
    )
"""


def step_cell(place: int, edit: int) -> str:
    """The cell of a step that ``LiveKernel.declare`` declared, with another script."""
    read = f"--in {{o{place - 8}}} " if place >= 8 else ""
    return f"%%pipeline_step s{place}.py {read}--out {{>o{place}}}\nx = {edit}\n"


class LiveKernel:
    """A kernel, and the comm of one view.

    Args:
        manager, client: of a kernel that was started.
    """

    def __init__(self, manager: Any, client: Any) -> None:
        self._client = client
        self._process = psutil.Process(manager.provisioner.pid)
        self.run("%load_ext nbpipe")

    @property
    def held(self) -> int:
        """Resident bytes."""
        return int(self._process.memory_info().rss)

    def run(self, code: str, cell: str = "") -> None:
        """Run a cell to its end."""
        self.wait(self.execute(code, cell))

    def execute(self, code: str, cell: str = "") -> str:
        """Begin to run a cell; the id of the request."""
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
        return self._send("execute_request", content, {"cellId": cell} if cell else {})

    def wait(self, asked: str) -> None:
        """Wait for the answer of a request."""
        while True:
            answer = self._client.get_shell_msg(timeout=LONGEST)
            if answer["parent_header"].get("msg_id") == asked:
                if answer["content"]["status"] != "ok":
                    raise SystemExit("\n".join(answer["content"]["traceback"]))
                return

    def declare(self, count: int) -> None:
        """Declare so many steps, in ranks of eight, as their cells would."""
        self.run(_DECLARE.format(count=count))

    def show(self) -> None:
        """Open a view of the pipeline, and wait for its graph."""
        self._send("comm_open", {"comm_id": "c", "target_name": "nbpipe-steps", "data": {}})
        self.ask("subscribe", pipeline="", run="", hosted="panel", collapse="", open=[])
        self.until(lambda told: told["type"] == "graph" and len(told["nodes"]) > 0)

    def ask(self, verb: str, **args: Any) -> None:
        """Ask something as the view does."""
        request = {"type": "request", "id": verb, "view": "v", "verb": verb, "args": args}
        self._send("comm_msg", {"comm_id": "c", "data": request})

    def until(self, meant: Callable[[Mapping[str, Any]], bool], seen: Callable[[], object] = int) -> None:
        """Take what the view is told until it is what is meant; ``seen`` is called again and again."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            seen()
            try:
                told = self._client.get_iopub_msg(timeout=0.1)
            except queue.Empty:
                continue
            if told["msg_type"] == "comm_msg" and meant(told["content"]["data"]):
                return
        raise SystemExit("The view was not told what it was to be told.")

    def changes(self, place: int, edit: int) -> Sample:
        """Run a changed step cell: until the view is told of it, and what the kernel spent until then."""
        used, begun = self._used(), time.perf_counter()
        asked = self.execute(step_cell(place, edit), f"c{place}")
        self.until(lambda told: any(each["id"] == f"s{place}" for each in told.get("nodes") or ()))
        sample = Sample(time.perf_counter() - begun, self._used() - used)
        self.wait(asked)
        return sample

    def bare_cell(self) -> Sample:
        """Run a cell that does nothing."""
        used, begun = self._used(), time.perf_counter()
        self.run("pass")
        return Sample(time.perf_counter() - begun, self._used() - used)

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _send(self, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> str:
        message = self._client.session.msg(kind, content, metadata=metadata or {})
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])


@contextmanager
def live_kernel(folder: Path) -> Iterator[LiveKernel]:
    """A kernel that works in a folder of its own."""
    folder.mkdir()
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        yield LiveKernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
