"""The files that a plan was made of: whichever of them is touched is noticed, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbpipe.live.watch import MOST_FILES, stamps, tracked
from tests.projects import COPY, Project, project

__all__ = ["project"]


def touched(project: Project, path: str, steps: list) -> bool:
    """Whether a write to a file of the project is noticed."""
    files = tracked(project.plan(*steps), project.root).paths()
    before = stamps(files)
    project.write(path, "changed\n" * 3)
    return stamps(files) != before


@pytest.mark.parametrize(
    ("path", "noticed"),
    [
        ("steps/prep/prep.py", True),
        ("shared.py", True),
        ("beside/extra.txt", True),
        ("raw.csv", True),
        ("folder/one.txt", True),
        ("folder/new.txt", True),
        ("src/old/old.py", True),
        ("src/old/more.py", True),
        ("unrelated.txt", False),
    ],
)
def test_what_a_plan_was_made_of_is_watched(project: Project, path: str, noticed: bool) -> None:
    project.write("raw.csv", "a\n")
    project.write("folder/one.txt", "1")
    project.write("shared.py", "x = 1\n")
    project.write("beside/extra.txt", "e")
    project.write("src/old/more.py", "")
    steps = [
        project.cell(
            "prep",
            f"import shared\n{COPY}",
            "{./raw.csv} {./folder} {>clean}",
            extra=[str(project.root / "beside/extra.txt")],
        ),
        project.folder_step("old", COPY, "{clean} {>more}"),
    ]
    assert touched(project, path, steps) == noticed


def test_a_file_that_goes_is_noticed(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "gone.txt"
    path.write_text("x")
    before = stamps([str(path)])
    path.unlink()
    assert before != stamps([str(path)]) == {str(path): None}


def test_of_a_folder_with_very_many_files_a_bounded_number_is_watched(project: Project) -> None:
    folder = project.root / "many"
    folder.mkdir()
    for number in range(MOST_FILES + 10):
        os.mknod(folder / str(number))
    files = tracked(project.plan(project.cell("prep", COPY, "{./many} {>clean}")), project.root).paths()
    assert len(files) == MOST_FILES
