"""Late binding: what the names on a magic line mean when a plan is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbpipe.core.data import InputPortBinding, PipelineData
from nbpipe.core.dataset import Dataset, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, Datastore
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.graph import Graph
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.step import PythonScriptStep
from nbpipe.errors import InvalidPipeline
from nbpipe.notebook.binding import bind
from nbpipe.notebook.declaration import Cell, read_declaration
from nbpipe.workspace import Workspace


def pipeline_of(folder: Path, *lines: str, **variables: Any) -> Pipeline:
    declared = [read_declaration(line, "print(1)", Cell("", f"cell {n}")) for n, line in enumerate(lines, 1)]
    for each in declared:
        path = each.script_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("print(1)\n")
    return bind(declared, variables, Workspace(folder), name="pipeline", folder=folder)


def graph_of(folder: Path, *lines: str, **variables: Any) -> Graph:
    return pipeline_of(folder, *lines, **variables).graph


def problems_of(folder: Path, *lines: str, **variables: Any) -> str:
    with pytest.raises(InvalidPipeline) as caught:
        pipeline_of(folder, *lines, **variables)
    return str(caught.value)


def words(graph: Graph, step: str) -> list[str]:
    return ["".join(str(piece) for piece in word) for word in graph.get_node(step).arguments]


def test_an_output_is_read_by_its_name(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "a.py --out {>clean.csv}", "b.py --data={clean} '' {{x}}")
    assert words(graph, "b") == ["--data={clean}", "", "{x}"]
    port = graph.get_node("b").input("clean")
    assert (port.source_id, port.source_port, port.mode) == ("a", "clean", "mount")
    out = graph.get_node("a").output("clean")
    assert (out.form, out.file_name) == ("file", "clean.csv")


def test_a_step_may_be_declared_before_what_it_reads(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "b.py {clean}", "a.py {>clean}")
    assert [node.name for node in graph.topological()] == ["a", "b"]


def test_an_output_goes_before_a_variable_of_the_same_name(tmp_path: Path) -> None:
    assert graph_of(tmp_path, "a.py {>clean}", "b.py {clean}", clean=3).parameters == {}


def test_a_step_reads_a_variable_that_is_called_as_its_own_output(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "a.py {raw} {>raw}", raw=Path("x.csv"))
    assert [source.name for source in graph.data_sources.values()] == ["x.csv"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (3, 3),
        (0.5, 0.5),
        ("text", "text"),
        (True, True),
        (np.float64(0.5), 0.5),
        (np.int32(3), 3),
        (np.bool_(True), True),
    ],
)
def test_a_simple_variable_becomes_a_parameter_of_its_name_and_value(
    tmp_path: Path, value: Any, kept: Any
) -> None:
    graph = graph_of(tmp_path, "a.py --lr {lr} -x{lr}", lr=value)
    assert graph.parameters == {"lr": kept}
    assert type(graph.parameters["lr"]) is type(kept)
    assert words(graph, "a") == ["--lr", "{lr}", "-x{lr}"]


def test_one_variable_is_one_parameter_for_all_steps(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "a.py {lr}", "b.py {lr}", lr=0.1)
    assert list(graph.parameters) == ["lr"]


def test_a_parameter_object_keeps_its_own_name(tmp_path: Path) -> None:
    assert graph_of(tmp_path, "a.py {rate}", rate=PipelineParameter("lr", 0.1)).parameters == {"lr": 0.1}


@pytest.mark.parametrize("text", ["./x.csv", "x.csv"])
def test_a_text_that_names_a_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text("a")
    problem = problems_of(tmp_path, "a.py {raw}", raw=text)
    assert "its content would not be tracked" in problem
    assert "{./x.csv}" in problem


def test_a_text_that_is_also_a_folders_name_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert graph_of(tmp_path, "a.py {mode}", mode="train").parameters == {"mode": "train"}


@pytest.mark.parametrize("line", ["a.py {./data/x.csv}", "a.py {data/x.csv}", "a.py {raw}"])
def test_a_path_is_read_by_content_wherever_the_kernel_stands(tmp_path: Path, line: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x.csv").write_text("a\n")
    made = pipeline_of(tmp_path, line, raw=Path("data/x.csv"))
    graph = made.workspace.graph_of(made)
    assert [source.paths for source in graph.data_sources.values()] == [("data/x.csv",)]


@pytest.mark.parametrize(
    "value",
    [
        Dataset.File.from_files("x.csv"),
        Dataset.File.from_files("x.csv").as_mount(),
        Dataset.File.from_files("x.csv").as_named_input("other").as_download(),
        Path("x.csv"),
        DataPath(None, "x.csv"),
        Datastore(None, "lab").path("x.csv"),
        PipelineParameter("raw", Dataset.File.from_files("x.csv")),
        InputPortBinding("raw", Datastore(None, "lab").path("x.csv")),
    ],
)
def test_a_data_object_is_an_input(tmp_path: Path, value: Any) -> None:
    graph = graph_of(tmp_path, "a.py --raw {raw}", raw=value)
    assert [source.name for source in graph.data_sources.values()] == ["x.csv"]
    assert len(graph.get_node("a").inputs) == 1


@pytest.mark.parametrize("make", [lambda: PipelineData("made"), lambda: OutputFileDatasetConfig("made")])
def test_what_an_object_step_makes_is_pulled_in(tmp_path: Path, make: Any) -> None:
    (tmp_path / "object.py").write_text("print(1)\n")
    data = make()
    PythonScriptStep("object.py", arguments=[data], outputs=[data], source_directory=str(tmp_path))
    graph = graph_of(tmp_path, "a.py {raw}", raw=data)
    assert graph.get_node("a").parents() == ["object.py"]


def test_two_steps_of_one_output_are_told_apart(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "a.py {>m}", "b.py {>m}", "c.py {a.m} {b.m}")
    assert [(port.name, port.source_id) for port in graph.get_node("c").inputs] == [
        ("a_m", "a"),
        ("b_m", "b"),
    ]


def test_an_output_of_two_steps_cannot_be_read_by_its_bare_name(tmp_path: Path) -> None:
    problem = problems_of(tmp_path, "prep.py {>clean}", "prepare.py {>clean}", "c.py {clean}")
    assert problem.startswith("Two steps make {clean}: prep.py (cell 1) and prepare.py (cell 2).")
    assert "If prepare.py replaces prep.py:  %pipeline_remove prep" in problem
    assert "{prep.clean}  or  {prepare.clean}" in problem


def test_an_unknown_name_says_what_may_be_meant(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "prep.py {>clean}", "train.py {claen}") == (
        "Nothing makes {claen}. Step train (cell 2) wants it. Did you mean {clean}, made by prep?"
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.py {rate}", "Did you mean {rates}, a variable of this notebook?"),
        ("a.py {b.modle}", "Did you mean {b.model}?"),
        ("a.py {c.x}", "Nothing makes {c.x}."),
        ("a.py {data}", "{./data}"),
        ("a.py {x.csv}", "{./x.csv}"),
        ("a.py {frame}", "frame is a list."),
        ("a.py {none}", "none is a NoneType."),
        ("a.py {wholly}", "{{wholly}}"),
        ("a.py {same} {>same}", "a reads what it writes."),
        ("--runconfig nope a.py", "No RunConfiguration nope."),
        ("--compute-target {nope} a.py", "No variable nope."),
        ("--compute-target gpu_box a.py", "No compute target gpu_box."),
    ],
)
def test_what_cannot_be_bound_is_told(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "x.csv").write_text("a")
    assert says in problems_of(tmp_path, line, "b.py {>model}", rates=0.1, frame=[1], none=None)


def test_all_problems_of_all_steps_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        pipeline_of(tmp_path, "a.py {one} {two}", "b.py {three}", "--compute-target gone c.py")
    assert [problem.step for problem in caught.value.problems] == ["a", "a", "b", "c"]


def test_a_name_that_stands_twice_on_a_line_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        pipeline_of(tmp_path, "--params lr a.py {lr} --again {lr}")
    assert len(caught.value.problems) == 1


def test_options_reach_the_node(tmp_path: Path) -> None:
    config = RunConfiguration()
    config.environment_variables["A"] = "1"
    line = (
        "--runconfig rc --no-reuse --version 3 --env B=2 --env C --secret KEY --gpus 1 --memory 1G --timeout 9s "
        "--retries 2 --params lr --params mode=fast --python other a.py"
    )
    graph = graph_of(tmp_path, line, rc=config, lr=0.5)
    node = graph.get_node("a")
    spec = node.environment
    assert (node.allow_reuse, node.version) == (False, "3")
    assert {name: str(piece) for name, piece in node.params.items()} == {"lr": "{lr}", "mode": "fast"}
    assert (spec.python, dict(spec.variables), spec.inherited, spec.secrets) == (
        "other",
        {"A": "1", "B": "2"},
        ("C",),
        ("KEY",),
    )
    resources = spec.resources
    assert (resources.gpus, resources.memory, resources.timeout, resources.retries) == (1, 2**30, 9.0, 2)
    assert config.environment_variables == {"A": "1"}
    assert graph.parameters == {"lr": 0.5}


def test_data_beside_the_command_line_are_ports(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "--outputs x.csv a.py", "--inputs x,./y --outputs z/ b.py")
    assert [port.name for port in graph.get_node("b").inputs] == ["x", "y"]
    assert [(port.name, port.form) for port in graph.get_node("b").outputs] == [("z", "folder")]


def test_a_source_directory_is_the_code(tmp_path: Path) -> None:
    made = pipeline_of(tmp_path, "--source-directory src a.py {>x}")
    assert made.workspace.graph_of(made).get_node("a").source.folder == "src"
    assert (tmp_path / "src/a.py").exists()


def test_a_name_on_both_sides_is_an_input_and_an_output(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "a.py {>x}", "b.py {a.x} {>x}")
    node = graph.get_node("b")
    assert [port.name for port in node.inputs] == ["INPUT_x"]
    assert words(graph, "b") == ["{INPUT_x}", "{>x}"]


def test_an_object_step_reads_what_a_cells_step_makes(tmp_path: Path) -> None:
    made = pipeline_of(tmp_path, "a.py {>clean}")
    (tmp_path / "object.py").write_text("print(1)\n")
    clean = made.steps[0].outputs["clean"]
    last = PythonScriptStep("object.py", arguments=[clean], inputs=[clean], source_directory=str(tmp_path))
    assert [node.node_id for node in Pipeline(made.workspace, last).graph.topological()] == ["a", "object.py"]
