"""The cells that ran: which text counts, in which order, and what each left."""

from __future__ import annotations

import pandas as pd

from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.ran import LONGEST_NOTED, RanCells


def ran_with(*cells: tuple[str, str], **variables) -> RanCells:
    ran = RanCells()
    for number, (cell_id, text) in enumerate(cells, 1):
        ran.begin(Cell(cell_id, f"cell [{number}]"), text, text)
        ran.end(variables)
    return ran


def kinds(ran: RanCells) -> list[dict[str, str]]:
    return [{name: kept.kind for name, kept in each.left.items()} for each in ran]


def test_what_a_cell_sets_or_changes_is_noted_and_what_it_only_reads_is_not() -> None:
    ran = ran_with(
        ("a", "x = y\nz['k'] = 1\nrows.append(1)\nfill(box)"), x=1, y=2, z={}, rows=[], box=[], fill=len
    )
    assert kinds(ran) == [{"box": "json", "rows": "json", "x": "json", "z": "json"}]


def test_what_is_noted_stays_as_it_was_when_the_cell_had_run() -> None:
    ran, variables = RanCells(), {"df": pd.DataFrame({"when": ["2020-01-01"]})}
    ran.begin(Cell("a", "cell [1]"), "df = load()", "df = load()")
    ran.end(variables)
    variables["df"] = variables["df"].assign(when=pd.to_datetime(variables["df"]["when"]))
    ran.begin(Cell("b", "cell [2]"), "df['when'] = dates(df)", "df['when'] = dates(df)")
    ran.end(variables)
    reads = [each.left["df"].read for each in ran]
    assert ["parse_dates" in read for read in reads] in (
        [False, True],
        [False, False],
    )  # parquet needs no code for it
    assert [each.turn for each in ran] == [0, 1]


def test_a_cell_that_runs_again_counts_as_it_ran_last_and_keeps_its_place() -> None:
    ran = ran_with(("a", "x = 1"), ("b", "y = 1"), ("a", "x = [2]"), x=[2], y=1)
    assert [(each.cell.label, each.text, each.turn) for each in ran] == [
        ("cell [3]", "x = [2]", 2),
        ("cell [2]", "y = 1", 1),
    ]


def test_cells_without_an_id_are_told_apart_by_their_number() -> None:
    assert ran_with(("", "x = 1"), ("", "x = 1")).by_label() == {"cell [1]": "x = 1", "cell [2]": "x = 1"}


def test_cells_inside_cells_end_in_their_order() -> None:
    ran = RanCells()
    ran.begin(Cell("a", "cell [1]"), "x = run('b')", "x = run('b')")
    ran.begin(Cell("b", "cell [2]"), "y = 1", "y = 1")
    ran.end({"y": 1})
    ran.end({"x": [], "y": 1})
    ran.end({"x": [], "y": 1})  # of a cell that was never begun
    assert kinds(ran) == [{"x": "json"}, {"y": "json"}]


def test_nothing_a_cell_leaves_is_in_the_way_of_noting_it() -> None:
    class Hostile:
        @property
        def __class__(self):
            raise RuntimeError("never look")

    ran = ran_with(
        ("a", "x = 1"),
        ("b", "x = ("),
        ("c", "%time x = 1"),
        ("d", "x = 1" + " " * LONGEST_NOTED),
        x=Hostile(),
    )
    assert kinds(ran) == [{"x": ""}, {}, {}, {}]
    assert next(iter(ran)).left["x"].why == "it cannot be looked at (RuntimeError)"
