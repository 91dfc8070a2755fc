"""What makes a step run again and what does not, on real files; each with its reason in words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from tests.execution.chain import REUSED, Chain, downstream
from tests.projects import COPY, planned, words

pytestmark = pytest.mark.runner


# What reruns nothing.


def test_a_second_run_reuses_every_step_and_says_from_which_run(chain):
    assert planned(chain.plan()) == REUSED
    assert chain.story() == [(step, "reused", "run 1") for step in ("prep", "split", "train")]


def _touch(chain: Chain) -> None:
    for path in chain.project.root.rglob("*.*"):
        if path.is_file() and ".nbpipe" not in path.parts:
            os.utime(path)


def _comment(chain: Chain) -> None:
    chain.write(
        "prep", "# what it does\nimport shared\n\n\n" + COPY.replace("text =", "text  =") + "  # the end\n"
    )


def _comment_in_module(chain: Chain) -> None:
    chain.project.write("shared.py", "# a note\nNAME = 'shared'  # as it is\n")


def _rename(chain: Chain) -> None:
    chain.project.name = "another"


def _forbid_nothing(chain: Chain) -> None:
    for options in chain.options.values():
        options["allow_reuse"] = True


def _limits(chain: Chain) -> None:
    for options in chain.options.values():
        options |= {"timeout": 100.0, "retries": 2, "memory": 2**30}


def _unused_module(chain: Chain) -> None:
    chain.project.write("other.py", "x = 1\n")
    chain.project.write("steps/prep/notes.txt", "beside the script, and no part of it")


def _unused_data(chain: Chain) -> None:
    chain.project.write("raw2.csv", "a,b\n")


def _executable(chain: Chain) -> None:
    (chain.project.root / "steps/prep/prep.py").chmod(0o755)
    (chain.project.root / "raw.csv").chmod(0o600)


def _order(chain: Chain) -> None:
    """Order of declaration does not count; neither does an order that is said without data."""
    steps = chain.steps

    def ordered():
        prep, split, train = steps()
        train.run_after(prep)
        return [prep, split, train]

    chain.steps = ordered


def _variable(chain: Chain) -> None:
    os.environ["SOMETHING_ELSE"] = "1"


def _same_line(chain: Chain) -> None:
    chain.lines["prep"] = "  {./raw.csv}   {>clean.csv} "


def _elsewhere(chain: Chain) -> None:
    """Equal data count as equal wherever they lie."""
    Path("raw.csv").rename("raw_moved.csv")
    chain.lines["prep"] = "{raw_csv} {>clean.csv}"
    chain.project._made["raw_csv"] = None

    def steps():
        data = Dataset.File.from_files("raw_moved.csv").as_named_input("raw_csv").as_mount()
        chain.project._made["raw_csv"] = data
        return [chain.project.cell(name, None, line) for name, line in chain.lines.items()]

    chain.steps = steps


HARMLESS = [
    _touch, _comment, _comment_in_module, _rename, _forbid_nothing, _limits, _unused_module, _unused_data, _executable,
    _order, _variable, _same_line, _elsewhere,
]  # fmt: skip


def test_what_changes_no_result_reruns_nothing(chain, monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for change in HARMLESS:  # one on top of the other
        change(chain)
        assert planned(chain.plan()) == REUSED, change.__name__


def test_a_workspace_that_is_moved_or_copied_reruns_nothing(chain, tmp_path, monkeypatch):
    shutil.copytree(chain.project.root, tmp_path / "copy")
    chain.project.root.rename(tmp_path / "moved")
    for place in ("copy", "moved"):
        monkeypatch.chdir(tmp_path / place)
        chain.project.root = tmp_path / place
        assert planned(chain.plan()) == REUSED
        assert [word for _, word, _ in chain.story()] == ["reused", "reused", "reused"]
        chain.project.stop_all()


def test_another_name_for_a_step_finds_its_result(chain):
    project = chain.project
    prep, split, train = chain.steps()
    train.name = "fit"
    assert planned(project.plan(prep, split, train)) == [*REUSED[:2], ("fit", "will reuse", "")]


def test_the_order_in_which_params_are_given_reruns_nothing(project):
    def step(**params):
        return project.cell("one", COPY, "{>out}", params=params)

    project.run(step(a=1, b="x"))
    assert planned(project.plan(step(b="x", a=1))) == [("one", "will reuse", "")]
    assert planned(project.plan(step(b="x", a=2))) == [("one", "will run", "a 1 → 2")]


def test_a_changed_comment_is_told_where_the_step_is_reused(chain):
    _comment(chain)
    run = chain.project.run(*chain.steps())
    assert run.explain("prep").note == "only comments changed"
    assert run.explain("split").note == ""


# What reruns a step, and what that does to the others.


def test_a_changed_line_reruns_its_step_and_leaves_the_rest_open(chain):
    chain.write("prep", "import shared\n" + COPY.replace('"".join', '"-".join'))
    assert planned(chain.plan()) == downstream("prep.py line 3 changed")


def test_a_step_whose_bytes_come_out_equal_reruns_nothing_after_it(chain):
    chain.write("prep", "import shared\n" + COPY + "print('done')\n")
    assert [word for _, word, _ in planned(chain.plan())] == ["will run", "maybe", "maybe"]
    assert chain.story() == [
        ("prep", "done", "prep.py line 5 changed"),
        ("split", "reused", "run 1"),
        ("train", "reused", "run 1"),
    ]


def test_a_step_whose_bytes_differ_reruns_all_that_comes_of_it_and_they_name_the_cause(chain):
    chain.write("prep", "import shared\n" + COPY + "open(sys.argv[-1], 'a').write('more')\n")
    assert chain.story() == [
        ("prep", "done", "prep.py line 5 changed"),
        ("split", "done", "clean changed ← prep.py line 5"),
        ("train", "done", "part changed ← prep.py line 5"),
    ]
    assert planned(chain.plan()) == REUSED


def test_a_changed_step_in_the_middle_reruns_its_descendants_only(chain):
    chain.write(
        "split", COPY.replace("sys.argv[1:-1]", "sys.argv[4:-1]") + "open(sys.argv[-1], 'a').write('x')\n"
    )
    assert chain.story() == [
        ("prep", "reused", "run 1"),
        ("split", "done", "split.py line 4 changed"),
        ("train", "done", "part changed ← split.py line 4"),
    ]


def test_a_changed_module_reruns_those_that_import_it_and_names_the_others(project):
    project.write("deep.py", "X = 1\n")
    project.write("shared.py", "import deep\n")
    project.write("alone.py", "")

    def steps():
        return [
            project.cell("one", "import shared\n" + COPY, "{>first}"),
            project.cell("two", "import deep\n" + COPY, "{>second}"),
            project.cell("three", "import alone\n" + COPY, "{>third}"),
        ]

    project.run(*steps())
    project.write("deep.py", "X = 2\n")
    assert planned(project.plan(*steps())) == [
        ("one", "will run", "deep.py line 1 changed (also used by two)"),
        ("two", "will run", "deep.py line 1 changed (also used by one)"),
        ("three", "will reuse", ""),
    ]


LINES = {
    "--seed {seed} --size=4 {clean} {>part.csv}": ["--size 3 → 4"],
    "--seed {seed} --size=3 {clean} {clean} {>part.csv}": ["--size 3 → 3 {clean}"],
    "--seed {seed} --size=3 {clean} {>part.csv} --flag": ["--flag added"],
    "--seed={seed} --size=3 {clean} {>part.csv}": ["arguments changed"],
    "--size=3 {clean} {>part.csv} --seed {seed}": ["arguments in another order"],
    "--seed {seed} --size=3 {clean} {>part.tsv}": ["output part file part.csv → file part.tsv"],
    "--seed {seed} --size=3 {clean} {>part}": ["output part file part.csv → any part"],
    "--seed {seed} --size=3 {clean} {>part/}": ["output part file part.csv → folder part"],
}


def test_a_changed_word_of_the_command_line_is_the_reason(chain):
    for line, reasons in LINES.items():
        chain.lines["split"] = line
        plan = chain.plan()
        assert [step.status for step in plan] == ["will reuse", "will run", "maybe"], line
        assert [str(reason) for reason in plan["split"].reasons] == reasons


def test_a_changed_parameter_is_told_by_its_option(chain):
    plan = chain.plan(pipeline_parameters={"seed": 2})
    assert planned(plan) == [
        ("prep", "will reuse", ""),
        ("split", "will run", "--seed 1 → 2"),
        ("train", "maybe", "reused if part comes out equal ← --seed 1 → 2"),
    ]


def test_a_parameter_counts_with_its_type(chain):
    for value, word in [(1.0, "1.0"), (True, "true"), ("1", '"1"')]:
        plan = chain.plan(pipeline_parameters={"seed": value})
        assert str(plan["split"].reasons[0]) == f"--seed 1 → {word}"


def test_changed_data_are_told_with_their_rows(chain):
    chain.project.write("raw.csv", "a,b\n1,2\n3,4\n5,6\n")
    assert planned(chain.plan()) == downstream("raw.csv: content changed (2 → 3 rows)")
    chain.project.write("raw.csv", "a,b\n1,2\n3,5\n")
    assert planned(chain.plan()) == downstream("raw.csv: content changed")


def test_an_edit_that_keeps_size_and_times_is_seen(chain):
    path = chain.project.root / "raw.csv"
    before = path.stat()
    path.write_text("a,b\n1,2\n3,9\n", "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert chain.reasons() == ["raw.csv: content changed"]


def test_a_file_more_in_a_folder_or_a_glob_counts(project):
    project.write("data/a.csv", "1\n")

    def steps():
        count = "import os, sys\nopen(sys.argv[2], 'w').write(str(len(os.listdir(sys.argv[1]))))\n"
        return [
            project.cell("all", count, "{./data} {>n}"),
            project.cell("some", count, "{./data/*.csv} {>m}"),
        ]

    project.run(*steps())
    project.write("data/b.txt", "2\n")
    assert planned(project.plan(*steps())) == [
        ("all", "will run", "data: content changed"),
        ("some", "will reuse", ""),
    ]
    project.write("data/b.csv", "2\n")
    run = project.run(*steps())
    assert [project.text(run, "all", "n"), project.text(run, "some", "m")] == ["3", "2"]


def test_a_file_that_is_renamed_in_a_folder_counts_and_an_ignored_one_does_not(project):
    project.write("data/a.csv", "1\n")
    step = project.cell("one", COPY.replace("sys.argv[1:-1]", "[]"), "{./data} {>n}")
    project.run(step)
    project.write("data/.ipynb_checkpoints/a.csv", "1\n")
    project.write("data/.DS_Store", "")
    assert planned(project.plan(step)) == [("one", "will reuse", "")]
    Path("data/a.csv").rename("data/b.csv")
    assert planned(project.plan(step)) == [("one", "will run", "data: content changed")]


def test_how_an_input_is_handed_over_counts(project):
    project.write("raw.csv", "1\n")
    data = Dataset.File.from_files("raw.csv").as_named_input("raw")

    def step(given):
        return project.cell("one", "", arguments=[given])

    project.run(step(data.as_mount()))
    assert planned(project.plan(step(data.as_download()))) == [
        ("one", "will run", "input raw download added")
    ]
    assert planned(project.plan(step(data.as_direct()))) == [("one", "will run", "input raw direct added")]
    assert planned(project.plan(step(data.as_mount()))) == [("one", "will reuse", "")]


def test_the_version_of_a_step_counts(chain):
    chain.options["prep"]["version"] = "2"
    assert planned(chain.plan()) == downstream("version 2 added")


def test_a_literal_in_braces_is_not_the_placeholder_of_that_name(project):
    data = PipelineData("clean")
    prep = project.cell("prep", COPY, arguments=[data], outputs=[data])
    one = project.cell("one", "", arguments=["{clean}"], inputs=[data])
    project.run(prep, one)
    other = project.cell("one", None, arguments=[data], inputs=[data])
    assert project.plan(prep, other)["one"].action == "run"


# Code by bytes.


def test_comments_count_where_the_workspace_says_so(chain):
    chain.project.write("nbpipe.toml", '[reuse]\ncode = "bytes"\n')
    chain.project.run(*chain.steps())
    assert planned(chain.plan()) == REUSED
    chain.write("prep", "import shared\n# a note\n" + COPY)
    assert chain.reasons() == ["prep.py line 2 changed"]


def test_a_source_directory_counts_byte_by_byte_and_whole(project):
    def step():
        return project.folder_step("one", None)

    project.write("src/one/one.py", "x = 1\n")
    project.write("src/one/table.txt", "1\n")
    project.run(step())
    project.write("src/one/.git/HEAD", "")
    assert planned(project.plan(step())) == [("one", "will reuse", "")]
    project.write("src/one/one.py", "x = 1  # one\n")
    project.write("src/one/table.txt", "2\n")
    project.write("src/one/more.txt", "")
    assert planned(project.plan(step())) == [
        ("one", "will run", "one.py line 1 changed; table.txt line 1 changed; more.txt added")
    ]


def test_a_script_that_is_no_python_counts_by_its_bytes_and_says_so_when_it_runs(project):
    step = project.cell("one", "x = = 1\n")
    run = project.run(step)
    assert words(run) == {"one": "failed"}
    assert run.step("one").failure.line == 1
