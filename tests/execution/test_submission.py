"""What is frozen at submit, and what is left open until a step starts."""

from __future__ import annotations

import pytest

from nbpipe.errors import InvalidPipeline, StoreError
from nbpipe.execution.submission import freeze_step
from tests.projects import COPY, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner


@pytest.fixture
def gate(project):
    """A step that waits for a file, and the file."""
    path = project.root / "go"
    return project.cell(
        "wait", f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)\n"
    ), path


def test_an_edit_after_submit_changes_nothing_in_the_run(project, gate):
    wait, path = gate
    project.write("helper.py", "NAME = 'old'\n")
    step = project.cell("one", "import helper, sys\nopen(sys.argv[1], 'w').write(helper.NAME)\n", "{>out}")
    folder = project.folder_step("two", "print(open('near.txt').read())\n")
    project.write("src/two/near.txt", "old")
    for each in (step, folder):
        each.run_after(wait)
    run = project.submit(wait, step, folder)
    project.write("helper.py", "NAME = 'new'\n")
    project.write("steps/one/one.py", "raise SystemExit(1)\n")
    project.write("src/two/near.txt", "new")
    (project.root / "src/two/two.py").unlink()
    path.write_text("", "utf-8")
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"
    assert project.text(run, "one", "out") == "old"
    assert run.step("two").get_stdout_log() == "old\n"


def test_a_result_is_remembered_for_the_code_that_made_it(project, gate):
    wait, path = gate
    step = project.cell("one", COPY, "{>out}")
    step.run_after(wait)
    run = project.submit(wait, step)
    project.write("steps/one/one.py", COPY + "print('more')\n")
    path.write_text("", "utf-8")
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    assert planned(project.plan(wait, step))[1] == ("one", "will run", "one.py line 4 changed")
    project.write("steps/one/one.py", COPY)
    assert planned(project.plan(wait, step))[1] == ("one", "will reuse", "")


def test_the_graph_in_a_runs_folder_names_code_by_digest_and_tells_the_plan(project):
    run = project.run(project.cell("one", COPY, "{>out}"), tags={"by": "hand"})
    assert [(step["node"], step["status"], step["why"]) for step in run.plan_json] == [
        ("one", "new", "never run")
    ]
    frozen = run.frozen.steps["one"]
    assert list(frozen.files) == ["one.py"]
    assert project.workspace.objects.get_bytes(frozen.files["one.py"]).decode() == COPY
    assert dict(run.tags) == {"by": "hand"}


def test_code_that_changes_while_it_is_frozen_is_refused(project):
    step = project.cell("one", "x = 1\n")
    workspace = project.workspace
    graph = workspace.graph_of(project.pipeline(step))
    _, prepared = workspace._planned(graph, (), None)
    project.write("steps/one/one.py", "x = 2\n")
    workspace.state.ensure()
    with pytest.raises(InvalidPipeline, match=r"Step one: one\.py changed while the run was submitted"):
        freeze_step(workspace.objects, prepared["one"])


def test_nothing_of_a_run_is_collected_from_its_submit_to_its_end(project, gate):
    wait, path = gate
    run = project.submit(wait)
    collector = project.workspace.collector()
    while run.step("wait").status != "running":
        assert collector.survey(keep_runs=0).runs == ()
    with pytest.raises(StoreError, match="A run is going on"):
        collector.collect(collector.survey(keep_runs=0))
    path.write_text("", "utf-8")
    run.wait_for_completion(show_output=False, timeout_seconds=30)
    eventually(lambda: not run.live)
    assert collector.collect(collector.survey(keep_runs=0)).runs == 1


def test_run_ids_count_up(project):
    step = project.cell("one", "")
    assert [project.run(step).id for _ in range(3)] == ["1", "2", "3"]
    assert story(project.workspace.get_run("3")) == [("one", "reused", "run 1")]
    assert words(project.workspace.get_run("1")) == {"one": "done"}
