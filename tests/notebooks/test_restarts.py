"""Kernels come and go; runs, results and what a notebook knows of them stay."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from nbpipe.run import PipelineRun
from nbpipe.workspace import Workspace
from tests.notebook.notebook_kernel import Kernel, kernel_in
from tests.waiting import eventually

pytestmark = [pytest.mark.kernel, pytest.mark.runner]

HOLD = """\
%%pipeline_step hold.py --gate '{gate}' --out {{>held.txt}}
import pathlib, sys, time
print("waiting at the gate", flush=True)
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.02)
pathlib.Path(sys.argv[4]).write_text("held")
"""
ADD = """\
%%pipeline_step add.py {held} {word} {>sentence.txt}
import pathlib, sys
pathlib.Path(sys.argv[3]).write_text(pathlib.Path(sys.argv[1]).read_text() + " " + sys.argv[2])
"""


def declare(kernel: Kernel, gate: Path) -> None:
    for number, cell in enumerate(["%load_ext nbpipe", 'word = "back"', HOLD.format(gate=gate), ADD]):
        outcome = kernel.run(cell, cell=f"cell-{number}")
        assert outcome.ok, outcome.error


def held_run(folder: Path) -> PipelineRun:
    """The run that a kernel has just started, once its first step waits at the gate."""
    run = eventually(lambda: Workspace(folder).latest_run())
    eventually(lambda: b"gate" in b"".join(data for _, data in run.step("hold").log.read()[0]))
    return run


def kill(kernel: Kernel) -> None:
    """End the kernel and its whole process group, as a restart does to one that hangs."""
    pid = kernel.manager.provisioner.pid
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    eventually(lambda: not kernel.manager.is_alive())


def shown(kernel: Kernel, cell: str) -> str:
    outcome = kernel.run(cell)
    assert outcome.ok, outcome.error
    return outcome.printed + "".join(data["text/plain"] for data in outcome.displayed)


def test_a_run_goes_on_when_its_kernel_is_killed_and_another_kernel_shows_it_whole(tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "notebook"
    folder.mkdir()
    with kernel_in(folder) as first:
        declare(first, gate)
        assert first.run("%pipeline_run").ok
        run = held_run(folder)
        kill(first)
    assert run.live
    with kernel_in(folder) as second:
        assert second.run("%load_ext nbpipe").ok
        last = second.run("%pipeline").displayed[-1]
        said = f"Kernel restarted. Run {run.id} goes on (0 of 2), see %pipeline_attach. To register the 2 step cells:"
        assert last["text/plain"].startswith(f"pipeline: {said}  %pipeline_restore")
        assert 'opacity="0.6"' in last["image/svg+xml"]
        attached = shown(second, "%pipeline_attach")
        assert "hold" in attached
        assert "running" in attached
        gate.touch()
        assert eventually(lambda: run.status == "Finished")
        attached = shown(second, "%pipeline_attach")
        assert "2 ran" in attached
        assert "waiting at the gate" in shown(second, "%pipeline_logs hold")
        assert second.value("__import__('nbpipe').path('sentence').read_text()") == "'held back'"
    assert run.state.finished.steps == {"hold": "run", "add": "run"}


def test_a_new_kernel_registers_the_steps_of_the_last_one_and_reuses_its_results(tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "notebook"
    folder.mkdir()
    gate.touch()
    with kernel_in(folder) as first:
        declare(first, gate)
        assert first.run("%pipeline_run --wait").ok
        kill(first)
    with kernel_in(folder) as second:
        assert second.run('%load_ext nbpipe\nword = "back"').ok
        assert "Kernel restarted. To register the 2 step cells:" in shown(second, "%pipeline")
        unregistered = second.run("%pipeline_plan").error
        assert "The last one had hold, add." in unregistered
        assert "%pipeline_restore" in unregistered
        assert "Registered again: hold, add." in shown(second, "%pipeline_restore")
        assert "Nothing to do: 2 of 2 reused" in shown(second, "%pipeline")


def test_a_stopped_run_is_told_as_stopped_and_what_it_made_is_reused(tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "notebook"
    folder.mkdir()
    with kernel_in(folder) as kernel:
        declare(kernel, gate)
        assert kernel.run("%pipeline_run").ok
        run = held_run(folder)
        assert "being stopped" in shown(kernel, "%pipeline_stop")
        assert eventually(lambda: run.status == "Canceled")
        gone = kernel.run("__import__('nbpipe').path('sentence')")
        assert "{sentence} was not made" in gone.error
        gate.touch()
        assert kernel.run("%pipeline_run --wait").ok
        assert kernel.value("__import__('nbpipe').path('sentence').read_text()") == "'held back'"


def test_a_cell_that_is_interrupted_while_it_waits_says_that_its_run_goes_on(tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "notebook"
    folder.mkdir()
    with kernel_in(folder) as kernel:
        declare(kernel, gate)

        def interrupt() -> None:
            held_run(folder)
            os.kill(kernel.manager.provisioner.pid, signal.SIGINT)

        other = threading.Thread(target=interrupt)
        other.start()
        said = kernel.run("%pipeline_run --wait").error
        other.join()
        assert said.splitlines()[0] == "Interrupted: run 1 goes on without this cell."
        assert "Stop it:  %pipeline_stop" in said
        gate.touch()
        assert eventually(lambda: Workspace(folder).get_run("1").status == "Finished")


def run_all(folder: Path, *cells: str) -> list[str]:
    """Restart & Run All: the last text each cell shows."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in ("%load_ext nbpipe", *cells)])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return ["".join(_text(output) for output in cell.outputs) for cell in notebook.cells[1:]]


def _text(output: nbformat.NotebookNode) -> str:
    return output.text if output.output_type == "stream" else output.data.get("text/plain", "")


WRITE = "%%pipeline_step write.py {number} {>square.txt}\nimport sys\n{body}\n"
RIGHT = WRITE.replace("{body}", "open(sys.argv[2], 'w').write(str(int(sys.argv[1]) ** 2))")
TAKE = "import nbpipe\nnbpipe.path('square').read_text()"


def test_run_all_gives_the_results_of_what_the_cells_say_now(tmp_path):
    for number in (3, 4, 3):
        shown = run_all(tmp_path, f"number = {number}", RIGHT, "%pipeline_run", TAKE)
        assert shown[-1] == repr(str(number**2))
    words = [run.get_steps()[0].status for run in Workspace(tmp_path).runs()]
    assert words == ["reused", "done", "done"]


def test_a_result_of_a_failed_step_is_an_error_and_never_an_old_result(tmp_path):
    run_all(tmp_path, "number = 3", RIGHT, "%pipeline_run", TAKE)
    wrong = WRITE.replace("{body}", "raise ValueError('no squares today')")
    with pytest.raises(CellExecutionError, match="no squares today"):
        run_all(tmp_path, "number = 3", wrong, "%pipeline_run", TAKE)
