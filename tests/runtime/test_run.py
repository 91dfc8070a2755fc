"""`Run` is whole inside a step, and the same calls work outside one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from nbpipe.errors import NbpipeError, UnknownName, UsageError
from nbpipe.runtime.metrics import fold
from nbpipe.runtime.run import Run
from nbpipe.runtime.spool import Spool

VARIABLES = {
    "AZUREML_RUN_ID": "7_train",
    "AZUREML_ROOT_RUN_ID": "7",
    "AZUREML_ARM_WORKSPACE_NAME": "home",
    "AZUREML_ARM_PROJECT_NAME": "demo",
    "AZUREML_ARM_SUBSCRIPTION": "sub",
    "AZUREML_ARM_RESOURCEGROUP": "group",
    "NBPIPE_STEP": "train",
    "NBPIPE_WORKSPACE": "/home/me/project",
    "AZUREML_DATASET_ENVIRONMENT_VARS": "raw:mount,table:direct",
    "raw": "/data/raw",
    "table": "42",
    "AZUREML_DATASET_FILE_OUTPUTS": "clean;model",
    "clean": "/out/clean",
    "AZUREML_DATAREFERENCE_model": "/out/model",
}


class Figure:
    """Whatever has savefig."""

    def savefig(self, target, format: str) -> None:  # noqa: A002 - matplotlib's name
        target.write(format.encode())


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NBPIPE_SPOOL", str(tmp_path / "spool"))
    monkeypatch.chdir(tmp_path)
    return Spool(str(tmp_path / "spool"))


@pytest.fixture(params=["inside", "outside"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    if request.param == "inside":
        request.getfixturevalue("spool")
    return Run.get_context()


def test_a_run_inside_a_step_knows_who_it_is(spool: Spool):
    run = Run.get_context(allow_offline=False)
    assert (run.id, run.name, run.number, run.status) == ("7_train", "train", 7, "Running")
    assert (run.parent.id, run.parent.name, run.parent.parent) == ("7", "demo", None)
    assert run.experiment.name == "demo"
    workspace = run.experiment.workspace
    assert (workspace.name, workspace.subscription_id, workspace.resource_group) == ("home", "sub", "group")
    assert workspace.root == "/home/me/project"
    assert run.get_details()["runId"] == "7_train"


def test_a_run_inside_a_step_knows_its_datasets(spool: Spool):
    run = Run.get_context()
    assert run.input_datasets == {"raw": "/data/raw", "table": "42"}
    assert run.output_datasets == {"clean": "/out/clean", "model": "/out/model"}
    with pytest.raises(UnknownName, match="no input dataset rwa") as error:
        run.input_datasets["rwa"]
    assert "It has: raw, table" in str(error.value)


def test_everything_v1_calls_works_inside_and_outside(run: Run):
    Path("f.txt").write_text("x")
    Path("folder/sub").mkdir(parents=True)
    Path("folder/sub/g.txt").write_text("y")
    run.log("acc", 0.5, description="d")
    run.log("acc", 0.75, step=2)
    run.log_list("l", [1, 2])
    run.log_row("r", epoch=1, loss=0.5)
    run.log_row("r", epoch=2, loss=0.25)
    run.log_table("t", {"x": [1, 2]})
    run.log_confusion_matrix("m", {"a": 1})
    run.log_image("plot / one", plot=Figure())
    run.log_image("plot / one", plot=Figure())
    run.upload_file("outputs/f.txt", "f.txt")
    run.upload_files(["a", "b"], ["f.txt", "f.txt"], timeout_seconds=3)
    run.upload_folder("tree", "folder")
    run.register_model("best", "f.txt", tags={"k": "v"})
    run.tag("quick")
    run.set_tags({"a": 1, "b": 2})
    run.remove_tags(["b"])
    run.add_properties({"p": "q"})
    run.flush()
    assert run.get_metrics() == {
        "acc": [0.5, 0.75],
        "l": [1, 2],
        "r": {"epoch": [1, 2], "loss": [0.5, 0.25]},
        "t": {"x": [1, 2]},
        "m": {"a": 1},
        "plot / one": ["plot_one.png", "plot_one_2.png"],
    }
    assert run.get_metrics("l") == {"l": [1, 2]}
    names = [
        "a",
        "b",
        "models/best/f.txt",
        "outputs/f.txt",
        "plot_one.png",
        "plot_one_2.png",
        "tree/sub/g.txt",
    ]
    assert run.get_file_names() == names
    assert (run.get_tags(), run.tags) == ({"quick": None, "a": 1}, {"quick": None, "a": 1})
    assert run.get_properties() == run.properties == {"p": "q"}
    run.complete()
    assert run.get_status() == "Completed"


def test_what_goes_to_the_parent_stays_apart(run: Run):
    run.log("x", 1)
    run.parent.log("x", 2)
    run.parent.tag("t", "v")
    if run.parent.get_metrics():
        assert run.parent.get_metrics() == {"x": 2}
    assert run.get_metrics() == {"x": 1}
    assert run.get_tags() == {}


def test_the_runner_reads_what_the_script_left(spool: Spool):
    with Run.get_context() as run:
        run.log("x", 1)
        run.parent.log("y", 2)
        run.register_model("m", _file("model.bin"), description="the best")
    records = spool.records()
    assert (fold(records), fold(records, "parent")) == ({"x": 1}, {"y": 2})
    assert [record["record"] for record in records] == ["metric", "metric", "file", "model", "complete"]
    assert {**records[3], "time": 0} == {
        "record": "model",
        "time": 0,
        "run": "step",
        "name": "m",
        "file": "models/m/model.bin",
        "tags": {},
        "properties": {},
        "framework": None,
        "framework_version": None,
        "description": "the best",
    }


def _file(name: str) -> str:
    Path(name).write_bytes(b"model")
    return name


def test_a_block_that_raises_marks_the_run_failed(spool: Spool):
    with pytest.raises(ZeroDivisionError), Run.get_context():
        _ = 1 / 0
    assert spool.records()[-1]["details"] == "ZeroDivisionError: division by zero"


def test_a_model_may_be_a_folder_or_an_uploaded_file(run: Run, tmp_path: Path):
    Path("saved/deep").mkdir(parents=True)
    Path("saved/deep/w").write_text("x")
    assert run.register_model("m", "saved").file == "models/m/saved"
    run.upload_file("outputs/x.pkl", _file("x.pkl"))
    assert run.register_model("n", "outputs/x.pkl").file == "outputs/x.pkl"
    with pytest.raises(UsageError, match="No file nowhere"):
        run.register_model("o", "nowhere")


def test_wrong_calls_are_refused_clearly(run: Run):
    for call in (
        lambda: run.log("", 1),
        lambda: run.log("x", [1]),
        lambda: run.log_list("x", 1),
        lambda: run.log_image("x"),
        lambda: run.log_image("x", path="a", plot=Figure()),
        lambda: run.upload_files(["a"], []),
        lambda: run.upload_folder("a", "nowhere"),
    ):
        with pytest.raises(UsageError):
            call()
    run.add_properties({"p": 1})
    run.add_properties({"p": 1})
    with pytest.raises(UsageError, match="cannot change"):
        run.add_properties({"p": 2})


def test_what_v1_has_and_a_script_cannot_do_is_absent(run: Run):
    with pytest.raises(AttributeError):
        run.submit_child(None)


def test_outside_a_step_a_full_run_can_be_demanded():
    assert "NBPIPE_SPOOL" not in os.environ
    with pytest.raises(NbpipeError, match="outside any step"):
        Run.get_context(allow_offline=False)
    offline = Run.get_context()
    assert (offline.id, offline.name) == ("OfflineRun", Path(sys.argv[0]).name)
    assert (offline.input_datasets, offline.output_datasets) == ({}, {})


def test_outside_a_step_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run = Run.get_context()
    run.log("x", 1)
    run.log_image("p", plot=Figure())
    assert list(tmp_path.iterdir()) == []
