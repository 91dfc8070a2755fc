"""The error tree: one fact, where, and what to do; each error also the fitting built-in."""

from __future__ import annotations

import ast
import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe import errors
from nbpipe.errors import InvalidPipeline, NbpipeError, Problem

KINDS = {
    "NbpipeError": Exception, "UsageError": ValueError, "UnknownName": KeyError,
    "ActivityFailedException": RuntimeError,
    "NotebookError": RuntimeError, "StoreError": OSError, "EnvironmentProbeError": RuntimeError,
    "MissingExtra": ImportError, "Unreachable": OSError, "AccessRefused": OSError,
}  # fmt: skip
TEXT = "No compute target gpu_box.\n  cell 5\n  This workspace has: local\n  Add it:  %pipeline_targets"


def made(name: str) -> NbpipeError:
    return getattr(errors, name)(
        "No compute target gpu_box.",
        place="cell 5",
        remedy="This workspace has: local\nAdd it:  %pipeline_targets",
    )


def test_the_tree_is_the_one_that_is_drawn() -> None:
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, NbpipeError)
    }
    assert kinds.keys() == KINDS.keys() | {"InvalidPipeline"}
    for name, kind in kinds.items():
        assert name in errors.__doc__
        assert issubclass(kind, KINDS.get(name, ValueError))


@pytest.mark.parametrize("name", KINDS)
def test_an_error_reads_fact_place_remedy(name: str) -> None:
    error = made(name)
    assert str(error) == TEXT
    assert error._render_traceback_() == TEXT.split("\n")
    assert (error.fact, error.args) == ("No compute target gpu_box.", ("No compute target gpu_box.",))
    assert str(type(error)("Only a fact.")) == "Only a fact."


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_copied_and_sent(name: str, again: object) -> None:
    error = again(made(name))
    assert (type(error).__name__, str(error), error.place) == (name, TEXT, "cell 5")


def test_all_problems_of_a_pipeline_are_one_error() -> None:
    problems = [Problem("Nothing makes {x}.", "Did you mean {y}?", "train"), Problem("No script a.py.")]
    error = pickle.loads(pickle.dumps(InvalidPipeline(iter(problems))))
    assert error.problems == tuple(problems)
    assert str(error) == "Nothing makes {x}.\n  Did you mean {y}?\nNo script a.py."


def test_errors_run_on_python_3_9_with_nothing_installed() -> None:
    """They travel to a step's interpreter, which may be older than nbpipe's own."""
    source = Path(errors.__file__)
    ast.parse(source.read_text("utf-8"), feature_version=(3, 9))
    shown = subprocess.run(
        [sys.executable, "-I", "-S", source], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout == shown.stderr == ""
