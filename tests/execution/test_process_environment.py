"""The command line and the variables of a step's process: Azure ML v1's contract, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.core.environment import EnvironmentSpec
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.node import FolderSource, InputPort, Node, OutputPort, Piece
from nbpipe.execution.frozen import FrozenRun, FrozenStep, RunOptions
from nbpipe.execution.process_environment import (
    StepPaths,
    command_line,
    step_environment,
    submitter_environment,
)

WORKSPACE = {"workspace_name": "lab", "subscription_id": "sub", "resource_group": "group", "root": "/lab"}


def environment(base=None, values=None, paths_in=None, paths_out=None, **fields):
    node = Node("train#2", "train", "train.py", FolderSource("."), **fields)
    graph = Graph("demo")
    graph.add_node(node)
    graph.parameters = values or {}
    step = FrozenStep({}, {}, "python", Fingerprint({}))
    frozen = FrozenRun("7", "penguins", WORKSPACE, graph, {node.node_id: step}, RunOptions(), [], 0.0)
    paths = StepPaths(Path("/w/code"), paths_in or {}, paths_out or {}, Path("/w/spool"), Path("/w/runtime"))
    return step_environment(base or {}, node, frozen, paths)


def test_a_step_is_told_which_run_it_is_part_of():
    found = environment()
    assert {name: found[name] for name in found if name.startswith(("AZUREML_", "NBPIPE_"))} == {
        "AZUREML_RUN_ID": "7.train#2",
        "AZUREML_ROOT_RUN_ID": "7",
        "AZUREML_ARM_WORKSPACE_NAME": "lab",
        "AZUREML_ARM_SUBSCRIPTION": "sub",
        "AZUREML_ARM_RESOURCEGROUP": "group",
        "AZUREML_ARM_PROJECT_NAME": "penguins",
        "AZUREML_OUTPUT_DIRECTORY": "/w/code/outputs",
        "NBPIPE_WORKSPACE": "/lab",
        "NBPIPE_STEP": "train",
        "NBPIPE_SPOOL": "/w/spool",
        "NBPIPE_RUNTIME": "/w/runtime",
    }


def test_parameters_become_variables_by_their_names_with_odd_characters_replaced():
    found = environment(
        values={"lr": 0.1, "learning-rate": True, "über.name": "x y"},
        arguments=(
            (Piece("parameter", "lr"),),
            (Piece("text", "--x="), Piece("parameter", "learning-rate")),
            (Piece("parameter", "über.name"),),
        ),
        params={"fixed value": Piece("text", "7"), "Bound": Piece("parameter", "lr")},
    )
    assert {name: found[name] for name in found if name.startswith("AML_PARAMETER_")} == {
        "AML_PARAMETER_lr": "0.1",
        "AML_PARAMETER_learning_rate": "True",
        "AML_PARAMETER_über_name": "x y",
        "AML_PARAMETER_fixed_value": "7",
        "AML_PARAMETER_Bound": "0.1",
    }


def test_every_input_and_output_has_a_variable_with_its_path():
    found = environment(
        inputs=(InputPort("train", "raw", "mount", "data:raw"),),
        outputs=(OutputPort("train", "model"),),
        paths_in={"raw": "/data/raw.csv"},
        paths_out={"model": "/w/out/model"},
    )
    assert found["AZUREML_DATAREFERENCE_raw"] == "/data/raw.csv"
    assert found["AZUREML_DATAREFERENCE_model"] == "/w/out/model"
    assert "raw" not in found
    assert "AZUREML_DATASET_ENVIRONMENT_VARS" not in found


def test_a_dataset_has_variables_of_its_own_name_and_is_listed_with_its_mode():
    found = environment(
        inputs=(
            InputPort("train", "raw", "mount", "data:raw", kind="dataset"),
            InputPort("train", "ids", "direct", "data:ids", kind="dataset"),
        ),
        outputs=(OutputPort("train", "clean", kind="dataset"), OutputPort("train", "rest", kind="dataset")),
        paths_in={"raw": "/data/raw.csv", "ids": "9c02"},
        paths_out={"clean": "/w/out/clean", "rest": "/w/out/rest"},
    )
    assert {name: found[name] for name in ("raw", "RAW", "ids", "IDS", "clean", "rest")} == {
        "raw": "/data/raw.csv", "RAW": "/data/raw.csv", "ids": "9c02", "IDS": "9c02",
        "clean": "/w/out/clean", "rest": "/w/out/rest",
    }  # fmt: skip
    assert found["AZUREML_DATASET_ENVIRONMENT_VARS"] == "raw:mount,ids:direct"
    assert found["AZUREML_DATASET_FILE_OUTPUTS"] == "clean;rest"


@pytest.mark.parametrize("name", ["path", "PATH", "home", "MPLBACKEND", "AZUREML_RUN_ID", "NBPIPE_SPOOL"])
def test_a_datasets_name_never_takes_the_place_of_a_variable(name):
    base = {"PATH": "/bin", "HOME": "/home/me"}
    port = InputPort("train", name, "mount", "data:x", kind="dataset")
    found = environment(base, inputs=(port,), paths_in={name: "/data/x"})
    assert (found["PATH"], found["HOME"], found["MPLBACKEND"]) == ("/bin", "/home/me", "Agg")
    assert (found["AZUREML_RUN_ID"], found["NBPIPE_SPOOL"]) == ("7.train#2", "/w/spool")
    assert found[f"AZUREML_DATAREFERENCE_{name}"] == "/data/x"


def test_what_makes_equal_inputs_give_equal_bytes_is_set_only_where_the_user_set_none():
    found = environment()
    assert (found["MPLBACKEND"], found["PYTHONHASHSEED"], found["SOURCE_DATE_EPOCH"]) == (
        "Agg",
        "0",
        "315532800",
    )
    found = environment({"MPLBACKEND": "pdf", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"})
    assert (found["MPLBACKEND"], found["PYTHONHASHSEED"], found["SOURCE_DATE_EPOCH"]) == ("pdf", "7", "1")


def test_declared_variables_are_as_given():
    spec = EnvironmentSpec(variables={"MODE": "fast", "MPLBACKEND": "svg"})
    found = environment({"MODE": "slow"}, environment=spec)
    assert (found["MODE"], found["MPLBACKEND"]) == ("fast", "svg")


def test_what_a_kernel_added_reaches_no_step():
    kernel = {
        "JPY_PARENT_PID": "1", "JPY_SESSION_NAME": "x", "MPLBACKEND": "inline", "PYDEVD_USE_FRAME_EVAL": "NO",
        "PAGER": "cat", "GIT_PAGER": "cat", "CLICOLOR": "1", "CLICOLOR_FORCE": "1", "FORCE_COLOR": "1",
        "NBPIPE_DECLARE": "1",
    }  # fmt: skip
    kept = {"PATH": "/bin", "MY_PAGER": "less", "JPYX": "1", "LANG": "C.UTF-8"}
    assert submitter_environment({**kernel, **kept}) == kept


@pytest.mark.parametrize(
    ("word", "argv"),
    [
        ((Piece("text", "--out"),), "--out"),
        ((Piece("text", ""),), ""),
        ((Piece("text", "{clean}"),), "{clean}"),
        ((Piece("parameter", "lr"),), "0.1"),
        ((Piece("parameter", "flag"),), "True"),
        ((Piece("text", "--lr="), Piece("parameter", "lr"), Piece("text", "x")), "--lr=0.1x"),
        ((Piece("input", "clean"),), "/objects/clean.csv"),
        ((Piece("output", "model"),), "/w/out/model"),
        (
            (Piece("text", "--m="), Piece("output", "model"), Piece("text", "/a.bin")),
            "--m=/w/out/model/a.bin",
        ),
    ],
)
def test_no_placeholder_reaches_a_script(word, argv):
    node = Node("a", "a", "a.py", FolderSource("."), arguments=(word,))
    paths = StepPaths(
        Path("/w"), {"clean": "/objects/clean.csv"}, {"model": "/w/out/model"}, Path("/s"), Path("/r")
    )
    assert command_line(node, {"lr": 0.1, "flag": True}, paths) == (argv,)
