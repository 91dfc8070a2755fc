"""Datasets, data paths and references: what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbpipe.core.data import PipelineData, origin, port_name
from nbpipe.core.dataset import Dataset, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, DataReference, Datastore

LAB = Datastore(None, "lab", root="/data/lab/")
HERE = Datastore(None, "here")


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("data/*.csv", ("data/*.csv",)), (Path("a") / "b.csv", (str(Path("a") / "b.csv"),)),
        ((LAB, "raw/a.csv"), ("/data/lab/raw/a.csv",)), ((HERE, "a.csv"), ("a.csv",)),
        (DataPath(LAB, "/raw"), ("/data/lab/raw",)), (DataPath(None, "raw"), ("raw",)),
        (LAB.path("raw"), ("/data/lab/raw",)),
        (["a.csv", (LAB, "b.csv")], ("a.csv", "/data/lab/b.csv")),
    ],
)  # fmt: skip
def test_paths_of_every_form(given: Any, paths: tuple[str, ...]) -> None:
    assert Dataset.File.from_files(given).paths == paths


def test_a_reference_is_named_for_its_path_or_its_store() -> None:
    assert LAB.path("raw/a.csv").data_reference_name == "raw_a_csv"
    assert LAB.path().data_reference_name == "lab"
    assert str(DataReference(LAB, "penguins", "raw")) == "$AZUREML_DATAREFERENCE_penguins"
    assert (DataPath(LAB).datastore_name, DataPath().datastore_name) == ("lab", None)


def test_a_datastore_is_found_by_its_workspace() -> None:
    class OneStore:
        def get_datastore(self, name: str) -> Datastore:
            return Datastore(self, name, root="/data/lab")

        def get_default_datastore(self) -> Datastore:
            return self.get_datastore("workspaceblobstore")

    assert Datastore.get(OneStore(), "lab").name == "lab"
    assert Datastore.get_default(OneStore()).name == "workspaceblobstore"


def test_a_name_in_an_environment_variable_is_the_datas_name() -> None:
    named = PipelineData("clean", output_name="result")
    assert (named.get_env_variable_name(), port_name(named)) == ("AZUREML_DATAREFERENCE_clean", "result")


def test_every_copy_stands_for_one_output() -> None:
    out = OutputFileDatasetConfig("clean")
    copies = [out.as_upload(), out.as_mount(), out.register_on_complete("x"), out.as_upload().as_mount()]
    assert all(origin(copy) is out for copy in copies)
    assert all(copy.as_input().dataset is out for copy in copies)
