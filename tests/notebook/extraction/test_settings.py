"""What cells set in modules: told, since a step starts without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook.extraction.written import Written


@pytest.mark.parametrize(
    ("above", "told"),
    [
        ("random.seed(0)", "random.seed(0)"),
        ("os.environ['LEVEL'] = '3'", "os.environ['LEVEL'] = '3'"),
        ("random.random()", ""),
        ("os.getcwd()", ""),
        ("json.seed = 1", ""),
        ("seed = random.seed", ""),
        ("def seeded():\n    random.seed(0)", ""),
    ],
)
def test_what_a_cell_above_sets_in_a_module_that_is_used_is_told(
    tmp_path: Path, above: str, told: str
) -> None:
    notebook = Written(
        tmp_path, "import random, os, json", above, "y = [random.random(), os.sep]", "random.seed(1)"
    )
    notes = [each for each in notebook.extract("[3]").notes if "copy it" in each]
    expected = [f"cell [2] has  {told}  which the step lacks: copy it where that matters"] if told else []
    assert notes == expected
