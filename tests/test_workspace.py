"""The workspace: where it is, what it refuses, what it finds again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nbpipe.core.dataset import Dataset
from nbpipe.core.graph import Graph
from nbpipe.core.step import PythonScriptStep
from nbpipe.errors import InvalidPipeline, StoreError, UnknownName, UsageError
from nbpipe.store.layout import StateFolder
from nbpipe.workspace import Workspace
from tests.projects import COPY, Project, planned, project, words

__all__ = ["project"]

CONFIG = {"subscription_id": "sub", "resource_group": "group", "workspace_name": "lab"}


def config(folder: Path, **changes: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps({**CONFIG, **changes}), "utf-8")
    return path


# Where it is.


def test_it_is_the_nearest_folder_upward_with_state_of_ours(tmp_path):
    deep = tmp_path / "lab" / "notebooks" / "deep"
    deep.mkdir(parents=True)
    StateFolder(tmp_path / "lab").ensure()
    assert Workspace.find(deep).root == tmp_path / "lab"
    StateFolder(deep.parent).ensure()
    assert Workspace.find(deep).root == deep.parent


@pytest.mark.parametrize("place", [".", ".azureml"])
def test_it_is_the_nearest_folder_upward_with_a_config_of_v1(tmp_path, place):
    config(tmp_path / place)
    (tmp_path / "deep").mkdir()
    found = Workspace.find(tmp_path / "deep")
    assert (found.root, found.name, found.subscription_id, found.resource_group) == (
        tmp_path,
        "lab",
        "sub",
        "group",
    )


def test_it_is_the_folder_itself_where_nothing_is_found(tmp_path):
    found = Workspace.find(tmp_path)
    assert (found.root, found.name, found.subscription_id) == (tmp_path, tmp_path.name, "local")
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_of_another_project_and_a_config_of_another_kind_are_passed_over(tmp_path):
    (tmp_path / ".nbpipe").mkdir()
    (tmp_path / "config.json").write_text('{"editor": "vi"}', "utf-8")
    (tmp_path / "deep").mkdir()
    assert Workspace.find(tmp_path / "deep").root == tmp_path / "deep"


def test_folders_above_the_home_folder_are_not_looked_at(tmp_path, monkeypatch):
    home = tmp_path / "home" / "me"
    (home / "work").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("HOME", str(home))
    config(tmp_path)
    assert Workspace.find(home / "work").root == home / "work"
    assert Workspace.find(tmp_path / "data").root == tmp_path / "data"
    config(home)
    assert Workspace.find(home / "work").root == home
    assert Workspace.find(home).root == home


def test_outside_the_home_folder_it_is_found_upward_too(tmp_path):
    config(tmp_path / "data")
    (tmp_path / "data" / "deep").mkdir()
    assert Workspace.find(tmp_path / "data" / "deep").root == tmp_path / "data"


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="There is no folder "):
        Workspace.open(tmp_path / "absent")


def test_from_config_takes_a_file_its_folder_or_looks_upward(tmp_path, monkeypatch):
    path = config(tmp_path / "lab")
    other = tmp_path / "lab" / "other.json"
    other.write_text(json.dumps({**CONFIG, "workspace_name": "other"}), "utf-8")
    (tmp_path / "lab" / "deep").mkdir()
    for given, name in [(path, "lab"), (str(path.parent), "lab"), (other, "other")]:
        found = Workspace.from_config(given)
        assert (found.root, found.name) == (tmp_path / "lab", name)
    monkeypatch.chdir(tmp_path / "lab" / "deep")
    assert Workspace.from_config().root == tmp_path / "lab"
    hidden = config(tmp_path / "v1" / ".azureml")
    assert (
        Workspace.from_config(hidden).root == Workspace.from_config(tmp_path / "v1").root == tmp_path / "v1"
    )


def test_from_config_says_which_keys_a_config_has(tmp_path):
    (tmp_path / "config.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError) as raised:
        Workspace.from_config(tmp_path / "config.json")
    assert raised.value.remedy == "It has the keys subscription_id, resource_group, workspace_name."


def test_unknown_names_tell_those_there_are(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(UnknownName) as raised:
        workspace.get_datastore("blob")
    assert raised.value.remedy == "This workspace has: workspaceblobstore"
    with pytest.raises(UnknownName) as raised:
        workspace.get_run("7")
    assert (raised.value.fact, raised.value.remedy) == ("No run 7.", "Newest runs: none")
    assert workspace.latest_run() is None
    assert workspace.get_default_compute_target().name == "local"


# What it refuses.


def test_an_unknown_step_to_force_tells_the_steps(project):
    with pytest.raises(UnknownName) as raised:
        project.plan(project.cell("prep", ""), project.cell("train", ""), force=["trian"])
    assert (raised.value.fact, raised.value.remedy) == ("No step trian.", "Steps: prep, train")


def test_a_run_without_room_for_a_step_is_refused(project):
    with pytest.raises(UsageError, match="A run cannot have 0 steps at once"):
        project.submit(project.cell("prep", ""), jobs=0)


def test_an_unknown_parameter_is_refused_with_what_was_meant(project):
    project.parameters = {"rate": 0.1}
    pipeline = project.pipeline(project.cell("one", "", "{rate}"))
    graph = project.workspace.graph_of(pipeline)
    for given in (pipeline, graph):
        with pytest.raises(InvalidPipeline, match=r"No parameter rat\. Did you mean rate\?"):
            project.workspace.plan(given, pipeline_parameters={"rat": 1})
        with pytest.raises(InvalidPipeline, match=r"Parameter rate got \[1\]"):
            project.workspace.plan(given, pipeline_parameters={"rate": [1]})


def test_everything_that_stands_in_the_way_is_told_at_submit_at_once(project):
    project.write("nbpipe.toml", "[run]\ngpus = 1\n")
    steps = [
        project.cell("one", "", "{./absent.csv} {>a}"),
        project.cell("two", "", "{a}"),
        project.cell("three", "", "{./data/*.csv}", gpus=2),
        project.cell("four", "", python="no-such-python"),
        project.cell("five", "", extra=["absent.txt"]),
    ]
    with pytest.raises(InvalidPipeline) as raised:
        project.submit(*steps)
    assert [problem.fact for problem in raised.value.problems] == [
        "Step one: there is no absent.csv",
        f"Step three: nothing matches data/*.csv in {project.root}",
        "Step four: No Python no-such-python.",
        "Step five: it takes absent.txt along, and there is no such file",
        "Step three wants 2 GPUs; this machine has 1.",
    ]
    assert {problem.step for problem in raised.value.problems} == {"one", "three", "four", "five"}
    assert project.workspace.runs() == []


def test_a_script_that_is_gone_since_the_pipeline_was_built_is_told(project):
    pipeline = project.pipeline(project.cell("one", ""), project.folder_step("two", ""))
    (project.root / "steps/one/one.py").unlink()
    (project.root / "src/two/two.py").unlink()
    with pytest.raises(InvalidPipeline) as raised:
        pipeline.submit("demo")
    assert [problem.fact for problem in raised.value.problems] == [
        "Step one: its file steps/one/one.py is gone",
        "Step two: there is no two.py in src/two",
    ]


def test_a_script_outside_its_folder_is_refused(project):
    project.write("src/one/near.py", "")
    project.write("outside.py", "")
    (project.root / "src/one/link.py").symlink_to(project.root / "outside.py")
    for name in ("../../outside.py", "link.py"):
        with pytest.raises(InvalidPipeline, match="lies outside src/one"):
            project.pipeline(PythonScriptStep(name, source_directory="src/one"))


@pytest.mark.parametrize("script", ["no.py", "a\0b.py", "x" * 300 + ".py", "", " "])
def test_a_script_that_cannot_be_is_refused(project, script):
    project.write("src/one/near.py", "")
    with pytest.raises(ValueError):  # noqa: PT011 - both of ours are: at construction, or at build
        project.pipeline(PythonScriptStep(script, source_directory="src/one"))


def test_a_graph_with_a_circle_is_refused(project):
    graph = project.workspace.graph_of(project.pipeline(project.cell("one", ""), project.cell("two", "")))
    graph.order_after("one", ["two"])
    graph.order_after("two", ["one"])
    with pytest.raises(InvalidPipeline, match="one and two wait for each other"):
        project.workspace.plan(graph)


def test_settings_that_are_wrong_are_told_at_the_first_plan(project):
    project.write("nbpipe.toml", "[run]\njob = 2\n")
    with pytest.raises(UsageError, match=r"nbpipe\.toml sets run\.job\."):
        project.plan(project.cell("one", ""))


def test_state_of_a_newer_nbpipe_is_refused(project):
    project.write(".nbpipe/VERSION", "nbpipe 99\n")
    with pytest.raises(StoreError, match="made by a newer nbpipe"):
        project.submit(project.cell("one", ""))


# Paths.


def test_paths_are_relative_to_the_workspace_wherever_the_pipeline_is_built(project, monkeypatch, tmp_path):
    far = tmp_path / "far.csv"
    far.write_text("1\n", "utf-8")
    project.write("data/raw.csv", "1\n")
    project.write("deep/src/one.py", COPY)
    monkeypatch.chdir(project.root / "deep")

    def data(path, name):
        return Dataset.File.from_files(path).as_named_input(name).as_mount()

    step = PythonScriptStep(
        "one.py", arguments=[data("../data/raw.csv", "near"), data(str(far), "far")], source_directory="src"
    )
    graph = project.workspace.graph_of(project.pipeline(step))
    assert graph.nodes[0].source.folder == "deep/src"
    assert [source.paths for source in graph.data_sources.values()] == [("data/raw.csv",), (str(far),)]
    monkeypatch.chdir(tmp_path)
    assert Workspace(project.root).plan(graph)["one.py"].action == "run"


@pytest.mark.runner
def test_a_saved_graph_runs_and_is_reused_like_the_pipeline_it_came_from(project, monkeypatch, tmp_path):
    project.write("raw.csv", "1\n")
    project.parameters = {"n": 1}
    steps = [project.cell("prep", COPY, "{./raw.csv} {>a}"), project.cell("train", "", "{a} {n}")]
    run = project.run(*steps)
    saved = json.loads(json.dumps(run.graph.to_json()))
    monkeypatch.chdir(tmp_path)
    again = Workspace(project.root).submit(Graph.from_json(saved), "other", pipeline_parameters={"n": 2})
    again.wait_for_completion(show_output=False, timeout_seconds=30)
    assert words(again) == {"prep": "reused", "train": "done"}
    assert [str(reason) for reason in again.step("train").reasons] == ["n 1 → 2"]


@pytest.mark.runner
def test_only_the_chosen_steps_and_what_they_need_run(project):
    steps = [
        project.cell("prep", COPY, "{>a}"), project.cell("train", COPY, "{a} {>b}"), project.cell("report", "", "{b}"),
        project.cell("alone", ""),
    ]  # fmt: skip
    assert words(project.run(*steps, steps=["train"])) == {"prep": "done", "train": "done"}
    assert planned(project.plan(*steps, steps=["alone"])) == [("alone", "new", "never run")]


@pytest.mark.runner
def test_runs_are_found_newest_first_and_by_pipeline(project):
    for name in ("first", "second", "first"):
        project.name = name
        project.run(project.cell("one", ""))
    workspace = project.workspace
    assert [run.id for run in workspace.runs()] == ["3", "2", "1"]
    assert workspace.latest_run().id == "3"
    assert workspace.latest_run("second").id == "2"
    assert workspace.latest_run("third") is None
    assert workspace.get_run("2").pipeline_name == "second"
    (project.root / ".nbpipe/runs/9").mkdir()
    assert [run.id for run in workspace.runs()] == ["3", "2", "1"]
    with pytest.raises(UnknownName, match=r"No run 9\."):
        workspace.get_run("9")


@pytest.mark.runner
def test_a_plan_knows_what_may_be_reused_whatever_became_of_the_registry(project):
    """It tells that from the results, which the run goes by as well."""
    steps = [
        project.cell("prep", COPY, "{>a}"),
        project.cell("train", COPY, "{a} {>b}"),
        project.cell("report", COPY, "{b} {>c}"),
    ]
    project.run(*steps)
    registry = project.root / ".nbpipe/registry"
    kept = {path: path.read_bytes() for path in registry.rglob("*") if path.is_file()}
    long_lived = project.pipeline(*steps)
    assert {step.action for step in long_lived.plan()} == {"reuse"}
    for path, content in kept.items():
        for damage in (b"", b"{", None):
            path.unlink() if damage is None else path.write_bytes(damage)
            for plan in (project.plan(*steps, force=["prep"]), long_lived.plan(force=["prep"])):
                assert [step.action for step in plan] == ["run", "maybe", "maybe"], path
            path.write_bytes(content)
    shutil.rmtree(registry)
    assert [step.action for step in project.plan(*steps, force=["prep"])] == ["run", "maybe", "maybe"]
    assert list(words(project.run(*steps, force=["prep"])).values()) == ["done", "reused", "reused"]


@pytest.mark.runner
def test_a_plan_explains_a_step_that_will_run_and_one_that_will_be_reused(project):
    def steps():
        return [project.cell("prep", None, "{>a}"), project.cell("train", "", "{a}")]

    project.write("steps/prep/prep.py", COPY)
    project.run(*steps())
    project.write("steps/prep/prep.py", COPY + "print()\n")
    pipeline = project.pipeline(*steps())
    explanation = pipeline.workspace.explain(pipeline.plan(), "prep")
    assert (explanation.compared_run, explanation.status) == ("1", "will run")
    assert "+print()" in explanation.diffs[0][1]
    project.run(*steps())
    reused = project.workspace.explain(project.plan(*steps()), "prep")
    assert (reused.status, reused.compared_run, reused.diffs) == ("will reuse", "2", ())
    assert ("command", "script", "prep.py") in reused.receipt


def test_the_default_datastore_is_the_workspaces_folder(project: Project):
    project.write("data/raw.csv", "1\n")
    store = project.workspace.get_default_datastore()
    reference = store.path("data/raw.csv", "raw")
    step = project.cell("one", "", arguments=[reference], inputs=[reference])
    assert planned(project.plan(step)) == [("one", "new", "never run")]
    graph = project.workspace.graph_of(project.pipeline(step))
    assert [source.paths for source in graph.data_sources.values()] == [("data/raw.csv",)]
