"""What makes a step run again and what does not, on real files; each with its reason in words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from nbpipe.core.environment import CondaDependencies, RunConfiguration
from nbpipe.core.plan import Plan
from nbpipe.workspace import Workspace
from tests.projects import COPY, Project, Story, planned, story, words

pytestmark = pytest.mark.runner

REUSED = [("prep", "will reuse", ""), ("split", "will reuse", ""), ("train", "will reuse", "")]


class Chain:
    """prep reads raw.csv and imports shared.py; split reads what prep wrote, train what split wrote."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.options: dict[str, dict] = {"prep": {}, "split": {}, "train": {}}
        self.lines = {
            "prep": "{./raw.csv} {>clean.csv}",
            "split": "--seed {seed} --size=3 {clean} {>part.csv}",
            "train": "{part} {>model}",
        }
        project.parameters = {"seed": 1}
        project.write("raw.csv", "a,b\n1,2\n3,4\n")
        project.write("shared.py", "NAME = 'shared'\n")
        self.write("prep", "import shared\n" + COPY)
        self.write("split", COPY.replace("sys.argv[1:-1]", "sys.argv[4:-1]"))
        self.write("train", COPY)

    def write(self, step: str, text: str) -> None:
        self.project.write(f"steps/{step}/{step}.py", text)

    def steps(self) -> list:
        return [
            self.project.cell(name, None, line, **self.options[name]) for name, line in self.lines.items()
        ]

    def plan(self, **options) -> Plan:
        return self.project.plan(*self.steps(), **options)

    def reasons(self) -> list[str]:
        """Why prep is not reused."""
        return [str(reason) for reason in self.plan()["prep"].reasons]

    def story(self) -> Story:
        """What becomes of a further run."""
        return story(self.project.run(*self.steps()))


@pytest.fixture
def chain(project: Project) -> Chain:
    """The three steps, run once."""
    chain = Chain(project)
    assert [word for _, word, _ in chain.story()] == ["done", "done", "done"]
    return chain


def downstream(reason: str) -> Story:
    """The plan in which prep runs for a reason, and the two others wait to see what comes of it."""
    root = reason.removesuffix(" changed")
    return [
        ("prep", "will run", reason),
        ("split", "maybe", f"reused if clean comes out equal ← {root}"),
        ("train", "maybe", f"reused if part comes out equal ← {root}"),
    ]


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
    for value, word in [(1.0, "1.0"), (True, "true"), ("1", "1")]:
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


# The environment.


def test_a_variable_counts_where_it_is_named_and_its_value_is_not_told(chain, monkeypatch):
    chain.options["prep"]["inherited_variables"] = ["TOKEN_KIND"]
    assert chain.reasons() == [f"--env TOKEN_KIND {_digest(None)}… added"]
    monkeypatch.setenv("TOKEN_KIND", "first-value")
    chain.project.run(*chain.steps())
    assert planned(chain.plan()) == REUSED
    monkeypatch.setenv("TOKEN_KIND", "second-value")
    assert chain.reasons() == ["--env TOKEN_KIND changed"]


def _digest(value: object) -> str:
    from nbpipe.core.fingerprint import digest_of

    return digest_of(value)[:39]


def test_a_declared_variable_counts(chain):
    chain.options["prep"]["environment_variables"] = {"MODE": "fast"}
    chain.project.run(*chain.steps())
    chain.options["prep"]["environment_variables"] = {"MODE": "slow"}
    assert chain.reasons() == ["--env MODE changed"]


def test_a_secret_counts_by_its_name_alone(chain, monkeypatch):
    monkeypatch.setenv("API_KEY", "first-value")
    chain.options["prep"]["secret_variables"] = ["API_KEY"]
    assert chain.reasons() == ["--secret API_KEY given added"]
    chain.project.run(*chain.steps())
    monkeypatch.setenv("API_KEY", "second-value")
    assert planned(chain.plan()) == REUSED


class Venv:
    """A throw-away environment into which things are "installed" by dropping their metadata."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.site = next(folder.glob("lib/python*/site-packages"))

    def install(self, name: str, version: str) -> None:
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        (info / "RECORD").write_text(f"{name}.py,,\n", "utf-8")
        (self.site / f"{name}.py").write_text(f"VERSION = {version!r}\n", "utf-8")


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    venv = Venv(tmp_path / "venv")
    venv.install("alpha", "1.0")
    venv.install("beta", "1.0")
    return venv


def test_only_what_a_steps_code_imports_counts_of_its_environment(project, venv):
    project.write("shared.py", "import alpha\n")

    def steps(**options):
        write = "import sys, {}\nopen(sys.argv[1], 'w').write('x')\n"
        return [
            project.cell("one", write.format("shared"), "{>first}", python=str(venv.folder), **options),
            project.cell("two", write.format("beta"), "{>second}", python=str(venv.folder), **options),
        ]

    assert words(project.run(*steps())) == {"one": "done", "two": "done"}
    venv.install("gamma", "1.0")
    assert [step.action for step in project.plan(*steps())] == ["reuse", "reuse"]
    venv.install("alpha", "1.1")
    assert planned(project.plan(*steps())) == [
        ("one", "will run", "alpha 1.0 → 1.1"),
        ("two", "will reuse", ""),
    ]


def test_the_whole_environment_or_none_of_it_counts_where_that_is_said(project, venv):
    def step(counts, name):
        return project.cell(name, "import alpha\n", python=str(venv.folder), environment=counts)

    def steps():
        return [step("full", "whole"), step("none", "bare")]

    project.run(*steps())
    venv.install("beta", "2.0")
    assert planned(project.plan(*steps())) == [
        ("whole", "will run", "beta 1.0 → 2.0"),
        ("bare", "will reuse", ""),
    ]
    venv.install("alpha", "2.0")
    assert project.plan(*steps())["bare"].action == "reuse"


def test_the_version_of_python_counts_and_its_place_does_not(project, tmp_path):
    def step(python):
        return project.cell("one", "", python=str(python))

    project.run(step(sys.executable))
    same = tmp_path / "elsewhere"
    same.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    newer = tmp_path / "newer"
    newer.write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@" | sed \'s/"version": "[0-9.]*"/"version": "3.99"/\'\n', "utf-8"
    )
    for path in (same, newer):
        path.chmod(0o755)
    assert planned(project.plan(step(same))) == [("one", "will reuse", "")]
    now = ".".join(map(str, sys.version_info[:2]))
    assert planned(project.plan(step(newer))) == [("one", "will run", f"python {now} → 3.99")]


def test_a_declared_environment_counts(project):
    def step(*packages):
        runconfig = RunConfiguration()
        runconfig.environment.python.conda_dependencies = CondaDependencies.create(
            pip_packages=list(packages)
        )
        return project.cell("one", "", runconfig=runconfig)

    project.run(step("pandas==2.2"))
    assert planned(project.plan(step("pandas==2.2"))) == [("one", "will reuse", "")]
    assert planned(project.plan(step("pandas==2.3"))) == [("one", "will run", "declared environment changed")]


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


# What stands besides.


def test_a_forced_step_runs_and_what_it_makes_decides_on_the_rest(chain):
    assert planned(chain.plan(force=["split"])) == [
        ("prep", "will reuse", ""),
        ("split", "will run", "forced"),
        ("train", "maybe", "reused if part comes out equal ← split forced"),
    ]
    assert story(chain.project.run(*chain.steps(), force=["split"])) == [
        ("prep", "reused", "run 1"),
        ("split", "done", "forced"),
        ("train", "reused", "run 1"),
    ]


def test_the_newest_result_answers_so_that_a_forced_run_supersedes(chain):
    chain.project.run(*chain.steps(), force=["split"])
    assert chain.story()[1] == ("split", "reused", "run 2")


def test_regenerate_outputs_runs_everything(chain):
    run = chain.project.run(*chain.steps(), regenerate_outputs=True)
    assert [(node, word, why) for node, word, why in story(run)] == [
        (step, "done", "forced") for step in ("prep", "split", "train")
    ]


def test_a_step_whose_reuse_is_switched_off_runs_each_time(chain):
    chain.options["split"]["allow_reuse"] = False
    assert planned(chain.plan())[1] == ("split", "will run", "reuse is switched off (--no-reuse)")
    assert [word for _, word, _ in chain.story()] == ["reused", "done", "reused"]


def test_a_failed_step_is_tried_again_and_says_in_which_run_it_failed(project):
    project.write("switch", "off")
    step = project.cell(
        "one", f"import sys\nsys.exit(open({str(project.root / 'switch')!r}).read() == 'off')\n"
    )
    assert words(project.run(step)) == {"one": "failed"}
    assert planned(project.plan(step)) == [("one", "will run", "failed in run 1")]
    project.write("switch", "on")
    assert story(project.run(step)) == [("one", "done", "failed in run 1")]
    assert planned(project.plan(step)) == [("one", "will reuse", "")]


def test_a_result_whose_data_are_gone_is_made_again(chain):
    gone = chain.project.workspace.latest_run().step("split").get_output("part").path
    shutil.rmtree(gone.parent)
    plan = chain.plan()
    assert planned(plan) == [
        ("prep", "will reuse", ""),
        ("split", "will run", "{part} of run 1 is gone"),
        ("train", "maybe", "reused if part comes out equal ← split {part} of run 1 is gone"),
    ]
    assert [word for _, word, _ in chain.story()] == ["reused", "done", "reused"]
    assert gone.is_file()


def test_results_that_were_all_removed_are_told_as_gone(chain):
    shutil.rmtree(chain.project.root / ".nbpipe" / "results")
    assert planned(chain.plan())[0] == ("prep", "will run", "its result of run 1 is gone")


def test_a_step_without_history_is_new(project):
    assert planned(project.plan(project.cell("one", ""))) == [("one", "new", "never run")]


def test_input_that_cannot_exist_blocks_what_needs_it(project):
    steps = [
        project.cell("one", COPY, "{./absent.csv} {>a}"),
        project.cell("two", COPY, "{a} {>b}"),
        project.cell("three", COPY, "{./data/*.csv} {>c}"),
    ]
    assert planned(project.plan(*steps)) == [
        ("one", "blocked", "there is no absent.csv"),
        ("two", "blocked", "waits for one (blocked) ← there is no absent.csv"),
        ("three", "blocked", f"nothing matches data/*.csv in {project.root}"),
    ]


def test_a_plan_writes_nothing_but_what_it_remembers(project):
    before = time.time()
    project.write("raw.csv", "1\n")
    project.plan(project.cell("one", COPY, "{./raw.csv} {>a}"))
    workspace = Workspace(project.root)
    assert workspace.runs() == []
    assert not list((project.root / ".nbpipe" / "objects").iterdir())
    assert before <= time.time()
