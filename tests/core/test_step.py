"""Steps: Azure ML v1's rules at construction, names that are the same at every build, arguments as words."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

from nbpipe.core.argument import Joined
from nbpipe.core.compute import ComputeTarget
from nbpipe.core.data import InputPortBinding, OutputPortBinding, PipelineData
from nbpipe.core.dataset import Dataset, DatasetConsumptionConfig, OutputFileDatasetConfig
from nbpipe.core.datastore import DataPath, DataPathComputeBinding, DataReference, Datastore
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.graph import FolderSource, Graph, Piece
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.sequence import PipelineStep
from nbpipe.core.step import PythonScriptStep
from nbpipe.errors import InvalidPipeline, UsageError
from tests.core.workspaces import BareWorkspace, data, shown, step

LAB = Datastore(None, "lab", root="/data/lab")
PENGUINS = Dataset.File.from_files("penguins.csv")
RATE = PipelineParameter("lr", 0.1)
PLACE = PipelineParameter("place", DataPath(LAB, "raw"))


def made(*arguments: Any, **options: Any) -> PythonScriptStep:
    return PythonScriptStep("train.py", name="train", arguments=arguments, **options)


def words(of: PythonScriptStep) -> list[str]:
    """The words of a step's command line; what it reads from other steps stands in the graph already."""
    graph = Graph()
    for each in of.inputs.values():
        producer = getattr(each.data, "producer", None)
        if producer is not None:
            producer.create_node(graph)
    return shown(of.create_node(graph))


def test_the_callers_list_of_arguments_stays_the_callers() -> None:
    given = ["--lr", RATE]
    step = PythonScriptStep("train.py", arguments=given)
    given.append("later")
    assert step.arguments == ["--lr", RATE]


def after_itself(of: PythonScriptStep) -> None:
    of.run_after(of)


AT_CONSTRUCTION = {
    "no script": (lambda: PythonScriptStep(""), "script_name is a text"),
    "a script that is no text": (lambda: PythonScriptStep(3), "script_name is a text"),
    "an argument in neither list": (lambda: made(data("clean")), "clean is an argument of step train"),
    "a binding in neither list": (
        lambda: made(data("clean").as_mount()),
        "clean is an argument of step train",
    ),
    "a reference in neither list": (lambda: made(LAB.path("raw")), "raw is an argument of step train"),
    "a placeholder of unknown data": (
        lambda: made("--x=$AZUREML_DATAREFERENCE_gone"),
        "$AZUREML_DATAREFERENCE_gone is an argument of step train",
    ),
    "a bare dataset as argument": (lambda: made(PENGUINS), "as_named_input"),
    "a bare dataset as input": (lambda: made(inputs=[PENGUINS]), "as_named_input"),
    "an argument of another type": (lambda: made([1, 2]), "has [1, 2] among its arguments"),
    "a path as argument": (lambda: made(None), "has None among its arguments"),
    "an input of another type": (lambda: made(inputs=["raw"]), "has 'raw' among its inputs"),
    "an output of another type": (lambda: made(outputs=["model"]), "has 'model' among its outputs"),
    "an input binding as output": (lambda: made(outputs=[data("x").as_input("y")]), "among its outputs"),
    "an input bound to nothing": (lambda: made(inputs=[InputPortBinding("raw")]), "is bound to nothing"),
    "two outputs of one name": (lambda: made(outputs=[data("x"), data("x")]), "two outputs named x"),
    "two inputs of one name": (lambda: made(inputs=[data("x"), data("x")]), "two inputs named x"),
    "a value of params": (lambda: made(params={"lr": [0.1]}), "params['lr'] of step train is [0.1]"),
    "a property that is no parameter": (
        lambda: made(runconfig_pipeline_params={"NodeCount": 2}),
        "runconfig_pipeline_params['NodeCount']",
    ),
    "a property that is in params too": (
        lambda: made(params={"lr": 1}, runconfig_pipeline_params={"NodeCount": PipelineParameter("lr", 1)}),
        "is in params already",
    ),
    "one name for two things": (
        lambda: made(RATE, params={"lr": 3}),
        "binds the name lr to two different things",
    ),
    "a data parameter without a binding": (lambda: made(PLACE), "among its arguments"),
    "a binding of a plain parameter": (lambda: made((RATE, DataPathComputeBinding())), "among its arguments"),
    "a step after itself": (lambda: after_itself(made()), "cannot run after itself"),
    "a port name": (lambda: data("clean data"), "'clean data' is no name"),
    "a port name of other letters": (lambda: data("straße"), "is no name"),
    "a port name with a line end": (lambda: data("clean\n"), "is no name"),
    "a dataset name": (lambda: PENGUINS.as_named_input("1st"), "not first a digit"),
    "an output dataset name": (lambda: OutputFileDatasetConfig("a-b"), "is no name"),
    "an output mode": (lambda: data("x", output_mode="direct"), "Modes are: mount, upload"),
    "an input mode": (
        lambda: InputPortBinding("x", data("x"), "upload"),
        "Modes are: mount, download, direct",
    ),
    "a None default": (lambda: PipelineParameter("lr", None), "PipelineParameter lr has the default None"),
    "a list default": (lambda: PipelineParameter("lr", [1]), "A default is an int, float, bool, str"),
    "a parameter without a name": (lambda: PipelineParameter("", 1), "name is a text"),
    "no path": (lambda: Dataset.File.from_files([]), "got no path"),
    "an empty path": (lambda: Dataset.File.from_files(""), "got no path"),
    "a path of another type": (lambda: Dataset.File.from_files(3), "3 is no path"),
    "a partition format": (lambda: Dataset.File.from_files("a", partition_format="x"), "not supported"),
    "an output's source": (lambda: OutputFileDatasetConfig(source="out"), "not supported"),
    "an environment word": (lambda: RunConfiguration(environment="some"), "imports, full, none"),
}


@pytest.mark.parametrize("case", AT_CONSTRUCTION)
def test_construction_refuses(case: str) -> None:
    build, told = AT_CONSTRUCTION[case]
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        build()
    assert isinstance(caught.value, UsageError)


def test_as_upload_of_pipeline_data_does_not_exist() -> None:
    assert not hasattr(data("x"), "as_upload")


def test_hash_paths_warns_and_does_nothing() -> None:
    with pytest.warns(DeprecationWarning, match="hash_paths has no effect"):
        noted = PythonScriptStep("train.py", hash_paths=["a"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = PythonScriptStep("train.py")
    assert plain.create_node(Graph()) == noted.create_node(Graph())


def test_a_step_is_named_for_its_script() -> None:
    assert (made().name, PythonScriptStep("a/b.py").name, made().step_type) == (
        "train",
        "a/b.py",
        "PythonScriptStep",
    )


def test_the_callers_lists_are_left_alone() -> None:
    arguments, inputs, outputs = ["--in", PENGUINS.as_named_input("raw").as_mount()], [], []
    PythonScriptStep("a.py", arguments=arguments, inputs=inputs, outputs=outputs)
    assert (len(arguments), inputs, outputs) == (2, [], [])


def test_an_unnamed_output_is_named_by_step_and_position() -> None:
    def build() -> list[str]:
        first, second = OutputFileDatasetConfig(), OutputFileDatasetConfig()
        return list(PythonScriptStep("my prep.py", arguments=[second], outputs=[data("x"), first]).outputs)

    assert build() == build() == ["x", "my_prep_py_output2", "my_prep_py_output3"]


def test_an_unnamed_input_has_the_outputs_name_or_its_position() -> None:
    out = OutputFileDatasetConfig("clean")
    made(outputs=[out])
    reader = made(out.as_input(), PENGUINS.as_mount(), Dataset.File.from_files("b.csv").as_download())
    assert list(reader.inputs) == ["clean", "input_2", "input_3"]
    assert words(reader) == ["{clean}", "{input_2}", "{input_3}"]


@pytest.mark.parametrize(
    ("original", "change", "attribute"),
    [
        (OutputFileDatasetConfig("x"), lambda it: it.as_upload(), "mode"),
        (OutputFileDatasetConfig("x").as_upload(), lambda it: it.as_mount(), "mode"),
        (OutputFileDatasetConfig("x"), lambda it: it.register_on_complete("y"), "registered_as"),
        (PENGUINS.as_named_input("x"), lambda it: it.as_mount(), "mode"),
        (PENGUINS.as_named_input("x"), lambda it: it.as_download(), "mode"),
        (PENGUINS.as_mount(), lambda it: it.as_direct(), "mode"),
        (PENGUINS.as_mount(), lambda it: it.as_named_input("x"), "name"),
        (LAB.path("raw"), lambda it: it.as_download(), "mode"),
        (LAB.path("raw").as_download(), lambda it: it.as_mount(), "mode"),
    ],
)
def test_as_methods_return_copies(original: Any, change: Any, attribute: str) -> None:
    before = getattr(original, attribute)
    copy = change(original)
    assert copy is not original
    assert type(copy) is type(original)
    assert getattr(original, attribute) == before != getattr(copy, attribute)


def test_a_copy_of_an_output_is_the_same_output() -> None:
    out = OutputFileDatasetConfig()
    writer = made("--out", out.as_upload(), outputs=[out.as_upload()])
    reader = made("--in", out.as_input("got"))
    assert out.producer is writer
    assert (list(writer.outputs), words(writer)) == (["train_output1"], ["--out", "{>train_output1}"])
    assert reader.inputs["got"].data is out


def test_an_input_with_the_name_of_an_output_is_renamed() -> None:
    theirs, ours = data("model"), data("model")
    made(outputs=[theirs])
    tuned = made("--from", theirs, "--to", ours, inputs=[theirs], outputs=[ours])
    assert list(tuned.inputs) == ["INPUT_model"]
    assert words(tuned) == ["--from", "{INPUT_model}", "--to", "{>model}"]


def test_a_renamed_binding_is_found_in_the_arguments() -> None:
    theirs, ours = data("model"), data("model")
    made(outputs=[theirs])
    binding = theirs.as_download("model")
    tuned = made(binding, inputs=[binding], outputs=[ours])
    assert words(tuned) == ["{INPUT_model}"]
    assert tuned.inputs["INPUT_model"].mode == "download"


def test_an_output_name_stands_for_the_data() -> None:
    clean = PipelineData("clean", output_name="result")
    writer = made("--out", clean, f"--log={clean}.log", outputs=[clean])
    assert words(writer) == ["--out", "{>result}", "--log={>result}.log"]
    assert words(made(clean, str(clean), inputs=[clean])) == ["{result}", "{result}"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a", 1, 2.5, True, ""], ["a", "1", "2.5", "True", ""]),
        ([RATE], ["{lr}"]),
        (["parameter:rate", "parameter:k"], ["{lr}", "7"]),
        (["parameter:unknown", "xparameter:k"], ["parameter:unknown", "xparameter:k"]),
        (["$AZUREML_DATAREFERENCE_out"], ["{>out}"]),
        (["--o=$AZUREML_DATAREFERENCE_out/a.csv"], ["--o={>out}/a.csv"]),
        ([Joined(("--lr=", RATE))], ["--lr={lr}"]),
    ],
)
def test_arguments_become_words(arguments: list[Any], expected: list[str]) -> None:
    out = data("out")
    assert words(made(*arguments, outputs=[out], params={"rate": RATE, "k": 7})) == expected


def test_neighbouring_texts_are_one() -> None:
    node = made(Joined(("a", "b", RATE, "c", ""))).create_node(Graph())
    assert node.arguments == ((Piece("text", "ab"), Piece("parameter", "lr"), Piece("text", "c")),)


def test_numbers_of_other_libraries_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert words(made(numpy.int64(3), numpy.float64(0.5))) == ["3", "0.5"]


def test_datasets_in_arguments_are_inputs_without_being_listed() -> None:
    raw = PENGUINS.as_named_input("raw").as_mount()
    assert list(made(raw, raw, inputs=[raw]).inputs) == ["raw"]
    assert made(raw).inputs["raw"].kind == "dataset"
    bound = made((PLACE, DataPathComputeBinding("download")))
    assert (bound.inputs["place"].mode, words(bound)) == ("download", ["{place}"])


def test_the_same_dataset_input_made_twice_is_one_input() -> None:
    twice = made(
        PENGUINS.as_named_input("raw").as_mount(), inputs=[PENGUINS.as_named_input("raw").as_mount()]
    )
    assert list(twice.inputs) == ["raw"]


def test_a_binding_names_what_it_binds() -> None:
    reference = DataReference(LAB, path_on_datastore="raw/a.csv")
    reader = made(
        inputs=[
            InputPortBinding("files", PENGUINS, "download"),
            InputPortBinding("named", PENGUINS.as_named_input("other")),
            InputPortBinding("place", reference),
        ]
    )
    graph = Graph()
    reader.create_node(graph)
    assert [(port.name, port.mode) for port in graph.nodes[0].inputs] == [
        ("files", "download"), ("named", "mount"), ("place", "mount"),
    ]  # fmt: skip
    assert {source.paths for source in graph.data_sources.values()} == {
        ("penguins.csv",),
        ("/data/lab/raw/a.csv",),
    }


def test_pipeline_data_as_dataset_is_written_and_read() -> None:
    clean = data("clean").as_dataset()
    writer = made("--out", clean, outputs=[clean])
    reader = made("--in", clean.as_named_input("got").as_download())
    assert (words(writer), list(writer.inputs)) == (["--out", "{>clean}"], [])
    assert (list(reader.inputs), reader.inputs["got"].mode) == (["got"], "download")


def test_an_output_binding_is_an_output() -> None:
    port = OutputPortBinding("model", is_directory=True)
    node = made("--to", port, outputs=[port]).create_node(Graph())
    assert (shown(node), node.output("model").form) == (["--to", "{>model}"], "folder")


def test_forms_of_outputs() -> None:
    outs = [
        data("a"),
        data("b", is_directory=True),
        data("c", form="file", file_name="c.csv"),
        OutputFileDatasetConfig("d"),
    ]
    node = made(outputs=outs).create_node(Graph())
    assert [(port.form, port.file_name, port.kind) for port in node.outputs] == [
        ("any", "a", "data"), ("folder", "b", "data"), ("file", "c.csv", "data"), ("folder", "d", "dataset"),
    ]  # fmt: skip


def test_a_destination_is_a_path_on_its_datastore() -> None:
    out = OutputFileDatasetConfig("clean", destination=(LAB, "runs/{run-id}")).register_on_complete(
        "penguins"
    )
    port = made(outputs=[out]).create_node(Graph()).output("clean")
    assert (port.destination, port.registered_as) == ("/data/lab/runs/{run-id}", "penguins")


@pytest.mark.parametrize(
    ("target", "runconfig_target", "expected"),
    [
        (None, "local", "local"), ("gpu-box", "local", "gpu-box"), (None, "gpu-box", "gpu-box"),
        (("gpu-box", "VirtualMachine"), "local", "gpu-box"), (ComputeTarget(None, "gpu-box"), "local", "gpu-box"),
        ("local", "gpu-box", "local"), (None, ComputeTarget(None, "gpu-box"), "gpu-box"),
    ],
)  # fmt: skip
def test_the_target_is_the_steps_then_the_run_configurations(
    target: Any, runconfig_target: Any, expected: str
) -> None:
    runconfig = RunConfiguration()
    runconfig.target = runconfig_target
    assert made(compute_target=target, runconfig=runconfig).create_node(Graph()).target == expected


def test_create_node_builds_a_graph_step_by_step() -> None:
    clean = data("clean")
    prep, train = step("prep", writes=[clean]), step("train", reads=[clean], source_directory="src")
    train.run_after(prep)
    graph = Graph("demo")
    prep.create_node(graph, None, None)
    node = train.create_node(graph)
    assert (node.parents(), node.run_after, node.source) == (["prep"], ("prep",), FolderSource("src"))
    assert [(edge.source_port.name, edge.dest_port.name) for edge in graph.edges] == [("clean", "clean")]


def test_create_node_wants_the_producer_first() -> None:
    clean = data("clean")
    step("prep", writes=[clean])
    for reader in (step("train", reads=[clean]), step("train", reads=[data("nowhere")])):
        with pytest.raises(InvalidPipeline, match="Nothing makes") as caught:
            reader.create_node(Graph())
        assert "Step train wants it" in str(caught.value)


def test_a_step_is_one_node() -> None:
    graph = Graph()
    prep = step("prep")
    prep.create_node(graph)
    with pytest.raises(UsageError, match="has a node prep already"):
        prep.create_node(graph)


def test_run_after_counts_once() -> None:
    first, second = PipelineStep("a"), PipelineStep("b")
    second.run_after(first)
    second.run_after(first)
    assert second.run_after_steps == [first]


def test_a_dataset_behind_a_parameter_is_an_input() -> None:
    chosen = PipelineParameter("files", PENGUINS)
    reader = made(DatasetConsumptionConfig("raw", chosen).as_mount())
    graph = Graph()
    reader.create_node(graph)
    assert [source.name for source in graph.data_sources.values()] == ["penguins.csv"]
    assert graph.parameters == {}


def test_a_copy_of_an_output_goes_to_a_folder_and_to_no_url() -> None:
    lake = Datastore(None, "lake", "s3://bucket/penguins")
    out = OutputFileDatasetConfig("model", destination=(lake, "models/{run-id}"))
    step = PythonScriptStep("train.py", "train", [out], source_directory="train", outputs=[out])
    with pytest.raises(InvalidPipeline, match="which is no folder of this machine"):
        Pipeline(BareWorkspace(), [step]).graph_for()
