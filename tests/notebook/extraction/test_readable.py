"""Cells that cannot become a step: each refused with the line in the way and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.errors import UsageError
from nbpipe.notebook.extraction.extract import extract
from nbpipe.notebook.ran import LONGEST_NOTED
from nbpipe.notebook.session import Session
from tests.notebook.extraction.written import Written


@pytest.mark.parametrize(
    ("text", "fact", "remedy"),
    [
        ("", "Cell [1] is empty.", None),
        (" \n\t\n", "Cell [1] is empty.", None),
        ("%%pipeline_step a.py {>x}\nprint(1)", "Cell [1] is a step already:  %%pipeline_step a.py {>x}", None),
        ("%%pipeline_module a.py\nx = 1", "Cell [1] is a step already:  %%pipeline_module a.py", None),
        ("x = 1\n%matplotlib inline", "Line 2 of cell [1] is no Python:  %matplotlib inline", "plain Python"),
        ("x = 1\nfor y in x:\n    !ls {y}", "Line 3 of cell [1] is no Python:  !ls {y}", "plain Python"),
        ("%%bash\nls", "Line 1 of cell [1] is no Python:  %%bash", "plain Python"),
        ("files = !ls", "Line 1 of cell [1] is no Python:  files = !ls", "plain Python"),
        ("df?", "Line 1 of cell [1] is no Python:  df?", "plain Python"),
        ("x = (", "cell [1], line 1: '(' was never closed.", None),
        ("x = 1\nreturn x", "cell [1], line 2: 'return' outside function.", None),
        ("x = 1\nawait f()", "Line 2 of cell [1] awaits, which only a function of a script can.", "asyncio.run"),
        ("from math import *\nx = floor(pi)", "Line 1 of cell [1] imports every name of math", "import floor, pi"),
        ("from nowhere_at_all import *", "Line 1 of cell [1] imports every name of nowhere_at_all", "import NAME"),
        ("x = 1\nget_ipython().system('ls')", "Line 2 of cell [1] asks the kernel for get_ipython", "Give the value"),
        ("x = Out[3]", "Line 1 of cell [1] asks the kernel for Out", "Give the value a name"),
        ("x = 1" + " " * LONGEST_NOTED, "Cell [1] has 100,005 characters, too many to be read.", "several cells"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_become_a_step_says_why(
    tmp_path: Path, text: str, fact: str, remedy: str | None
) -> None:
    session = Session(tmp_path, {"_": 1, "Out": {}})
    session.begin_cell(text, "a", "cell [1]", text)
    session.ran.end({})
    with pytest.raises(UsageError) as caught:
        extract(session, "[1]")
    assert caught.value.fact.startswith(fact)
    assert remedy is None or remedy in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("cell", "fact"),
    [
        ({"cell_type": "markdown", "source": "x"}, "Cell 1 is markdown, no code."),
        ({"cell_type": "raw", "source": "x"}, "Cell 1 is raw, no code."),
        (
            {"cell_type": "code", "source": "x = 1"},
            "Cell 1 has not run in this kernel, so it is not known what it makes.",
        ),
        ({"cell_type": "code", "source": "x = ("}, "cell 1, line 1: '(' was never closed."),
    ],
)  # fmt: skip
def test_a_cell_that_did_not_run_says_so_unless_more_is_wrong(
    tmp_path: Path, cell: dict[str, str], fact: str
) -> None:
    with pytest.raises(UsageError) as caught:
        extract(Session(tmp_path), "cell 1", {}, [cell])
    assert caught.value.fact == fact


def test_names_that_were_deleted_are_told(tmp_path: Path) -> None:
    notebook = Written(
        tmp_path, "rows = [len('a')]\nkept = [len('b')]", "more = rows + kept", "print(more, rows)"
    )
    del notebook.variables["rows"], notebook.variables["more"]
    assert [each.partition("  ")[0] for each in notebook.asked("[2]")] == [
        "rows is made by cell [1] and is not there now.",
        "kept is made by cell [1], which is no step.",
    ]


def test_a_name_that_was_not_set_when_the_cell_ran_is_told_and_not_written(tmp_path: Path) -> None:
    never = "if not len('a'):\n    rows = [1]"
    notebook = Written(tmp_path, never, "try:\n    rows\nexcept NameError:\n    print(1)")
    made = notebook.extract("[1]")
    assert made.notes == (
        "rows is used by a later cell and was not there when this one had run: it is not written",
    )
    assert "{>" not in made.text


@pytest.mark.parametrize(
    "answers", [{"kinds": {"x": "pickle"}}, {"kinds": ["x"]}, {"skip": "x"}, {"name": "a b"}]
)
def test_answers_that_cannot_be_meant_are_refused(tmp_path: Path, answers: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Written(tmp_path, "x = 1").extract("[1]", **answers)


def test_an_answer_about_a_name_that_the_cell_has_nothing_to_do_with_is_refused(tmp_path: Path) -> None:
    notebook = Written(tmp_path, "rows = [len('a')]", "more = rows + [1]", "print(more)")
    for answers in ({"skip": ["row"]}, {"kinds": {"row": "json"}}):
        with pytest.raises(UsageError, match=r"neither takes nor leaves row\. Did you mean rows\?"):
            notebook.extract("[2]", **answers)
    with pytest.raises(UsageError, match=r"--as rows has no kind"):
        notebook.extract("[2]", kinds={"": "rows"})
