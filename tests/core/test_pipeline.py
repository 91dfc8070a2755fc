"""Pipelines: Azure ML v1's rules at build and at plan, closure, sequences, names that stand twice."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from nbpipe.core.dataset import Dataset, DatasetConsumptionConfig, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, DataPathComputeBinding, Datastore
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.graph import CellSource
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.sequence import PipelineStep, StepSequence
from nbpipe.core.step import PythonScriptStep
from nbpipe.errors import InvalidPipeline, UsageError
from tests.core.workspaces import BareWorkspace, data, shown, step

LAB = Datastore(None, "lab", root="/data/lab")


def pipeline(*steps: Any, missing: tuple[str, ...] = (), **options: Any) -> Pipeline:
    return Pipeline(BareWorkspace(missing=missing), steps=list(steps), **options)


def from_cell(of: PythonScriptStep, number: int) -> PythonScriptStep:
    of.source = CellSource(f"steps/{of.script_name}", ".", cell=f"cell {number}")
    return of


def two_nodes() -> RunConfiguration:
    config = RunConfiguration()
    config.node_count = 2
    return config


def written_twice() -> list[PythonScriptStep]:
    clean = data("clean")
    return [from_cell(step("prep", writes=[clean]), 3), from_cell(step("prepare", writes=[clean]), 4)]


def with_property(name: str, default: Any) -> PythonScriptStep:
    return PythonScriptStep("a.py", runconfig_pipeline_params={name: PipelineParameter("n", default)})


def with_rate(name: str, default: Any) -> PythonScriptStep:
    return step(name, arguments=[PipelineParameter("lr", default)])


AT_BUILD = {
    "a missing script": (lambda: pipeline(step("a"), missing=("a.py",)), "Step a: no script a.py"),
    "an unknown target": (
        lambda: pipeline(step("train", compute_target="gpu_box")),
        "No compute target gpu_box. Step train wants it.\n  This workspace has: local",
    ),
    "an unknown property": (lambda: pipeline(with_property("Colour", 1)), "of step a.py names Colour"),
    "a property that is no number": (
        lambda: pipeline(with_property("NodeCount", "two")), "is the NodeCount of step",
    ),
    "an input nobody makes": (
        lambda: pipeline(step("train", reads=[data("clean")])),
        "Nothing makes {clean}. Step train wants it.",
    ),
    "an input left out": (
        lambda: pipeline(step("train", reads=[written_by_prep()]), resolve_closure=False),
        "Nothing makes {clean}. Step train wants it.",
    ),
    "an output made twice": (
        lambda: pipeline(*written_twice()),
        "Two steps make {clean}: prep.py (cell 3) and prepare.py (cell 4).",
    ),
    "a parameter with two defaults": (
        lambda: pipeline(with_rate("a", 0.0), with_rate("b", 0.1)),
        "Parameter lr has two defaults: 0.0 in a and 0.1 in b.",
    ),
    "a parameter with defaults of two types": (
        lambda: pipeline(with_rate("a", 1), with_rate("b", 1.0)),
        "Parameter lr has two defaults: 1 in a and 1.0 in b.",
    ),
    "two nodes on one machine": (lambda: pipeline(step("a", runconfig=two_nodes())), "local is one machine"),
    "something that is no step": (lambda: pipeline("train"), "'train' is no step"),
    "data that nobody makes": (lambda: pipeline(data("clean")), "Nothing makes PipelineData('clean')"),
}  # fmt: skip


def written_by_prep() -> Any:
    clean = data("clean")
    step("prep", writes=[clean])
    return clean


@pytest.mark.parametrize("case", AT_BUILD)
def test_build_refuses(case: str) -> None:
    build, told = AT_BUILD[case]
    with pytest.raises(ValueError, match=re.escape(told)):
        build()


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidPipeline) as caught:
        pipeline(
            step("a", compute_target="x", reads=[data("clean")]),
            step("a", compute_target="y"),
            missing=("a.py",),
        )
    assert [(problem.fact, problem.step) for problem in caught.value.problems] == [
        ("Nothing makes {clean}. Step a wants it.", "a"),
        ("Step a: no script a.py", "a#2"),
        ("No compute target y. Step a wants it.", "a#2"),
    ]


RATE = PipelineParameter("lr", 0.1)
FILES = PipelineParameter("files", Dataset.File.from_files("a.csv"))
AT_PLAN = {
    "an unknown parameter": ({"lrr": 1}, "No parameter lrr. Did you mean lr?\n  Parameters: lr, files"),
    "an unknown parameter like none": ({"beta": 1}, "No parameter beta.\n  Parameters: lr, files"),
    "a value of no type": ({"lr": None}, "Parameter lr got None."),
    "data for a number": ({"lr": FILES.default_value}, "A value is an int, float, bool or str."),
    "a number for data": ({"files": 3}, "A value is a DataPath or a FileDataset."),
}


@pytest.mark.parametrize("case", AT_PLAN)
def test_plan_refuses(case: str) -> None:
    values, told = AT_PLAN[case]
    built = pipeline(step("a", arguments=[RATE, DatasetConsumptionConfig("files", FILES).as_mount()]))
    with pytest.raises(InvalidPipeline, match=re.escape(told)):
        built.graph_for(values)


def test_values_are_the_graphs_and_not_the_pipelines() -> None:
    built = pipeline(
        step(
            "a", arguments=[RATE, DatasetConsumptionConfig("files", FILES).as_mount()], params={"rate": RATE}
        ),
        step("b", arguments=[(PipelineParameter("place", DataPath(LAB, "raw")), DataPathComputeBinding())]),
    )
    changed = built.graph_for({"lr": 0.2, "files": DataPath(LAB, "b.csv"), "place": DataPath(LAB, "cooked")})
    assert (built.graph.parameters, changed.parameters) == ({"lr": 0.1}, {"lr": 0.2})
    assert [source.paths for source in changed.data_sources.values()] == [
        ("/data/lab/b.csv",),
        ("/data/lab/cooked",),
    ]
    assert [source.paths for source in built.graph.data_sources.values()] == [("a.csv",), ("/data/lab/raw",)]


def test_the_node_count_is_a_parameter() -> None:
    ws = BareWorkspace(targets={"local": None, "box": None})
    count = PipelineParameter("n", 1)
    built = Pipeline(
        ws, PythonScriptStep("a.py", compute_target="box", runconfig_pipeline_params={"NodeCount": count})
    )
    assert built.graph_for({"n": 4}).get_node("a.py").environment.node_count == 4


def test_a_declared_target_is_not_looked_up() -> None:
    built = pipeline(step("a", compute_target=("cloud", "AmlCompute")))
    assert built.graph.get_node("a").target == "cloud"


def test_a_diamond_comes_with_its_last_step() -> None:
    raw, left, right = data("raw"), data("left"), data("right")
    step("prep", writes=[raw])
    step("l", reads=[raw], writes=[left])
    step("r", reads=[raw], writes=[right])
    built = pipeline(step("join", reads=[left, right]))
    assert [node.node_id for node in built.graph.nodes] == ["prep", "l", "r", "join"]
    assert built.graph.get_node("join").parents() == ["l", "r"]
    assert built.validate() == []


def test_data_stands_for_the_step_that_makes_it() -> None:
    clean, folder = data("clean"), OutputFileDatasetConfig("folder")
    step("prep", writes=[clean])
    step("more", writes=[folder])
    built = pipeline(clean, [folder.as_upload()])
    assert [node.name for node in built.graph.nodes] == ["prep", "more"]


def test_closure_takes_what_goes_before_without_data() -> None:
    first, last = step("first"), step("last")
    last.run_after(first)
    assert [node.name for node in pipeline(last).graph.nodes] == ["first", "last"]
    alone = pipeline(last, resolve_closure=False).graph
    assert [(node.name, node.run_after) for node in alone.nodes] == [("last", ())]


def test_a_given_step_that_makes_the_data_is_taken_before_its_last_producer() -> None:
    """In a notebook a step is constructed again and again; the list says which one is meant."""
    clean = data("clean")
    older = step("prep", writes=[clean])
    step("prep", writes=[clean])
    built = pipeline(older, step("train", reads=[clean]))
    assert [node.node_id for node in built.graph.nodes] == ["prep", "train"]


def test_a_list_implies_no_order_and_a_sequence_does() -> None:
    a, b, c, d = (step(name) for name in "abcd")
    assert [node.run_after for node in pipeline(a, [b, [c]]).graph.nodes] == [(), (), ()]
    built = pipeline(StepSequence([a, [b, c], [], d]))
    assert {node.name: node.run_after for node in built.graph.nodes} == {
        "a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"),
    }  # fmt: skip


def test_a_sequence_holds_sequences() -> None:
    a, b, c = (PipelineStep(name) for name in "abc")
    assert list(StepSequence([StepSequence([a, b]), c])) == [a, b, c]
    assert (a.run_after_steps, b.run_after_steps, c.run_after_steps) == ([], [a], [a, b])
    assert list(StepSequence()) == []


def test_names_may_stand_twice_and_ids_tell_them_apart() -> None:
    outs = [data("model") for _ in range(3)]
    built = pipeline(*(step("train", writes=[out]) for out in outs), step("compare", arguments=["x"]))
    assert [node.node_id for node in built.graph.nodes] == ["train", "train#2", "train#3", "compare"]
    assert [node.name for node in built.graph.named("train")] == ["train"]
    reader = PythonScriptStep("compare.py", inputs=[out.as_input(f"m{i}") for i, out in enumerate(outs)])
    assert pipeline(reader).graph.get_node("compare.py").parents() == ["train", "train#2", "train#3"]


def test_ids_are_the_same_at_every_build() -> None:
    steps = [step(name) for name in ("train", "train", "train#2", "data:a.csv", "train")]
    steps.append(step("read", arguments=[Dataset.File.from_files("a.csv").as_named_input("raw").as_mount()]))
    builds = [pipeline(*steps).graph for _ in range(2)]
    assert [list(built.node_dict) for built in builds] == [
        ["train", "train#2", "train#2#2", "data:a.csv", "train#3", "read"]
    ] * 2
    assert list(builds[0].data_sources) == ["data:a.csv#2"]


def test_a_step_given_twice_is_one_node() -> None:
    once = step("a")
    assert len(pipeline(once, [once, StepSequence([once])]).graph.nodes) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_list_changes_no_edge(order: tuple[int, ...]) -> None:
    raw, clean = data("raw"), data("clean")
    steps = [
        step("get", writes=[raw]),
        step("prep", reads=[raw], writes=[clean]),
        step("train", reads=[clean]),
    ]
    graph = pipeline(*(steps[number] for number in order)).graph
    assert {(edge.source_port.node_id, edge.dest_port.node_id) for edge in graph.edges} == {
        ("get", "prep"), ("prep", "train"),
    }  # fmt: skip
    assert [node.name for node in graph.topological()] == ["get", "prep", "train"]


def test_code_is_looked_for_in_the_steps_folder_then_the_pipelines_then_here() -> None:
    built = pipeline(step("a", source_directory="src"), step("b"), default_source_directory="lib")
    assert [node.source.folder for node in built.graph.nodes] == ["src", "lib"]
    assert [node.source.folder for node in pipeline(step("b")).graph.nodes] == ["."]


def test_a_circle_is_built_told_and_not_planned() -> None:
    first, second = step("a"), step("b")
    first.run_after(second)
    second.run_after(first)
    built = pipeline(first)
    assert len(built.validate()) == 1
    with pytest.raises(InvalidPipeline, match="wait for each other"):
        built.graph_for()


def test_planning_and_submitting_are_the_workspaces() -> None:
    ws = BareWorkspace()
    built = Pipeline(ws, step("a"))
    assert built.plan({"n": 1}, force=("a",)) == "the plan"
    assert built.submit("demo", continue_on_step_failure=True, tags={"x": "y"}) == "the run"
    assert ws.asked == [
        ("plan", {"pipeline_parameters": {"n": 1}, "force": ("a",)}),
        ("demo", {"pipeline_parameters": None, "continue_on_step_failure": True, "regenerate_outputs": False,
                  "tags": {"x": "y"}}),
    ]  # fmt: skip


def test_a_parameter_is_shown_in_the_command_and_its_value_kept_beside() -> None:
    built = pipeline(step("a", arguments=["--lr", RATE]))
    assert (shown(built.graph.get_node("a")), built.graph.parameters) == (["--lr", "{lr}"], {"lr": 0.1})


def test_a_damaged_build_leaves_the_steps_as_they_were() -> None:
    clean = data("clean")
    prep = step("prep", writes=[clean])
    with pytest.raises(UsageError):
        step("train", arguments=[data("other")])
    assert clean.producer is prep


@pytest.mark.parametrize("fan", [False, True])
def test_two_thousand_steps_are_built_in_order(fan: bool) -> None:
    made = [data("d") for _ in range(2000)]
    steps = [step("s", writes=made[:1])]
    for number in range(1, 2000):
        read = made[0 if fan else number - 1].as_input("before")
        steps.append(PythonScriptStep("s.py", name="s", inputs=[read], outputs=[made[number]]))
    graph = pipeline(*(steps if fan else steps[-1:])).graph_for()
    assert [node.node_id for node in graph.topological()] == [
        "s",
        *(f"s#{number}" for number in range(2, 2001)),
    ]
    assert len(graph.children("s")) == (1999 if fan else 1)
