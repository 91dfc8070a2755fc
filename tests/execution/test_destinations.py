"""Outputs that are copied to a place of their own."""

from __future__ import annotations

import pytest

from nbpipe.core.dataset import OutputFileDatasetConfig
from tests.projects import words

pytestmark = pytest.mark.runner

SCRIPT = (
    "import os, sys\nos.mkdir(sys.argv[1] + '/deep')\nopen(sys.argv[1] + '/deep/a.txt', 'w').write('made')\n"
)


def step(project, path):
    output = OutputFileDatasetConfig("clean", (project.workspace.get_default_datastore(), path))
    return project.cell("prep step/1", None, arguments=[output])


@pytest.fixture
def project(project):
    project.write("steps/prep step/1/prep step/1.py", SCRIPT)
    return project


def test_a_copy_lies_where_the_declaration_says_and_other_files_stay(project):
    project.write("shared/clean/deep/a.txt", "old")
    project.write("shared/clean/own.txt", "own")
    run = project.run(step(project, "shared/{output-name}"))
    assert words(run) == {"prep step/1": "done"}
    copy = project.root / "shared/clean/deep/a.txt"
    assert copy.read_text("utf-8") == "made"
    assert (project.root / "shared/clean/own.txt").read_text("utf-8") == "own"
    copy.write_text("edited", "utf-8")
    assert (
        run.step("prep step/1").get_output("clean").path.joinpath("deep/a.txt").read_text("utf-8") == "made"
    )


def test_a_reused_result_is_copied_too_and_the_place_does_not_count(project):
    project.run(step(project, "one/{run-id}"))
    run = project.run(step(project, "two/{run-id}"))
    assert words(run) == {"prep step/1": "reused"}
    places = [path.relative_to(project.root).as_posix() for path in project.root.glob("*/*/deep/a.txt")]
    assert sorted(places) == ["one/1.prep-step-1/deep/a.txt", "two/2.prep-step-1/deep/a.txt"]


def test_a_place_that_cannot_be_written_fails_the_step(project):
    project.write("shared", "a file in the way")
    run = project.run(step(project, "shared/{output-name}"))
    assert run.step("prep step/1").failure.message.startswith("Cannot write ")
    assert not list((project.root / ".nbpipe/results").iterdir())
