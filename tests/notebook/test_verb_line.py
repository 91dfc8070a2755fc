"""The words behind a verb: cells as messages name them, options, and what is too much or too little."""

from __future__ import annotations

import pytest

from nbpipe.errors import UsageError
from nbpipe.notebook.verb_line import Verb, VerbOption, read_verb_line

OF_CELLS = Verb(
    print, "CELL", "Does something with a cell.", {"--as": VerbOption("NAME=KIND", "kind", True)}, "cell"
)
OF_STEPS = Verb(print, "[STEP]", "Does something with a step.", {}, "step")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("[5]", "[5]"),
        ("cell [5]", "[5]"),
        ("cell 5", "cell 5"),
        ("'cell 5'", "cell 5"),
        ("5", "5"),
        ("1d3c-[5]x", None),
        ("a1b2-c3", "a1b2-c3"),
        ("--as x=csv [12]", "[12]"),
    ],
)
def test_a_cell_is_one_word_however_it_is_named(line: str, word: str | None) -> None:
    if word is None:
        with pytest.raises(UsageError, match="knows no glob"):
            read_verb_line("extract", OF_CELLS, line)
    else:
        assert read_verb_line("extract", OF_CELLS, line).words == [word]


def test_an_option_that_repeats_keeps_every_value() -> None:
    found = read_verb_line("extract", OF_CELLS, "[1] --as x=csv --as=data/y.csv=read")
    assert found.texts("--as") == ["x=csv", "data/y.csv=read"]


def test_only_verbs_of_cells_take_numbers_in_brackets() -> None:
    with pytest.raises(UsageError, match="knows no glob"):
        read_verb_line("stop", OF_STEPS, "[5]")
    with pytest.raises(UsageError, match="5 is too much here"):
        read_verb_line("stop", OF_STEPS, "cell 5")
