"""Whatever of a step's surroundings changes what its script does makes it run again: modules, packages, variables."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.hardening.installed import Installed
from tests.projects import Project, words

pytestmark = pytest.mark.runner

IMPORT = "import sys\nimport {}\nopen(sys.argv[-1], 'w').write(str({}))\n"


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "venv")


def made(project: Project, *steps) -> str:
    """What the one output is after a run, whether it was made or reused."""
    run = project.run(*steps)
    assert run.status == "Finished", [step.failure for step in run.get_steps()]
    return project.text(run, "one", "out")


# Modules.


def test_of_equally_named_modules_the_one_that_is_imported_counts(project):
    """As modules come and go nearer to the notebook, as packages, parts of packages and plain files."""
    step = lambda: project.cell("one", IMPORT.format("lib.part", "lib.part.X"), "{>out}")  # noqa: E731
    project.write("lib/part.py", "X = 'part of a package without init'\n")
    assert made(project, step()) == "part of a package without init"
    project.write("lib/__init__.py", "")
    project.write("lib/part.py", "from lib.deeper import X\n")
    project.write("lib/deeper.py", "X = 'deeper'\n")
    assert made(project, step()) == "deeper"
    project.write("lib/deeper/__init__.py", "X = 'a package before a module'\n")
    assert made(project, step()) == "a package before a module"
    project.write("lib/deeper/__init__.py", "from . import part\nX = part.Y\n")
    project.write("lib/deeper/part.py", "Y = 'relative'\n")
    assert made(project, step()) == "relative"
    project.write("lib/deeper/part.py", "Y = 'relative, edited'\n")
    assert made(project, step()) == "relative, edited"
    shutil.rmtree(project.root / "lib" / "deeper")
    assert made(project, step()) == "deeper"
    assert words(project.run(step())) == {"one": "reused"}


def test_a_whole_package_farther_away_wins_over_a_part_nearer_by_as_in_python(project, tmp_path, monkeypatch):
    far = tmp_path / "far"
    (far / "lib").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(far))
    project.write("lib/mod.py", "X = 'near'\n")
    step = lambda: project.cell("one", IMPORT.format("lib.mod", "lib.mod.X"), "{>out}")  # noqa: E731
    assert made(project, step()) == "near"
    (far / "lib" / "mod.py").write_text("X = 'far'\n", "utf-8")
    assert made(project, step()) == "near"
    (far / "lib" / "__init__.py").write_text("", "utf-8")
    assert made(project, step()) == "far"
    (far / "lib" / "mod.py").write_text("X = 'far, edited'\n", "utf-8")
    assert made(project, step()) == "far, edited"


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("kind", ["cell", "folder_step"])
def test_modules_on_pythonpath_count_however_it_is_given(project, tmp_path, monkeypatch, declared, kind):
    far, farther = tmp_path / "far", tmp_path / "farther"
    for folder in (far, farther):
        folder.mkdir()
        (folder / "lib.py").write_text("import deep\nX = deep.Y\n", "utf-8")
        (folder / "deep.py").write_text(f"Y = {folder.name!r}\n", "utf-8")

    def step():
        options = {"environment_variables": {"PYTHONPATH": path}} if declared else {}
        if not declared:
            monkeypatch.setenv("PYTHONPATH", path)
        return getattr(project, kind)("one", IMPORT.format("lib", "lib.X"), "{>out}", **options)

    path = str(far)
    assert made(project, step()) == "far"
    assert words(project.run(step())) == {"one": "reused"}
    (far / "deep.py").write_text("Y = 'far, edited'\n", "utf-8")
    assert made(project, step()) == "far, edited"
    path = str(farther)
    assert made(project, step()) == "farther"


def test_an_editable_package_counts_for_a_folder_of_code_too(project, installed, tmp_path):
    source = tmp_path / "checkout"
    source.mkdir()
    (source / "mine.py").write_text("X = 1\n", "utf-8")
    (installed.site / "__editable__.mine.pth").write_text(f"{source}\n", "utf-8")
    step = lambda: project.folder_step(  # noqa: E731
        "one", IMPORT.format("mine", "mine.X"), "{>out}", python=str(installed.folder)
    )
    assert made(project, step()) == "1"
    (source / "mine.py").write_text("X = 20\n", "utf-8")  # longer, or Python itself takes what it compiled
    assert made(project, step()) == "20"
    assert words(project.run(step())) == {"one": "reused"}


# Packages and interpreters.


def test_a_package_that_comes_goes_or_changes_counts(project, installed):
    step = lambda: project.cell(  # noqa: E731
        "one",
        "import sys\ntry:\n import fast as it\nexcept ImportError:\n import slow as it\n"
        "open(sys.argv[-1], 'w').write(it.__name__ + it.VERSION)\n",
        "{>out}",
        python=str(installed.folder),
    )
    installed.install("slow", "1")
    assert made(project, step()) == "slow1"
    installed.install("fast", "1")
    assert made(project, step()) == "fast1"
    installed.install("fast", "2")
    assert made(project, step()) == "fast2"
    installed.install("fast", "1")
    assert words(project.run(step())) == {"one": "reused"}
    installed.remove("fast")
    assert made(project, step()) == "slow1"
    installed.install("slow", "2")
    assert made(project, step()) == "slow2"


def test_all_packages_count_where_only_the_steps_own_python_can_read_the_script(project, installed):
    """Its imports are not known to an older Python."""
    installed.install("alpha", "1")
    newer = installed.folder / "newer"
    newer.write_text(
        f'#!/bin/sh\n"{installed.folder}/bin/python" "$@" | sed \'s/"version": "[0-9.]*"/"version": "3.99"/\'\n',
        "utf-8",
    )
    newer.chmod(0o755)
    step = lambda: project.cell("one", "import alpha; in 3.99 this is Python\n", "{>out}", python=str(newer))  # noqa: E731
    before = project.plan(step())["one"].fingerprint.key
    assert project.plan(step())["one"].fingerprint.key == before
    installed.install("alpha", "2")
    assert project.plan(step())["one"].fingerprint.key != before


def test_an_environment_behind_a_link_counts_as_the_one_it_leads_to(project, tmp_path):
    one, two = Installed(tmp_path / "venv1"), Installed(tmp_path / "venv2")
    one.install("alpha", "1")
    two.install("alpha", "2")
    link = tmp_path / "current"
    step = lambda: project.cell("one", IMPORT.format("alpha", "alpha.VERSION"), "{>out}", python=str(link))  # noqa: E731
    for environment, version in ((one, "1"), (two, "2"), (one, "1")):
        environment.age()
        link.unlink(missing_ok=True)
        link.symlink_to(environment.folder)
        assert made(project, step()) == version


# What is written on the command line and in the options.


def test_a_declared_variable_counts_beside_an_inherited_one_of_its_name(project, monkeypatch):
    monkeypatch.setenv("MODE", "inherited")
    step = lambda value: project.cell(  # noqa: E731
        "one", IMPORT.format("os", "os.environ['MODE']"), "{>out}",
        environment_variables={"MODE": value}, inherited_variables=["MODE"],
    )  # fmt: skip
    assert made(project, step("a")) == "a"
    assert made(project, step("b")) == "b"


VALUES = [
    1,
    1.0,
    True,
    "1",
    "True",
    "1.0",
    0,
    0.0,
    -0.0,
    False,
    "",
    1e16,
    10**16,
    "é",
    "e\u0301",
    "a b",
    "{lr}",
]


def test_values_that_read_differently_have_different_results(project):
    text = "import sys\nopen(sys.argv[-1], 'w').write('|'.join(sys.argv[1:-1]))\n"
    steps = []
    for number, value in enumerate(VALUES):
        project.parameters[f"p{number}"] = value
        steps.append(project.cell(f"s{number}", text, f"{{p{number}}} {{>out{number}}}"))
    for twice in (False, True):
        run = project.run(*steps)
        for number, value in enumerate(VALUES):
            assert project.text(run, f"s{number}", f"out{number}") == str(value), twice


def test_a_value_given_for_one_run_counts_as_it_is_written(project):
    text = "import sys\nopen(sys.argv[-1], 'w').write(sys.argv[1])\n"
    project.parameters = {"p": "x"}
    for value in (*VALUES, *VALUES):
        run = project.run(project.cell("one", text, "{p} {>out}"), pipeline_parameters={"p": value})
        assert project.text(run, "one", "out") == str(value)


def test_words_that_change_places_count(project):
    text = "import sys\nopen(sys.argv[-1], 'w').write('|'.join(sys.argv[1:-1]))\n"
    project.parameters = {"a": "x", "b": "x"}
    lines = [
        "{a} {b} --c",
        "{b} {a} --c",
        "--c {a} {b}",
        "{a}{b} --c",
        "{a} {b}--c",
        "--c={a} {b}",
        "x {b} --c",
    ]
    for line in (*lines, *lines):
        expected = line.replace("{a}", "x").replace("{b}", "x").replace(" ", "|")
        assert made(project, project.cell("one", text, line + " {>out}")) == expected


def test_data_that_change_places_count(project):
    for name in "ab":
        project.write(f"{name}.txt", name)
    text = "import sys\nopen(sys.argv[-1], 'w').write(open(sys.argv[1]).read() + open(sys.argv[2]).read())\n"
    for line, expected in (("{./a.txt} {./b.txt}", "ab"), ("{./b.txt} {./a.txt}", "ba")) * 2:
        assert made(project, project.cell("one", text, line + " {>out}")) == expected
    (project.root / "a.txt").rename(project.root / "c.txt")
    (project.root / "b.txt").rename(project.root / "a.txt")
    (project.root / "c.txt").rename(project.root / "b.txt")
    assert made(project, project.cell("one", text, "{./a.txt} {./b.txt} {>out}")) == "ba"


def test_python_itself_is_named_by_the_interpreter_that_runs(project):
    assert made(project, project.cell("one", IMPORT.format("os", "sys.prefix"), "{>out}")) == sys.prefix
