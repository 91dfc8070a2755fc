"""The door of a real kernel: greeted, told, answered, while a cell blocks it and after it was restarted."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.notebook_kernel import Kernel, kernel_in
from tests.waiting import eventually

pytestmark = pytest.mark.kernel

PREP = "%%step prep.py {>clean.csv}\nimport sys\nopen(sys.argv[-1], 'w').write('a')"
WAIT = """%%step wait.py {clean} {>out}
import os, sys, time
while not os.path.exists({gate!r}):
    time.sleep(0.01)
open(sys.argv[-1], 'w').write('b')"""
BLOCK = "import os, time\nwhile not os.path.exists({gate!r}):\n    time.sleep(0.01)"


class CommPage:
    """JupyterLab's side of the door: a comm, on a subshell of its own where the kernel has them."""

    def __init__(self, kernel: Kernel, comm: str = "c1") -> None:
        self.client = kernel.client
        self.comm = comm
        self.told: list[dict[str, Any]] = []
        self.cells: list[dict[str, Any]] = []
        self.closed = False
        self.subshell = self._subshell()
        self._send("comm_open", target_name="nbpipe-steps", data={})

    def _subshell(self) -> str | None:
        client = self.client
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        return client.get_control_msg(timeout=60)["content"].get("subshell_id")

    def _send(self, kind: str, **content: Any) -> None:
        message = self.client.session.msg(kind, {"comm_id": self.comm, **content})
        if self.subshell:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def ask(self, verb: str, **args: Any) -> str:
        name = f"r{len(self.told)}-{verb}"
        request = {"type": "request", "id": name, "view": "v", "verb": verb, "args": args}
        self._send("comm_msg", data=request)
        return name

    def hear(self) -> None:
        """Take what came."""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=0.02)
            except queue.Empty:
                return
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == self.comm:
                self.told.append(content["data"])
            elif message["msg_type"] == "comm_close" and content["comm_id"] == self.comm:
                self.closed = True
            else:
                self.cells.append(message)

    def run(self, code: str, cell: str) -> None:
        """Run a cell, and lose nothing of what comes meanwhile."""
        self.client.session.metadata = {"cellId": cell}
        sent = self.client.execute(code)
        self.client.session.metadata = {}
        eventually(lambda: self.hear() or "idle" in self.states(sent))

    def states(self, sent: str) -> list[str]:
        """What a cell's request was told of the kernel: busy, idle."""
        of_it = [each for each in self.cells if each["parent_header"].get("msg_id") == sent]
        return [each["content"]["execution_state"] for each in of_it if each["msg_type"] == "status"]

    def wait_for(self, wanted: Any) -> dict[str, Any]:
        """The first message that is wanted."""

        def look() -> dict[str, Any] | None:
            self.hear()
            return next((each for each in self.told if wanted(each)), None)

        return eventually(look)

    def value(self, verb: str, **args: Any) -> Any:
        name = self.ask(verb, **args)
        answer = self.wait_for(lambda each: each.get("id") == name)
        assert answer["error"] is None, answer
        return answer["value"]

    def sees(self, step: str, status: str) -> None:
        """Wait until a step has a status."""
        self.wait_for(
            lambda each: any(
                node["id"] == step and node["status"] == status for node in each.get("nodes", ())
            )
        )


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with kernel_in(tmp_path) as kernel:
        yield kernel


def begin_cell(kernel: Kernel, code: str) -> str:
    """Send a cell without waiting for it."""
    return kernel.client.execute(code)


def test_a_kernel_without_nbpipe_closes_the_door(kernel: Kernel) -> None:
    page = CommPage(kernel)
    eventually(lambda: page.hear() or page.closed)
    assert page.told == []


def test_a_page_is_greeted_told_and_patched_without_a_gap(kernel: Kernel) -> None:
    loaded = kernel.run("%load_ext nbpipe", "x")
    assert "comm_open" in [each["msg_type"] for each in loaded.messages]  # pages that are there hear of it
    page = CommPage(kernel)
    hello = page.wait_for(lambda each: each["type"] == "hello")
    assert (hello["protocol"], hello["pipelines"]) == (1, [])
    page.run(PREP, "a")
    assert page.wait_for(lambda each: each["type"] == "hello" and each["pipelines"])["pipelines"] == [
        "pipeline"
    ]
    page.value("subscribe", pipeline="pipeline")
    graph = page.wait_for(lambda each: each["type"] == "graph")
    assert [(node["id"], node["status"], node["cell"]) for node in graph["nodes"]] == [("prep", "new", "a")]
    page.run(PREP.replace("'a'", "'b'"), "a")
    patch = page.wait_for(lambda each: each["type"] == "patch")
    assert patch["revision"] == graph["revision"] + 1
    assert patch["nodes"][0]["digest"] != graph["nodes"][0]["digest"]


def test_a_run_is_started_followed_and_stopped_while_a_cell_blocks(kernel: Kernel, tmp_path: Path) -> None:
    gate, step_gate = tmp_path / "gate", tmp_path / "step_gate"
    kernel.run("%load_ext nbpipe", "x")
    kernel.run(PREP, "a")
    kernel.run(WAIT.replace("{gate!r}", repr(str(step_gate))), "b")
    page = CommPage(kernel)
    page.value("subscribe", pipeline="")
    page.wait_for(lambda each: each["type"] == "graph")
    if page.subshell is None:
        pytest.skip("this ipykernel has no subshells: requests wait for the cell")
    cell = begin_cell(kernel, BLOCK.format(gate=str(gate)))
    eventually(lambda: page.hear() or page.states(cell))
    assert page.value("run") == {"run": "1"}
    page.sees("prep", "done")
    page.sees("wait", "running")
    page.value("stop")
    page.sees("wait", "cancelled")
    assert page.states(cell) == ["busy"]  # the cell blocks still
    gate.write_text("")


def test_the_widget_is_answered_while_a_cell_that_has_shown_it_blocks(kernel: Kernel, tmp_path: Path) -> None:
    """The kernel would send what a page says to the thread that used the comm last: the blocked one."""
    gate = tmp_path / "gate"
    kernel.run("%load_ext nbpipe", "x")
    kernel.run(PREP, "a")
    shown = kernel.run("%pipeline", "p").displayed[0]
    model = shown["application/vnd.jupyter.widget-view+json"]["model_id"]
    page = CommPage(kernel)
    if page.subshell is None:
        pytest.skip("this ipykernel has no subshells: requests wait for the cell")
    page.comm = model
    request = {"type": "request", "id": "w1", "view": "w", "verb": "runs", "args": {}}
    begin_cell(kernel, BLOCK.format(gate=str(gate)))
    page._send("comm_msg", data={"method": "custom", "content": request})
    told = page.wait_for(lambda each: each.get("content", {}).get("id") == "w1")
    assert told["content"]["value"] == {"items": []}
    gate.write_text("")


def test_after_a_restart_the_step_cells_are_registered_again_on_a_click(
    kernel: Kernel, tmp_path: Path
) -> None:
    kernel.run("%load_ext nbpipe", "x")
    kernel.run(PREP, "a")
    assert kernel.run("%pipeline_run --wait").ok
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    kernel.run("%load_ext nbpipe", "x")
    page = CommPage(kernel)
    assert page.wait_for(lambda each: each["type"] == "hello")["pipelines"] == ["pipeline"]
    page.value("subscribe", pipeline="pipeline")
    graph = page.wait_for(lambda each: each["type"] == "graph")
    assert (graph["head"]["mode"], graph["head"]["summary"]) == ("last", "Kernel restarted.")
    (button,) = graph["head"]["bar"]["buttons"]
    page.value(button["verb"], **button["args"])
    page.sees("prep", "will reuse")


def test_unloaded_it_lets_its_pages_go_and_stops_its_threads(kernel: Kernel) -> None:
    kernel.run("%load_ext nbpipe", "x")
    kernel.run(PREP, "a")
    page = CommPage(kernel)
    page.value("subscribe", pipeline="")
    page.wait_for(lambda each: each["type"] == "graph")
    threads = "[t.name for t in __import__('threading').enumerate() if t.name.startswith('nbpipe-')]"
    assert kernel.value(threads) != "[]"
    page.run("%unload_ext nbpipe", "u")
    assert page.closed
    eventually(lambda: kernel.value(threads) == "[]")


def test_programs_that_run_notebooks_get_the_static_parts_alone(kernel: Kernel) -> None:
    kernel.run("%load_ext nbpipe")
    kernel.run(PREP)
    assert set(kernel.run("%pipeline").displayed[0]) == {"image/svg+xml", "text/plain"}


def test_what_is_saved_is_the_same_in_every_kernel(kernel: Kernel) -> None:
    def shown() -> str:
        kernel.run("%load_ext nbpipe", "x")
        kernel.run(PREP, "a")
        return json.dumps(kernel.run("%pipeline", "p").displayed[0], sort_keys=True)

    first = shown()
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    assert shown() == first
