"""The magics in a real kernel, run as JupyterLab runs cells."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.notebook.notebook_kernel import Kernel, kernel_in
from tests.waiting import eventually

pytestmark = pytest.mark.kernel

PREP = """%%pipeline_step prep.py --raw {./raw.csv} --out {>clean.csv}
import sys, shutil
shutil.copy(sys.argv[2], sys.argv[4])"""
TRAIN = """%%pipeline_step train.py --data {clean} --lr {lr} --out {>model}
import sys
open(sys.argv[6], 'w').write(sys.argv[4])"""
STEPS = "[each.name for each in __import__('nbpipe.notebook.session', fromlist=['x']).current().declarations]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "raw.csv").write_text("a\n1\n")
    return tmp_path


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    with kernel_in(folder) as kernel:
        assert kernel.run("%load_ext nbpipe").ok
        yield kernel


def test_a_step_cell_prints_one_line(kernel: Kernel) -> None:
    assert kernel.run(PREP, "a").printed == "+ prep · new: never run · steps/prep/prep.py\n"


def test_comments_above_and_continued_lines_are_fine(kernel: Kernel, folder: Path) -> None:
    outcome = kernel.run(
        "# prepare\n\n%%step prep.py --raw {./raw.csv} \\\n   --out {>clean.csv}\n# mine\nx = 1\n", "a"
    )
    assert outcome.ok, outcome.error
    assert (folder / "steps/prep/prep.py").read_text() == "# mine\nx = 1\n"


def test_variables_are_bound_at_plan_time(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    assert "Nothing makes {lr}. Step train (cell [3]) wants it." in kernel.run(TRAIN, "b").printed
    kernel.run("lr = 0.1")
    kernel.run("p = %pipeline")
    assert kernel.value("p.graph.parameters") == "{'lr': 0.1}"
    kernel.run("lr = 0.2\np = %pipeline")
    assert kernel.value("p.graph.parameters") == "{'lr': 0.2}"


def test_a_cell_run_again_replaces_its_step_under_any_name(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    outcome = kernel.run(PREP.replace("prep.py", "prepare.py"), "a")
    assert "it takes the place of prep, which this cell declared before" in outcome.printed
    assert kernel.value(STEPS) == "['prepare']"


def test_a_cell_that_is_no_step_any_more_takes_it_away(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    assert kernel.run("x = 1", "a").printed == "prep is no step any more: its cell declares none now.\n"
    assert kernel.value(STEPS) == "[]"


def test_steps_that_wait_for_each_other_are_an_error_and_no_picture(kernel: Kernel) -> None:
    kernel.run("%%step a.py {b} {>a}\nx = 1", "a")
    kernel.run("%%step b.py {a} {>b}\nx = 1", "b")
    outcome = kernel.run("%pipeline")
    assert "wait for each other" in outcome.error
    assert outcome.displayed == []


@pytest.mark.parametrize("bad", ["%%step prep.py *.csv\nx = 1", "%%step prep.py {>clean.csv}\nx = ("])
def test_a_cell_that_fails_to_parse_leaves_the_pipeline_as_it_was(kernel: Kernel, bad: str) -> None:
    kernel.run(PREP, "a")
    outcome = kernel.run(bad, "a")
    assert not outcome.ok
    assert "^" in outcome.error
    assert "Traceback" not in outcome.error
    assert kernel.value(STEPS) == "['prep']"


def test_names_of_other_cells_are_told(kernel: Kernel) -> None:
    kernel.run("import json as js\ndf = [1]")
    printed = kernel.run("%%step a.py\njs.dumps(df)\ndisplay(df)", "a").printed
    assert "`js` is imported in another cell: import json as js" in printed
    assert "`df` belongs to another cell" in printed
    assert "`display` is" in printed


def test_a_run_is_shown_and_followed_until_it_ends(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    outcome = kernel.run("%pipeline_run", "r")
    shown = [each["text/plain"] for each in outcome.displayed]
    assert len(shown) == 1
    assert shown[0].startswith("pipeline, run 1:")

    def update() -> bool:
        message = kernel.client.get_iopub_msg(timeout=30)
        text = message["content"].get("data", {}).get("text/plain", "")
        return message["msg_type"] == "update_display_data" and "Finished" in text

    assert eventually(update)


def test_a_result_comes_back_once_it_is_made(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    kernel.run("lr = 0.25")
    kernel.run(TRAIN, "b")
    kernel.run("run = %pipeline_run")
    outcome = kernel.run(
        "import nbpipe\nprint(nbpipe.path('model').read_text(), nbpipe.path('prep.clean').name)"
    )
    assert outcome.printed == "0.25 clean.csv\n", outcome.error
    assert kernel.value("run.status") == "'Finished'"
    assert "image/svg+xml" in kernel.run("run").displayed[0]


def test_a_result_that_failed_raises_with_the_reason(kernel: Kernel) -> None:
    kernel.run("%%step bad.py --out {>x}\nraise ValueError('no luck')", "a")
    kernel.run("%%step after.py {x} --out {>y}\nprint(1)", "b")
    kernel.run("%pipeline_run")
    failed = kernel.run("import nbpipe; nbpipe.path('x')")
    assert "{x} was not made" in failed.error
    assert "no luck" in failed.error
    assert "{y} was not made" in kernel.run("nbpipe.path('y')").error
    assert "No run makes {z}." in kernel.run("nbpipe.path('z')").error


def test_a_result_nobody_made_yet_says_how_to_run(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    assert "%pipeline_run" in kernel.run("import nbpipe; nbpipe.path('clean')").error


def test_waiting_for_a_run_that_fails_raises(kernel: Kernel) -> None:
    kernel.run("%%step bad.py\nraise ValueError('no luck')", "a")
    outcome = kernel.run("%pipeline_run --wait")
    assert not outcome.ok
    assert outcome.reply["ename"] == "ActivityFailedException"
    assert "no luck" in outcome.error


def test_the_run_option_runs_a_step_and_what_it_needs(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    kernel.run("%%step other.py {>z}\nopen(__import__('sys').argv[1], 'w')", "b")
    kernel.run("%%step --run copy.py {clean} {>y}\nimport shutil, sys\nshutil.copy(*sys.argv[1:])", "c")
    assert kernel.run("import nbpipe; print(nbpipe.path('y').read_text())").printed == "a\n1\n\n"
    assert (
        kernel.value("[node.name for node in nbpipe.Workspace.find('.').latest_run().graph.nodes]")
        == "['prep', 'copy']"
    )


def test_verbs_tell_what_they_did(kernel: Kernel, folder: Path) -> None:
    kernel.run("lr = 0.1")
    kernel.run(PREP, "a")
    kernel.run(TRAIN + "\nprint('trained')", "b")
    assert kernel.run("%pipeline_run --wait --param lr=0.5").ok
    assert kernel.run("import nbpipe; print(nbpipe.path('model').read_text())").printed == "0.5\n"
    assert kernel.run("%pipeline params").printed == "lr = 0.1  (train)\n"
    assert kernel.run("%pipeline targets").printed.startswith("v local  local  ready · ")
    assert kernel.run("%pipeline_check").printed == "No problem: 2 steps.\n"
    assert kernel.run("%pipeline_logs train").printed == "trained\n"
    assert kernel.run("%pipeline_save graph.json").printed == "graph.json holds 2 steps.\n"
    assert json.loads((folder / "graph.json").read_text())["nbpipe_graph"] == 1
    assert "run 1" in kernel.run("%pipeline_attach").displayed[0]["text/plain"]
    assert "--lr" in kernel.run("%pipeline_explain train").displayed[0]["text/plain"]
    assert "image/svg+xml" in kernel.run("%pipeline").displayed[0]
    assert "will reuse" in kernel.run("%pipeline_plan").displayed[0]["text/plain"]
    assert "ended already" in kernel.run("%pipeline_stop").printed
    assert (
        kernel.run("%pipeline_remove train").printed
        == "train is no step any more. steps/train/train.py stays.\n"
    )
    assert kernel.value(STEPS) == "['prep']"


def test_an_edit_can_be_accepted_and_taken_back(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    kernel.run("%pipeline_run --wait")
    assert "will run" in kernel.run(PREP + "\nx = 1", "a").printed
    assert "the result of run 1 counts" in kernel.run("%pipeline_accept prep").printed
    assert "will reuse" in kernel.run("%pipeline_plan").displayed[0]["text/plain"]
    assert "forced" in kernel.run("%pipeline_plan --force prep").displayed[0]["text/plain"]


def test_stop_ends_a_run(kernel: Kernel) -> None:
    kernel.run("%%step slow.py\nimport time\nprint('begun', flush=True)\ntime.sleep(600)", "a")
    kernel.run("run = %pipeline_run")
    eventually(lambda: "begun" in kernel.value("run.step('slow').get_stdout_log()"))
    assert kernel.run("%pipeline_stop").printed == "Run 1: every step is being stopped.\n"
    assert (
        kernel.run("print(run.wait_for_completion(show_output=False, raise_on_error=False))").printed
        == "Canceled\n"
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%pipeline rnu", "Did you mean  %pipeline run  ?"),
        ("%pipeline_run --fore prep", "Did you mean --force?"),
        ("%pipeline_run --jobs none", "no number"),
        ("%pipeline_run --param lr", "--param lr=VALUE"),
        ("%pipeline_run --param rate=1", "No parameter rate."),
        ("%pipeline_explain", "STEP is missing."),
        ("%pipeline_explain trian", "No step trian"),
        ("%pipeline_plan now", "now is too much here."),
        ("%pipeline_logs", "No run yet."),
        ("%pipeline_attach 9", "No run 9."),
        ("%pipeline_save graph.txt", "no .json file"),
        ("%pipeline_load nope", "No step nope."),
        ("%pipeline --pipeline other", "No pipeline other."),
        ("%pipeline_accept prep", "prep"),
    ],
)
def test_a_verb_that_cannot_be_meant_says_so(kernel: Kernel, line: str, says: str) -> None:
    kernel.run(PREP, "a")
    outcome = kernel.run(line)
    assert not outcome.ok
    assert says in outcome.error
    assert "Traceback" not in outcome.error


def test_a_file_changed_by_another_hand_is_loaded_into_the_cell(kernel: Kernel, folder: Path) -> None:
    kernel.run(PREP, "a")
    script = folder / "steps/prep/prep.py"
    script.write_text("mine = 1\n")
    outcome = kernel.run(PREP + "\nx = 1", "a")
    assert "Nothing was overwritten" in outcome.error
    assert "%pipeline_load prep" in outcome.error
    assert script.read_text() == "mine = 1\n"
    loaded = [
        page
        for page in kernel.run("%pipeline_load prep").reply["payload"]
        if page["source"] == "set_next_input"
    ]
    assert loaded[0]["text"] == PREP.partition("\n")[0] + "\nmine = 1"
    assert kernel.run(loaded[0]["text"], "a").ok


def test_a_module_cell_is_imported_and_reloaded(kernel: Kernel, folder: Path) -> None:
    assert kernel.run("%%pipeline_module utils.py\nx = 1", "m").ok
    assert kernel.run("import utils\nprint(utils.x)").printed == "1\n"
    kernel.run("%%pipeline_module utils.py\nx = 2", "m")
    assert kernel.run("print(utils.x)").printed == "2\n"
    kernel.run("%%step use.py {>o}\nimport sys, utils\nopen(sys.argv[1], 'w').write(str(utils.x))", "s")
    kernel.run("%pipeline_run")
    assert kernel.run("import nbpipe; print(nbpipe.path('o').read_text())").printed == "2\n"
    kernel.run("%%pipeline_module utils.py\nx = 3", "m")
    assert "utils.py" in kernel.run("%pipeline_plan").displayed[0]["text/plain"]


def test_names_and_options_complete(kernel: Kernel) -> None:
    kernel.run("lr = 0.1\nclearing = object()")
    kernel.run(PREP, "a")
    kernel.run(TRAIN, "b")
    assert kernel.complete("%%pipeline_step --no") == ["--no-reuse"]
    assert kernel.complete("%%step --time") == ["--timeout"]
    assert kernel.complete("%%step eval.py --data {cle") == ["clean"]
    assert kernel.complete("%%step eval.py --data {l") == ["lr"]
    assert kernel.complete("%%step eval.py --data {./ra") == ["./raw.csv"]
    assert kernel.complete("# note\n%%step eval.py \\\n  --data {cl") == ["clean"]
    assert kernel.complete("%%step --compute-target l") == ["local"]
    assert kernel.complete("%%step --inputs=cle") == ["clean"]
    assert kernel.complete("%pipeline_explain t") == ["train"]
    assert kernel.complete("%pipeline re") == ["remove", "restore"]
    assert kernel.complete("%pipeline_run --par") == ["--param"]
    assert kernel.complete("%pipeline_run --param ") == ["lr="]
    assert kernel.complete("%pipeline_run --force ") == ["all", "prep", "train"]
    assert "%pipeline_run" in kernel.complete("%pipeline_r")
    assert kernel.complete("x = 1\nlr.rea") == ["real"]
    assert kernel.complete("%%step a.py\nlr.rea") == ["real"]


def test_every_magic_has_help(kernel: Kernel) -> None:
    help_of_step = kernel.help("%%pipeline_step?")
    assert "--compute-target NAME" in help_of_step
    assert "{>clean.csv}" in help_of_step
    assert "--continue-on-failure" in kernel.help("%pipeline_run?")
    assert "%pipeline_explain STEP" in kernel.help("%pipeline?")
    assert "FILE.py" in kernel.help("%%pipeline_module?")


def test_loading_twice_keeps_the_steps_and_unloading_takes_all_away(kernel: Kernel) -> None:
    kernel.run(PREP, "a")
    assert kernel.run("%reload_ext nbpipe").ok
    assert kernel.value(STEPS) == "['prep']"
    assert kernel.run(PREP, "a").printed.count("steps/prep/prep.py") == 1
    assert kernel.run("%unload_ext nbpipe").ok
    assert not kernel.run(PREP, "a").ok
    assert "restore" not in kernel.complete("%pipeline re")


def test_in_declare_mode_nothing_starts_and_nothing_is_shown(folder: Path) -> None:
    with kernel_in(folder, NBPIPE_DECLARE="1") as kernel:
        kernel.run("%load_ext nbpipe")
        outcomes = [
            kernel.run(PREP, "a", nbpipe_cell=5),
            kernel.run("%%step --run copy.py {clean} {>y}\nprint(1)", "b"),
            kernel.run("%pipeline"),
            kernel.run("%pipeline_run --wait"),
            kernel.run("run = %pipeline_run\nrun.wait_for_completion()\nrun"),
            kernel.run("%pipeline_explain prep"),
            kernel.run("%pipeline_logs"),
        ]
        assert all(each.ok for each in outcomes)
        assert "".join(each.printed for each in outcomes) == ""
        assert [shown for each in outcomes for shown in each.displayed] == []
        assert kernel.value(STEPS) == "['prep', 'copy']"
        place = "__import__('nbpipe.notebook.session', fromlist=['x']).current().declarations[0].place"
        assert kernel.value(place) == "'prep.py (cell 5)'"
        assert "only read for its steps" in kernel.run("import nbpipe; nbpipe.path('clean')").error
    runs = folder / ".nbpipe" / "runs"
    assert not runs.exists() or not list(runs.iterdir())


def save_notebook(path: Path, *sources: str) -> list[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbformat.write(notebook, path)
    return [cell.id for cell in notebook.cells]


def test_after_a_restart_the_step_cells_are_registered_again(folder: Path) -> None:
    path = folder / "work.ipynb"
    gone = "%%step gone.py {>g}\nprint(1)"
    ids = save_notebook(path, "%load_ext nbpipe", "lr = 0.1", PREP, TRAIN, gone)
    with kernel_in(folder, JPY_SESSION_NAME=str(path)) as kernel:
        for cell, source in zip(ids, ["%load_ext nbpipe", "lr = 0.1", PREP, TRAIN, gone], strict=True):
            assert kernel.run(source, cell).ok
        kernel.run("%pipeline_run --wait --only prep")
    kept = save_notebook(path, "%load_ext nbpipe", "lr = 0.1", PREP, TRAIN)
    with kernel_in(folder, JPY_SESSION_NAME=str(path)) as kernel:
        kernel.run("%load_ext nbpipe")
        printed = kernel.run("%pipeline_restore").printed
        assert "gone is not restored: its cell is not in work.ipynb as saved" in printed
        assert "Registered again: prep, train." in printed
        assert "lr (it was 0.1)" in printed
        kernel.run("lr = 0.1")
        assert "will reuse" in kernel.run("%pipeline").displayed[0]["text/plain"]
        kernel.run(TRAIN.replace("train.py", "fit.py"), kept[3])
        assert kernel.value(STEPS) == "['prep', 'fit']"
        kernel.run("%%step extra.py\nprint(1)", "not-in-the-file")
        assert "extra: its cell is not in the notebook as saved" in kernel.run("%pipeline_check").printed
        assert kernel.run("%pipeline").printed == ""  # the file may just be older than the cell
        save_notebook(path, "%load_ext nbpipe", "lr = 0.1", PREP, TRAIN)
        os.utime(path, (time.time() + 10,) * 2)
        assert "extra: its cell is gone from the notebook." in kernel.run("%pipeline").printed


def test_without_a_known_file_the_saved_cells_are_registered_again(folder: Path) -> None:
    with kernel_in(folder) as kernel:
        kernel.run("%load_ext nbpipe")
        kernel.run(PREP, "a")
    with kernel_in(folder) as kernel:
        kernel.run("%load_ext nbpipe")
        assert "Registered again: prep." in kernel.run("%pipeline_restore").printed
        assert kernel.value(STEPS) == "['prep']"


def test_nothing_to_restore_is_told(kernel: Kernel) -> None:
    assert "Nothing is known of this notebook's steps." in kernel.run("%pipeline_restore").error


def test_a_kernel_that_is_killed_leaves_its_run_going(folder: Path) -> None:
    slow = (
        "%%step slow.py {>x}\nimport sys, time, pathlib\nprint('begun', flush=True)\n"
        f"gate = pathlib.Path({str(folder / 'gate')!r})\n"
        "while not gate.exists():\n    time.sleep(0.02)\npathlib.Path(sys.argv[1]).write_text('done')"
    )
    with kernel_in(folder) as kernel:
        kernel.run("%load_ext nbpipe")
        kernel.run(slow, "a")
        kernel.run("run = %pipeline_run")
        eventually(lambda: "begun" in kernel.value("run.step('slow').get_stdout_log()"))
        kernel.manager.signal_kernel(9)
    with kernel_in(folder) as kernel:
        kernel.run("%load_ext nbpipe")
        assert "running" in kernel.run("run = %pipeline_attach").displayed[0]["text/plain"]
        (folder / "gate").touch()
        assert kernel.run("print(run.wait_for_completion(show_output=False))").printed == "Finished\n"
        assert kernel.run("import nbpipe; print(nbpipe.path('x').read_text())").printed == "done\n"


def test_run_all_without_cell_ids_gives_the_right_result(folder: Path) -> None:
    from nbclient import NotebookClient

    sources = [
        "%load_ext nbpipe",
        "lr = 0.75",
        PREP,
        TRAIN,
        "%pipeline_run",
        "import nbpipe\nnbpipe.path('model').read_text()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    assert notebook.cells[-1].outputs[0]["data"]["text/plain"] == "'0.75'"
    assert "run 1" in notebook.cells[4].outputs[0]["data"]["text/plain"]


def test_a_pipeline_of_objects_answers_the_verbs_too(kernel: Kernel, folder: Path) -> None:
    (folder / "object.py").write_text("print('made of objects')\n")
    kernel.run("from nbpipe import Pipeline, PythonScriptStep, Workspace")
    kernel.run("pipeline = Pipeline(Workspace.open('.'), PythonScriptStep('object.py', name='one'))")
    assert kernel.run("%pipeline_run --wait").ok
    assert kernel.run("%pipeline_logs one").printed == "made of objects\n"
