"""Where an attempt works: what its script finds there, and what is kept of what it leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset, OutputFileDatasetConfig
from nbpipe.core.parameter import PipelineParameter
from tests.projects import COPY, planned, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner


TELL = "import json, os, sys\nprint(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), 'cwd': os.getcwd()}))\n"


def told(run, step="one") -> dict:
    return json.loads(run.step(step).get_stdout_log())


# What the script finds.


def test_every_kind_of_argument_reaches_the_script_as_v1_says(project):
    project.write("raw.csv", "1\n")
    project.write("data/a.csv", "1\n")
    made, folder = PipelineData("made"), OutputFileDatasetConfig("folder")
    prep = project.cell("prep", "import sys\nopen(sys.argv[1], 'w').write('x')\nopen(sys.argv[2] + '/y', 'w')\n",
                        arguments=[made, folder], outputs=[made])  # fmt: skip
    out, place = PipelineData("out"), OutputFileDatasetConfig("place")
    single = Dataset.File.from_files("raw.csv").as_named_input("single")
    several = Dataset.File.from_files("data/*.csv").as_named_input("several")
    lr = PipelineParameter("lr", 0.1)
    arguments = [
        "--text", 3, 1.5, lr, "parameter:k", "parameter:unknown", out, place, made, folder.as_input(),
        single.as_mount(), several.as_mount(), single.as_named_input("copy").as_download(),
        single.as_named_input("id").as_direct(), str(made),
    ]  # fmt: skip
    step = project.cell(
        "one", TELL + "open(sys.argv[7], 'w')\nassert os.path.isdir(sys.argv[8])\n", arguments=arguments,
        inputs=[made], outputs=[out], params={"k": 7},
    )  # fmt: skip
    run = project.run(prep, step, pipeline_parameters={"lr": 0.2})
    assert words(run) == {"prep": "done", "one": "done"}, story(run)
    argv = told(run)["argv"]
    assert argv[:6] == ["--text", "3", "1.5", "0.2", "7", "parameter:unknown"]
    found = dict(
        zip(
            ("out", "place", "made", "folder", "single", "several", "copy", "id", "text"),
            argv[6:],
            strict=True,
        )
    )
    assert Path(found["made"]) == run.step("prep").get_output("made").path
    assert found["text"] == found["made"]
    assert Path(found["folder"]) == run.step("prep").get_output("folder").path
    assert found["single"] == str(project.root / "raw.csv")
    assert found["several"].endswith("/in/several")
    assert found["copy"].endswith("/in/copy/raw.csv")
    assert len(found["id"]) == 64
    environment = told(run)["env"]
    assert environment["AML_PARAMETER_lr"] == "0.2"
    assert environment["AML_PARAMETER_k"] == "7"
    assert environment["single"] == environment["SINGLE"] == found["single"]
    assert environment["AZUREML_DATAREFERENCE_made"] == found["made"]


def test_a_step_works_in_a_private_copy_of_its_code(project):
    project.write("src/one/near.txt", "beside")
    script = (
        TELL
        + "assert open('near.txt').read() == 'beside'\nopen('near.txt', 'w').write('x')\nopen('new', 'w')\n"
    )
    run = project.run(project.folder_step("one", script))
    assert words(run) == {"one": "done"}
    cwd = Path(told(run)["cwd"])
    assert cwd.is_relative_to(project.root / ".nbpipe" / "runs" / "1")
    assert not cwd.exists()
    assert (project.root / "src/one/near.txt").read_text("utf-8") == "beside"
    assert sorted(path.name for path in (project.root / "src/one").iterdir()) == ["near.txt", "one.py"]


def test_files_keep_their_executable_bit_in_the_copy(project):
    tool = project.write("src/one/tool.sh", "#!/bin/sh\necho from the tool\n")
    tool.chmod(0o755)
    run = project.run(
        project.folder_step("one", "import subprocess\nsubprocess.run(['./tool.sh'], check=True)\n")
    )
    assert run.step("one").get_stdout_log() == "from the tool\n"


def test_the_modules_a_cell_imports_and_what_it_takes_along_lie_beside_it(project):
    project.write("helpers.py", "import lib.deep\nNAME = lib.deep.NAME\n")
    project.write("lib/__init__.py", "")
    project.write("lib/deep.py", "NAME = 'deep'\n")
    project.write("extra/table.txt", "table")
    project.write("words.txt", "words")
    script = "import helpers\nprint(helpers.NAME, open('words.txt').read(), open('extra/table.txt').read())\n"
    run = project.run(project.cell("one", script, extra=["words.txt", "extra"]))
    assert run.step("one").get_stdout_log() == "deep words table\n"


def test_what_a_kernel_added_and_nothing_else_is_missing_from_a_steps_environment(project, monkeypatch):
    for name, value in {
        "JPY_PARENT_PID": "1",
        "MPLBACKEND": "inline",
        "PAGER": "cat",
        "MINE": "kept",
    }.items():
        monkeypatch.setenv(name, value)
    environment = told(project.run(project.cell("one", TELL)))["env"]
    assert environment["MINE"] == "kept"
    assert environment["MPLBACKEND"] == "Agg"
    assert not environment.keys() & {"JPY_PARENT_PID", "PAGER"}
    assert environment["PATH"] == os.environ["PATH"]


def test_a_mounted_input_cannot_be_written_and_a_downloaded_one_is_private(project):
    data = PipelineData("data")
    prep = project.cell("prep", COPY, arguments=[data], outputs=[data])
    change = "import sys\nopen(sys.argv[1], 'a').write('more')\n"
    run = project.run(
        prep, project.cell("copy", change, arguments=[data.as_download()], inputs=[data.as_download()])
    )
    assert words(run) == {"prep": "done", "copy": "done"}
    assert project.text(run, "prep", "data") == ""
    path = run.step("prep").get_output("data").path
    assert path.stat().st_mode & 0o222 == 0


# What is kept.


def test_outputs_of_every_form_are_taken_into_the_store(project):
    script = (
        "import os, sys\nopen(sys.argv[1], 'w').write('file')\nopen(sys.argv[2] + '/a', 'w').write('folder')\n"
        "os.makedirs(sys.argv[3] + '/deep')\nopen(sys.argv[3] + '/deep/b', 'w').write('any')\n"
    )
    run = project.run(project.cell("one", script, "{>file.txt} {>folder/} {>any}"))
    outputs = run.step("one").get_outputs()
    assert outputs["file"].path.name == "file.txt"
    assert [outputs[name].path.joinpath(*rest).read_text("utf-8") for name, *rest in
            [("file",), ("folder", "a"), ("any", "deep", "b")]] == ["file", "folder", "any"]  # fmt: skip
    assert outputs["file"].size == 4


@pytest.mark.parametrize(
    ("line", "script", "message"),
    [
        ("{>out.csv}", "", "one ended well but wrote no {out}."),
        ("{>out.csv}", "import os, sys\nos.mkdir(sys.argv[1])\n", "{out}"),
        ("{>out/}", "import os, sys\nos.rmdir(sys.argv[1])\nopen(sys.argv[1], 'w')\n", "{out}"),
        ("{>out/}", "import os, sys\nos.symlink('/etc/hosts', sys.argv[1] + '/hosts')\n", "hosts"),
        (
            "{>out.csv}",
            "import os, sys\nos.symlink('/etc/hosts', sys.argv[1])\n",
            "out.csv is a link to /etc/hosts",
        ),
        ("{>out/}", "import os, sys\nos.mkfifo(sys.argv[1] + '/pipe')\n", "pipe"),
    ],
)
def test_an_output_that_is_not_what_was_declared_fails_the_step_and_nothing_is_published(
    project, line, script, message
):
    step = project.cell("one", script, line)
    run = project.run(step)
    assert run.step("one").failure.cause == "output"
    assert message in run.step("one").failure.message
    assert not list((project.root / ".nbpipe" / "results").iterdir())
    assert planned(project.plan(step))[0][1:] == ("will run", "failed in run 1")


def test_an_output_that_is_a_link_fails_the_step_and_says_where_it_leads(project):
    source = "import os, sys\nos.rmdir(sys.argv[1])\nos.symlink('/scratch/of/another/machine', sys.argv[1])\n"
    failure = project.run(project.cell("one", source, "{>place/}")).step("one").failure
    assert failure.message.startswith("place is a link to /scratch/of/another/machine")


def test_what_was_written_instead_is_named(project):
    run = project.run(project.cell("prep", "open('clean_data.csv', 'w')\n", "--out {>clean.csv}"))
    failure = run.step("prep").failure
    assert failure.message.startswith("prep ended well but wrote no {clean}.")
    assert "clean_data.csv" in failure.message + failure.remedy


def test_outputs_and_uploads_are_kept_and_logs_are_there_while_it_runs(project):
    go = project.root / "go"
    script = f"""
        import os, time
        from nbpipe import Run
        open("outputs/kept.txt", "w").write("kept")
        open("logs/live.txt", "w").write("live")
        open("source.txt", "w").write("uploaded")
        Run.get_context().upload_file("deep/up.txt", "source.txt")
        while not os.path.exists({str(go)!r}):
            time.sleep(0.01)
    """
    run = project.submit(project.cell("one", script))
    live = run.folder.attempt(0, "one", 1) / "logs" / "live.txt"
    eventually(lambda: live.exists() and live.read_text("utf-8") == "live")
    go.write_text("", "utf-8")
    assert run.wait_for_completion(show_output=False, timeout_seconds=30) == "Finished"
    kept = run.step("one").files
    assert sorted(path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()) == [
        "deep/up.txt",
        "kept.txt",
    ]
    assert live.read_text("utf-8") == "live"
    again = project.run(project.cell("one", script))
    assert again.step("one").files == kept


def test_what_a_failed_step_left_in_outputs_is_kept_too(project):
    run = project.run(
        project.cell("one", "open('outputs/state.txt', 'w').write('so far')\nraise SystemExit(3)\n")
    )
    assert run.step("one").failure.code == 3
    assert (run.step("one").files / "state.txt").read_text("utf-8") == "so far"


def test_a_step_without_leavings_has_no_files(project):
    assert project.run(project.cell("one", "")).step("one").files is None


def test_binary_garbage_is_kept_as_it_came(project):
    garbage = bytes(range(256)) * 40
    script = f"import sys\nsys.stdout.buffer.write({garbage!r})\nsys.stderr.buffer.write(b'\\xff\\n')\n"
    step = project.run(project.cell("one", script)).step("one")
    assert step.log.paths["stdout"].read_bytes() == garbage
    assert step.get_stderr_log() == "\ufffd\n"
