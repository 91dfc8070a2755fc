"""Names of steps: from the first comment or the main output, valid, free, and in the way of no module."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UsageError
from nbpipe.notebook.extraction.naming import check_name, free_name, hides_module, step_name
from nbpipe.notebook.file_name import script_problem


@pytest.mark.parametrize(
    ("text", "made", "name"),
    [
        ("# Clean\nx = 1", ["x"], "clean"),
        ("\n#  Clean the data!\nx = 1", ["x"], "clean_the_data"),
        ("import os\nfrom a import b\n# Clean\nx = 1", ["x"], "clean"),
        ("# Für jede Größe\nx = 1", ["x"], "für_jede_größe"),
        ("# This comment is a whole sentence\nx = 1", ["x"], "x"),
        ("x = 1\n# Clean", ["x", "y"], "x"),
        ("# TODO clean\nx = 1", ["x"], "x"),
        ("# type: ignore\nx = 1", ["x"], "x"),
        ("# %%\nx = 1", ["x"], "x"),
        ("# ---\nx = 1", ["x"], "x"),
        ("# 3 apples\nx = 1", ["x"], "x"),
        ("# con\nx = 1", ["x"], "x"),
        ("# json\nx = 1", ["x"], "json_step"),
        ("x = 1", ["statistics"], "statistics_step"),
        ("x = 1", ["pandas"], "pandas_step"),
        ("print(1)", [], "cell_3"),
    ],
)
def test_a_name_suggests_itself(text: str, made: list[str], name: str) -> None:
    assert step_name(text, made, [], "cell_3") == name


def test_a_name_that_a_step_has_gets_a_number() -> None:
    assert step_name("# Clean", [], ["clean", "CLEAN_2"], "x") == "clean_3"


@given(st.text(max_size=40), st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), max_size=2))
def test_a_suggested_name_is_always_a_script_of_its_own(text: str, made: list[str]) -> None:
    name = step_name(f"# {text}", made, ["clean"], "cell_1")
    assert not hides_module(name)
    assert name.casefold() != "clean"
    if not made:
        assert script_problem(f"{name}.py") == ""


@pytest.mark.parametrize("name", ["../x", "a b", "a/b", "x;y", "", "json", "numpy", "con", "{x}", "-x"])
def test_a_chosen_name_that_is_no_script_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


def test_a_name_gives_way_to_those_that_are_taken() -> None:
    assert free_name("args", {"args", "args_"}) == "args__"
    assert free_name("args", {"x"}) == "args"
