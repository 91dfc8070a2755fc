"""Names of scripts and steps as file names."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.file_name import folder_name, part_problem, script_problem


@given(st.text(max_size=60))
def test_a_steps_folder_stays_in_its_folder_whatever_the_name(name: str) -> None:
    folder = folder_name(name)
    assert part_problem(folder) == ""
    assert len(PurePosixPath("steps", folder).parts) == 2


@pytest.mark.parametrize(
    "name", ["../../etc", "<script>alert(1)</script>", "a/b", "con", "..", "", ".", "x" * 300]
)
def test_names_that_are_no_file_name_get_a_readable_folder_of_their_own(name: str) -> None:
    assert folder_name(name) != name
    assert folder_name(name) != folder_name(name + "!")


@given(st.text(max_size=300))
def test_a_name_that_passes_is_relative_and_stays_inside(name: str) -> None:
    if script_problem(name) == "":
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert path.suffix == ".py"


@pytest.mark.parametrize("name", [".py", "a/.py", "..py", "a/...py"])
def test_a_script_has_a_name_before_its_ending(name: str) -> None:
    assert script_problem(name) == "nothing stands before .py"
