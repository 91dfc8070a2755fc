"""A Python file is run for its pipeline, in its own folder, and nothing of it is started."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from nbpipe.errors import InvalidPipeline, NbpipeError, NotebookError, UnknownName, UsageError
from nbpipe.loading import script_file
from nbpipe.loading.load import load
from nbpipe.workspace import Workspace

pytestmark = pytest.mark.runner


@pytest.fixture(autouse=True, params=["forked", "spawned"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which a process of its own is had; each law is one of both."""
    monkeypatch.setattr(script_file, "_can_be_copied", lambda: request.param == "forked")
    return str(request.param)


OPENING = """\
from nbpipe import Pipeline, PythonScriptStep, Workspace
ws = Workspace.open(".")
step = PythonScriptStep("a.py", source_directory="code")
"""


def script(folder: Path, text: str, opening: str = OPENING) -> Path:
    (folder / "code").mkdir(parents=True, exist_ok=True)
    (folder / "code" / "a.py").touch()
    path = folder / "flow.py"
    path.write_text(opening + textwrap.dedent(text))
    return path


def test_its_pipeline_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "project", "anything = Pipeline(ws, [step])")
    monkeypatch.chdir(tmp_path)
    loaded = load("project/flow.py")
    assert loaded.workspace.root == tmp_path / "project"
    assert [node.source.folder for node in loaded.graph.nodes] == ["code"]


def test_nothing_is_started_or_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = script(
        tmp_path,
        """
        pipeline = Pipeline(ws, [step])
        if __name__ == "__main__":
            run = pipeline.submit("demo")
            run.wait_for_completion()
            print(run.get_steps(), run.find_step_run("a.py")[0].get_output("x").path)
            raise SystemExit(0)
        """,
    )
    assert [node.name for node in load(path).graph.nodes] == ["a.py"]
    assert Workspace(tmp_path).runs() == []
    assert capfd.readouterr() == ("", "")


def test_a_file_beside_it_takes_no_library_s_place(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('not me')")
    (tmp_path / "mine.py").write_text("NAME = 'demo'")
    path = script(tmp_path, "import mine\npipeline = Pipeline(ws, [step], name=mine.NAME)")
    assert load(path).graph.name == "demo"


def test_the_one_called_pipeline_is_meant_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = script(tmp_path, "one = Pipeline(ws, [step], name='first')\ntwo = Pipeline(ws, [step])")
    with pytest.raises(UsageError, match="Several pipelines: one, two"):
        load(path)
    assert load(path, "one").graph.name == load(path, "first").graph.name == "first"
    with pytest.raises(UnknownName, match="has no pipeline three"):
        load(path, "three")
    assert load(script(tmp_path, "pipeline = Pipeline(ws, [step], name='x')\nother = Pipeline(ws, [step])"))


FAILING = [
    ("1 / 0", NotebookError, "ZeroDivisionError", "line 4: 1 / 0"),
    ("def (", NotebookError, "SyntaxError", "line 4: def ("),
    ("import sys\nsys.exit(3)", NotebookError, "exits with 3", None),
    ("import os\nos._exit(4)", NotebookError, "ended with 4", None),
    ("pass", UsageError, "flow.py declares no step", None),
    ("pipeline = Pipeline(ws, [PythonScriptStep('b.py')])", InvalidPipeline, "b.py", None),
    ("PythonScriptStep('')", NbpipeError, "script_name", "line 4: PythonScriptStep('')"),
]


@pytest.mark.parametrize(("text", "kind", "message", "place"), FAILING, ids=[each[0] for each in FAILING])
def test_what_goes_wrong_is_told_with_its_line(
    text: str, kind: type[NbpipeError], message: str, place: str | None, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message) as caught:
        load(script(tmp_path, text))
    assert place is None or caught.value.place == place


def test_what_it_leaves_to_its_end_is_done(tmp_path: Path) -> None:
    script(
        tmp_path,
        """
        import atexit, threading
        atexit.register(lambda: open("registered", "w").close())
        left_open = open("left_open", "w")
        left_open.write("whole")
        threading.Timer(0.05, lambda: open("threaded", "w").close()).start()
        pipeline = Pipeline(ws, [step])
        """,
    )
    assert load(tmp_path / "flow.py").graph.nodes
    assert {"registered", "threaded"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "left_open").read_text() == "whole"


def test_it_changes_nothing_of_the_process_that_loads_it(tmp_path: Path) -> None:
    before = Path.cwd(), dict(os.environ), list(sys.path), set(sys.modules)
    load(script(tmp_path, "import os\nos.environ['X'] = '1'\npipeline = Pipeline(ws, [step])"))
    assert (Path.cwd(), dict(os.environ), list(sys.path), set(sys.modules)) == before


def test_a_module_of_its_own_may_be_called_like_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("NAME = 'mine'")
    path = script(tmp_path, "import click\npipeline = Pipeline(ws, [step], name=click.NAME)")
    assert load(path).graph.name == "mine"
